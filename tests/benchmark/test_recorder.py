"""Stored records carry the command that asked, and the floor of the last checkup."""

from dataclasses import replace
from pathlib import Path

import pytest

import attnbench
from attnbench.benchmark.recorder import CHECKUPS, Recorder
from attnbench.records import Checkup, EpochRecord, Floor, store
from attnbench.spec import Protocol, Workload

FIXTURE = Path(__file__).parents[1] / "fixtures" / "schema1.jsonl"


@pytest.fixture
def record(tmp_path, monkeypatch):
    record = store.read(FIXTURE).records[0]
    monkeypatch.chdir(tmp_path)
    return record


def checkup(record, relative, created, **environment):
    return Checkup(
        floor=Floor(relative=relative, absolute_s=1e-7, created=created), findings=(),
        environment=replace(record.environment, **environment), created=created,
    )  # fmt: skip


def test_records_of_a_python_user_carry_author_and_floor(record):
    workload = Workload(attention="dense", grid=(2, 2), dim=24, num_heads=3)
    protocol = Protocol(warmup_s=0, min_samples=6, precision=10, time_budget_s=0.2)
    (first,) = attnbench.profile([workload], protocol)
    store.append(CHECKUPS, checkup(first, 0.02, "2026-01-03"))
    recorder = attnbench.Recorder("mine/study.jsonl")
    (plain,) = attnbench.profile([workload], protocol, on_record=recorder.keep)
    (kept,) = store.read(Path("mine/study.jsonl")).records
    assert (kept.asked_by, kept.floor.relative) == ("python", 0.02)
    assert kept == replace(plain, asked_by="python", floor=kept.floor)


def test_what_is_returned_is_what_was_stored(record):
    returned = Recorder("out.jsonl", "a study").keep(record)
    assert store.read(Path("out.jsonl")).records == [returned]
    assert returned.asked_by == "a study"


def test_an_epoch_has_no_floor(record):
    epoch = store.read(FIXTURE).epochs[0]
    store.append(CHECKUPS, checkup(epoch, 0.02, "2026-01-03"))
    kept = Recorder("out.jsonl", "train").keep(epoch)
    assert kept == replace(epoch, asked_by="train")
    assert isinstance(kept, EpochRecord)


def test_without_a_checkup_there_is_no_floor(record):
    Recorder(Path("out.jsonl"), "sweep").keep(record)
    assert store.read(Path("out.jsonl")).records == [replace(record, asked_by="sweep")]


def test_records_carry_the_floor_of_the_newest_checkup_of_their_machine(record):
    for line in (
        checkup(record, 0.03, "2026-01-02"),
        checkup(record, 0.02, "2026-01-03"),
        checkup(record, 0.01, "2026-01-04", device_name="Another GPU"),
        checkup(record, 0.09, "2026-01-01"),
    ):
        store.append(CHECKUPS, line)
    keep = Recorder(Path("out.jsonl"), "profile").keep
    keep(record)
    keep(replace(record, status="failed", reason="again"))
    kept = store.read(Path("out.jsonl")).records
    assert [one.floor.relative for one in kept] == [0.02, 0.02]
    assert kept[0].key == record.key  # a checkup makes nothing stale
