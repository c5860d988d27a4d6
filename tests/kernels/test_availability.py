"""Where implementations can run: the table agrees with the reason that each one gives."""

import pytest
import torch
from our_mechanisms import NAMES

from attnbench.attention.factory import attention_class
from attnbench.kernels.anchor import triton_support
from attnbench.kernels.availability import check_impl, conditions_of, reason_against
from attnbench.kernels.conditions import CallConditions
from attnbench.kernels.table import IMPLS

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)


@pytest.mark.parametrize("impl", IMPLS)
@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_what_is_off_the_table_has_a_reason(impl, device, monkeypatch):
    monkeypatch.setattr(triton_support, "_capability", lambda: (9, 0))
    row = IMPLS[impl]
    for dtype in DTYPES:
        conditions = CallConditions(device=device, dtype=dtype, head_dim=64)
        name = str(dtype).removeprefix("torch.")
        listed = (device in row.devices or not row.devices) and (
            name in row.dtypes or not row.dtypes
        )
        assert listed or reason_against(impl, conditions)


@pytest.mark.parametrize("name", NAMES)
def test_every_implementation_of_ours_is_in_the_table(name):
    assert set(attention_class(name).impls) <= set(IMPLS)


@pytest.mark.parametrize("impl", IMPLS)
def test_everything_runs_on_the_meta_device(impl):
    conditions = conditions_of(torch.empty(1, device="meta", requires_grad=True), 8)
    assert (conditions.device, conditions.gradients) == ("meta", True)
    assert reason_against(impl, conditions) is None


def test_of_a_stranger_s_name_nothing_is_known():
    conditions = CallConditions(device="cuda", dtype=torch.float64, head_dim=3, gradients=True)
    assert reason_against("mine", conditions) is None
    check_impl("mine", torch.zeros(1), 1)


def test_gradients_are_wanted_only_where_they_are_kept():
    x = torch.zeros(1, requires_grad=True)
    assert conditions_of(x, 8, bias="learned").gradients
    with torch.no_grad():
        conditions = conditions_of(x, 8, bias="learned")
    assert (conditions.gradients, conditions.bias) == (False, "fixed")


def test_options_reach_the_kernels_that_depend_on_them():
    conditions = conditions_of(torch.zeros(1), 8, num_anchors=7)
    assert conditions.options == {"num_anchors": 7}
