"""Two calls have one fingerprint if, and only if, they run the same operators."""

import pytest
import torch

from attnbench.profiling.code_path import code_path_of, fingerprint

CPU = torch.device("cpu")
X, W = torch.randn(4, 8), torch.randn(8, 8)


def straight():
    return X @ W


def with_a_copy():
    return X.clone() @ W


def in_another_order():
    return (X @ (W @ W), X @ (X.t() @ X))


def as_usual():
    return ((X @ W) @ W, (X @ X.t()) @ X)


def test_a_call_has_one_path():
    assert code_path_of(straight, CPU) == code_path_of(straight, CPU)
    assert code_path_of(straight, CPU).split(",")[0].endswith(" operator calls")


@pytest.mark.parametrize(("one", "other"), [(straight, with_a_copy), (as_usual, in_another_order)])
def test_other_operators_or_other_shapes_are_another_path(one, other):
    assert code_path_of(one, CPU) != code_path_of(other, CPU)


def kernel(**launch):
    return {"cat": "kernel", "name": "gemm", "args": {"grid": [1, 1, 1], "block": [64]} | launch}


def test_on_a_gpu_the_launch_of_a_kernel_tells_an_autotuner_s_choice():
    assert fingerprint([kernel()]) == fingerprint([kernel()])
    for other in ({"grid": [2, 1, 1]}, {"block": [128]}, {"shared memory": 1024}):
        assert fingerprint([kernel()]) != fingerprint([kernel(**other)])


def test_order_and_the_profiler_s_own_events_do_not_count():
    events = [{"cat": "cpu_op", "name": "aten::mm"}, {"cat": "cpu_op", "name": "aten::add"}]
    own = [{"cat": "cpu_op", "name": "Torch-Compiled Region: 3/0"}, {"name": "[memory]"}]
    assert fingerprint(events) == fingerprint([*own, *reversed(events)])
