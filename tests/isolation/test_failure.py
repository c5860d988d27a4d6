"""Every exception becomes a status with a reason."""

import pickle

import pytest
import torch

from attnbench.errors import UserError
from attnbench.isolation.failure import WorkLostError, failure
from attnbench.profiling.counting.macs import CountError
from attnbench.profiling.honesty.dishonest import DishonestError


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_out_of_memory_is_told_from_other_failures(error):
    assert failure(error)[0] == "out_of_memory"
    assert failure(ValueError("no"))[0] == "failed"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("no kernel\nand more"), ("failed", "ValueError: no kernel")),
        (KeyError(), ("failed", "KeyError: no message")),
        (UserError("no impl 'flash'"), ("unsupported", "no impl 'flash'")),
        (CountError("MACs disagree"), ("failed", "MACs disagree")),
        (DishonestError("from memory"), ("failed", "from memory")),
        (WorkLostError("timeout", "too slow"), ("timeout", "too slow")),
    ],
)
def test_a_failure_has_a_reason_of_one_line(error, expected):
    assert failure(error) == expected


def test_a_loss_crosses_the_border_between_processes():
    lost = pickle.loads(pickle.dumps(WorkLostError("timeout", "too slow")))
    assert (lost.status, lost.reason, str(lost)) == ("timeout", "too slow", "too slow")
