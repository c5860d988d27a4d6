"""Which checkup's floor a record carries."""

from dataclasses import replace

import pytest

from attnbench.errors import UserError
from attnbench.records import Checkup, Environment, Finding, Floor, store
from attnbench.records.floor import FLOOR, latest_floor

HERE = Environment(
    device="cpu", device_name="Test CPU", threads=2, torch="2.15.0", cuda="", python="3.12",
    platform="Linux x86_64", attnbench="0.1.0", code="abc",
)  # fmt: skip


def floor(relative, day):
    return Floor(relative=relative, absolute_s=1e-7, created=f"2026-01-{day:02d}T00:00:00+00:00")


def keep(path, found, environment=HERE, outcome="passed"):
    checkup = Checkup(
        floor=found,
        findings=(Finding(name=FLOOR, outcome=outcome, text=""),),
        environment=environment,
        created=found.created,
    )
    store.append(path, checkup)


def test_the_newest_checkup_of_this_machine_counts(tmp_path):
    file = tmp_path / "doctor.jsonl"
    keep(file, floor(0.02, 2))
    keep(file, floor(0.01, 1))
    keep(file, floor(0.99, 3), replace(HERE, threads=1))
    keep(file, floor(0.98, 4), replace(HERE, device_name="Another CPU"))
    keep(file, floor(0.97, 5), replace(HERE, device="cuda"))
    assert latest_floor([file], HERE) == floor(0.02, 2)


def test_a_disturbed_checkup_that_gave_the_worst_ratio_is_passed_over(tmp_path):
    keep(tmp_path / "doctor.jsonl", floor(0.02, 2))
    keep(tmp_path / "doctor.jsonl", floor(0.5, 3), outcome="not possible here")
    assert latest_floor([tmp_path / "doctor.jsonl"], HERE) == floor(0.02, 2)


def test_a_floor_that_knows_that_it_was_disturbed_counts(tmp_path):
    keep(tmp_path / "doctor.jsonl", floor(0.02, 2))
    busy = replace(floor(0.05, 3), disturbed=True, comparisons=91)
    keep(tmp_path / "doctor.jsonl", busy, outcome="not possible here")
    assert latest_floor([tmp_path / "doctor.jsonl"], HERE) == busy


def test_files_are_read_as_one(tmp_path):
    keep(tmp_path / "a.jsonl", floor(0.02, 2))
    keep(tmp_path / "b.jsonl", floor(0.03, 3))
    paths = [tmp_path / "b.jsonl", tmp_path / "a.jsonl"]
    assert latest_floor(paths, HERE) == floor(0.03, 3)


def test_other_software_finds_the_same_noise(tmp_path):
    keep(tmp_path / "doctor.jsonl", floor(0.02, 2))
    other = replace(HERE, torch="2.16.0", python="3.13", attnbench="0.2.0", code="def")
    assert latest_floor([tmp_path / "doctor.jsonl"], other) == floor(0.02, 2)


def test_without_a_checkup_there_is_no_floor(tmp_path):
    assert latest_floor([], HERE) is None
    assert latest_floor([tmp_path / "doctor.jsonl"], HERE) is None
    keep(tmp_path / "doctor.jsonl", floor(0.5, 1), replace(HERE, threads=1))
    assert latest_floor([tmp_path / "doctor.jsonl"], HERE) is None


def test_a_file_that_cannot_be_read_is_said(tmp_path):
    (tmp_path / "doctor.jsonl").write_text("no checkup\n")
    with pytest.raises(UserError, match="holds no readable record"):
        latest_floor([tmp_path / "doctor.jsonl"], HERE)
