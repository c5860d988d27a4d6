"""The operator on which the doctor tests the harness."""

from dataclasses import replace

import torch

from attnbench.doctor import timed_operator
from attnbench.doctor.timed_operator import choose_operator
from attnbench.spec import Protocol

SHORT = Protocol(warmup_s=0.0, min_samples=6, precision=0.01, time_budget_s=0.1)


def test_the_batch_is_doubled_until_the_layer_takes_long_enough(operator, monkeypatch):
    cpu, script = torch.device("cpu"), monkeypatch.setattr
    script(
        timed_operator, "operator_of", lambda work, device: replace(operator(None), workload=work)
    )
    script(timed_operator, "_glance", lambda operator: 3e-5 * operator.workload.batch)
    assert choose_operator(cpu).workload.batch == 4
    script(timed_operator, "_glance", lambda operator: 0.0)
    assert choose_operator(cpu).workload.batch == timed_operator.LARGEST_BATCH


def test_the_layer_can_be_built_and_timed():
    record = choose_operator(torch.device("cpu")).measure_alone(SHORT)
    assert record.workload.attention == "dense"
    assert len(record.latency.samples_s) >= 1
