"""What is stored after a checkup carries its floor."""

from dataclasses import replace
from pathlib import Path

import pytest

from attnbench.benchmark.recorder import Recorder
from attnbench.cli.options import CHECKUPS
from attnbench.records import Checkup, Floor, store

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
