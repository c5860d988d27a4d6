"""The contract of attentions, for every registered mechanism."""

import re
from dataclasses import replace

import pytest
import torch
from our_mechanisms import NAMES, OURS

from attnbench.attention.factory import accepted_options, attention_class, create_attention
from attnbench.attention.softmax import IMPLS as SOFTMAX_IMPLS
from attnbench.errors import UserError
from attnbench.kernels.availability import conditions_of, reason_against
from attnbench.profiling.counting.macs import count_macs
from attnbench.spec import Workload
from attnbench.training.auxiliary import collected_losses

DIM, HEADS = 24, 3
GRIDS = [(5, 9), (8, 8), (1, 7)]
IMPLS = [(name, impl) for name in NAMES for impl in attention_class(name).impls]
COUNTED = [(name, i) for name, i in IMPLS if i not in SOFTMAX_IMPLS or i in ("reference", "sdpa")]
"""On the meta device, softmax attention by any kernel is that of `sdpa`: see dense attention."""
SIZES = [((1, 7), 3), ((13, 30), 3)]
MORE_SIZES = [((5, 9), 1), ((8, 8), 3), ((14, 14), 1)]
SMALL = {
    "window": {"window_size": 4, "shift": True},
    "sparse": {"sr_ratio": 2},
    "focal": {"window_size": 3},
    "anchor": {"num_anchors": 6},
    "anchor-select": {"num_anchors": 6, "refine": 1},
    "cswin": {"stripe_width": 2},
    "biformer": {"regions": 3, "topk": 4},
}


def pytest_generate_tests(metafunc):
    """Every mechanism and implementation is counted; the whole cross is left to `--thorough`."""
    thorough = metafunc.config.getoption("--thorough") > 1
    if "size_counted" in metafunc.fixturenames:
        sizes = SIZES + MORE_SIZES * thorough
        cases = [
            (name, impl, size)
            for name, impl in COUNTED
            for size in (sizes if impl == "reference" or thorough else SIZES[-1:])
        ]
        metafunc.parametrize(("name", "impl", "size_counted"), cases)
    if "dtype_counted" in metafunc.fixturenames:
        cases = [
            (name, impl, dtype)
            for dtype in (torch.bfloat16, torch.float16)[: 1 + thorough]
            for name, impl in IMPLS
            if thorough or (name, impl) in COUNTED or name == "dense"
        ]
        metafunc.parametrize(("name", "impl", "dtype_counted"), cases)


def build(name, impl="reference", **options):
    torch.manual_seed(1)
    return create_attention(name, DIM, HEADS, impl=impl, **{**SMALL.get(name, {}), **options})


def tokens(grid, batch=2, dtype=torch.float32):
    torch.manual_seed(2)
    return torch.randn(batch, grid[0] * grid[1], DIM).to(dtype)


def refused(layer, x, grid):
    """Whether its implementation cannot run on this input: then a call must say exactly why."""
    options = {"num_anchors": getattr(layer, "num_anchors", 0)}
    conditions = conditions_of(x, layer.head_dim, **options)
    reason = reason_against(layer.impl, replace(conditions, gradients=True))  # of its weights
    if reason is None:
        return False
    with pytest.raises(
        UserError, match=re.escape(f"impl {layer.impl!r} cannot run here: {reason}")
    ):
        layer(x, grid)
    return True


def of_fixed(name, layer, grid, batch):
    """MACs of backward passes that no gradient wants: of random features, and of choices."""
    if name == "performer":
        return batch * 2 * grid[0] * grid[1] * layer.num_features * DIM
    if name == "biformer":
        regions = layer.num_regions(grid)
        return batch * 2 * regions**2 * DIM if regions > layer.topk else 0
    return 2 * layer.choosing_macs(grid, batch) if hasattr(layer, "choosing_macs") else 0


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(("name", "impl"), IMPLS)
def test_keeps_the_shape_and_gives_every_parameter_a_gradient(name, impl, grid):
    layer = build(name, impl)
    x = tokens(grid).requires_grad_()
    if refused(layer, x, grid):
        return
    with collected_losses(layer) as auxiliary:
        y = layer(x, grid)
    (y.square().sum() + sum(auxiliary)).backward()
    assert y.shape == x.shape
    assert x.grad.abs().sum() > 0
    for parameter_name, parameter in layer.named_parameters():
        assert parameter.grad is not None, parameter_name
        assert parameter.grad.isfinite().all(), parameter_name


@pytest.mark.parametrize("name", NAMES)
def test_a_batch_is_its_elements_one_by_one(name):
    layer = build(name).double()
    x = tokens((5, 9), batch=3, dtype=torch.float64)
    alone = torch.cat([layer(one[None], (5, 9)) for one in x])
    torch.testing.assert_close(layer(x, (5, 9)), alone)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(("name", "impl"), IMPLS)
