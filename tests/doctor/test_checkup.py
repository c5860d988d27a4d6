"""A complete examination."""

import torch

from attnbench.doctor import known_times, planted_contention
from attnbench.doctor.checkup import examine
from attnbench.records import store
from attnbench.spec import Protocol

SHORT = Protocol(warmup_s=0.0, min_samples=6, precision=0.5, time_budget_s=0.05)


def test_a_whole_examination_can_be_stored(monkeypatch, tmp_path):
    monkeypatch.setattr(known_times, "KNOWN_TIME", SHORT)
    monkeypatch.setattr(planted_contention, "BUSY_START_S", 0)
    steps = []
    checkup = examine(torch.device("cpu"), run=SHORT, comparison=SHORT, on_step=steps.append)
    outcomes = {finding.name: finding.outcome for finding in checkup.findings}
    assert list(outcomes) == [
        "known time", "known MACs", "known memory", "dishonest operator", "same operator",
        "planted slow-down", "planted contention", "resolution floor",
    ]  # fmt: skip
    for exact in ("known MACs", "known memory", "dishonest operator"):
        assert outcomes[exact] == "passed"
    assert checkup.floor.relative > 0
    assert checkup.floor.absolute_s > 0
    assert "resolution floor, run 7" in steps
    store.append(tmp_path / "doctor.jsonl", checkup)
    assert store.read(tmp_path / "doctor.jsonl").checkups == [checkup]
