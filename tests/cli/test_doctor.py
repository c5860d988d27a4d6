"""`attnbench doctor` end to end, with a scripted examination."""

import pytest

from attnbench.records import Checkup, Environment, Finding, Floor, store
from attnbench.units import format_seconds

CPU = Environment(
    device="cpu", device_name="Test CPU", threads=1, torch="2.15.0", cuda="", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip


@pytest.fixture
def doctor(attnbench, monkeypatch):
    """Runs the command on findings of the given outcomes; returns exit code, output, checkup."""

    def run(*outcomes, arguments=()):
        findings = tuple(
            Finding(name=f"check {i}", outcome=outcome, text=f"came [{i}]")
            for i, outcome in enumerate(outcomes)
        )
        floor = Floor(relative=0.083, absolute_s=7e-7, created="2026-01-01T00:00:00+00:00")
        checkup = Checkup(floor=floor, findings=findings, environment=CPU, created=floor.created)
        monkeypatch.setattr("attnbench.doctor.checkup.examine", lambda device, on_step: checkup)
        code, out, _ = attnbench("doctor", *arguments)
        return code, out, checkup

    return run


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["passed", "passed"], 0),
        (["passed", "not possible here"], 0),
        (["failed", "passed"], 1),
    ],
)
def test_a_failed_check_sets_the_exit_code(doctor, outcomes, expected):
    code, out, _ = doctor(*outcomes)
    assert code == expected
    for i, outcome in enumerate(outcomes):
        assert f"check {i}" in out
        assert outcome in out
        assert f"came [{i}]" in out
    assert "Test CPU, 1 thread" in out
    assert "resolution floor: 8.3 % of a latency" in out
    assert format_seconds(7e-7) in out


def test_checkups_are_appended_where_asked(doctor, tmp_path):
    _, _, checkup = doctor("passed")
    doctor("failed")
    assert store.read(tmp_path / "results/runs/doctor.jsonl").checkups[0] == checkup
    assert len(store.read(tmp_path / "results/runs/doctor.jsonl").checkups) == 2
    doctor("passed", arguments=["--out", "own.jsonl"])
    assert store.read(tmp_path / "own.jsonl").checkups == [checkup]


def test_a_device_that_is_not_there_is_exit_code_2(doctor):
    assert doctor("passed", arguments=["--device", "tpu"])[0] == 2


def test_the_help_says_what_the_exit_code_means(doctor):
    code, out, _ = doctor(arguments=["--help"])
    assert code == 0
    assert "Exits with 1 if a finding is" in out