def test_every_impl_is_as_close_to_float64_as_the_reference(name, impl, grid):
    layer, x = build(name, impl), tokens(grid)
    if refused(layer, x, grid):
        return
    exact = build(name).double()(x.double(), grid)
    error = (layer(x, grid) - exact).abs().max()
    reference_error = (build(name)(x, grid) - exact).abs().max()
    assert error <= 4 * reference_error + 1e-7


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("name", "impl"), IMPLS)
def test_low_precision_is_off_by_its_rounding_alone(name, impl, dtype):
    grid = (5, 9)
    layer, x = build(name, impl).to(dtype), tokens(grid, dtype=dtype).requires_grad_()
    if refused(layer, x, grid):
        return
    y = layer(x, grid)
    y.float().sum().backward()
    exact = build(name).double()
    exact.load_state_dict(layer.state_dict())  # the weights as they were rounded
    exact = exact(x.detach().double(), grid)
    assert y.dtype == dtype
    assert x.grad.isfinite().all()
    # A few roundings in a row, each of half a unit in the last place of the largest value.
    error = (y.double() - exact).abs()
    # Rounding may change what is chosen, which moves some of the tokens further.
    error = error.median() if hasattr(layer, "choosing_macs") else error.max()
    assert error <= 8 * torch.finfo(dtype).eps * exact.abs().max()


def test_closed_form_equals_the_count(name, impl, size_counted):
    grid, batch = size_counted
    with torch.device("meta"):
        layer = create_attention(name, DIM, HEADS, impl=impl).eval()
        x = torch.empty(batch, grid[0] * grid[1], DIM)
    macs = count_macs(layer, (x,), (grid,), closed_form=layer.macs(grid, batch))
    assert macs.products_macs == layer.macs(grid, batch)
    assert macs.training_macs == 3 * macs.products_macs - of_fixed(name, layer, grid, batch)


def test_counts_hold_in_low_precision(name, impl, dtype_counted):
    grid = (5, 9)
    with torch.device("meta"):
        layer = build(name, impl).to(dtype_counted)
        x = torch.empty(2, 45, DIM, dtype=dtype_counted)
    macs = count_macs(layer, (x,), (grid,), closed_form=layer.macs(grid, 2))
    assert macs.products_macs == layer.macs(grid, 2)
    assert macs.training_macs == 3 * macs.products_macs - of_fixed(name, layer, grid, 2)


@pytest.mark.parametrize("name", NAMES)
def test_refuses_sizes_that_do_not_fit(name):
    with pytest.raises(UserError, match="25 is no multiple of 3"):
        create_attention(name, 25, 3)


@pytest.mark.parametrize("name", NAMES)
def test_names_the_impls_it_has_when_asked_for_another(name):
    with pytest.raises(UserError, match="no impl 'magic'; it has reference"):
        create_attention(name, DIM, HEADS, impl="magic")
    workload = Workload(attention=name, grid=(4, 4), dim=DIM, num_heads=HEADS, impl="magic")
    assert "no impl 'magic'" in attention_class(name).unsupported(workload)


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_option_is_answered_with_the_known_ones(name):
    with pytest.raises(UserError, match=r"no option anker.*qkv_bias"):
        create_attention(name, DIM, HEADS, anker=3)


SWEEPABLE = [(entry.name, option) for entry in OURS for option in entry.sweepable]


@pytest.mark.parametrize(("name", "option"), SWEEPABLE)
def test_a_declared_default_is_that_of_the_constructor(name, option):
    assert option.name in accepted_options(attention_class(name))
    assert getattr(create_attention(name, DIM, HEADS), option.name) == option.default


@pytest.mark.parametrize(("name", "option"), SWEEPABLE)
def test_the_constructor_takes_the_least_value_and_refuses_less(name, option):
    create_attention(name, DIM, HEADS, **{option.name: option.least})
    with pytest.raises(UserError, match=f"{option.name} must be at least {option.least}"):
        create_attention(name, DIM, HEADS, **{option.name: option.least - 1})


ON_GRIDS = [name for name in NAMES if attention_class(name).refuses_prefix_tokens]


@pytest.mark.parametrize("name", ON_GRIDS)
def test_grid_attentions_refuse_class_tokens_with_a_reason(name):
    with pytest.raises(UserError, match="takes no class tokens: .*grid"):
        create_attention(name, DIM, HEADS, num_prefix_tokens=1)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ON_GRIDS])
def test_set_attentions_count_class_tokens(name):
    layer = create_attention(name, DIM, HEADS, num_prefix_tokens=2).eval()
    x = torch.randn(2, 2 + 5 * 9, DIM)
    assert layer(x, (5, 9)).shape == x.shape
    with torch.device("meta"):
        layer = create_attention(name, DIM, HEADS, num_prefix_tokens=2).eval()
        x = torch.empty(2, 2 + 5 * 9, DIM)
    assert count_macs(layer, (x,), ((5, 9),)).products_macs == layer.macs((5, 9), 2)


def test_options_of_a_subclass_include_those_it_passes_on():
    class Wrapped(attention_class("anchor")):
        def __init__(self, dim, num_heads, *, extra=1, **options):
            super().__init__(dim, num_heads, **options)

    assert {"extra", "num_anchors", "impl"} <= set(accepted_options(Wrapped))


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize(("name", "impl"), IMPLS)
def test_cuda_agrees_with_the_cpu(name, impl, dtype):
    grid = (5, 9)
    x = tokens(grid)
    exact = build(name).double()(x.double(), grid)
    layer = build(name, impl).to(device="cuda", dtype=dtype)
    x = x.to(device="cuda", dtype=dtype).requires_grad_()
    if refused(layer, x, grid):
        return
    y = layer(x, grid)
    y.float().sum().backward()
    tolerance = 16 * max(torch.finfo(dtype).eps, 2**-11) * exact.abs().max()  # TF32 has 10 bits
    assert (y.double().cpu() - exact).abs().max() <= tolerance
