"""FlexAttention: compiled for each case, and refused with a reason where it cannot run."""

import logging
import re
import warnings

import pytest
import torch

from attnbench.attention.factory import create_attention
from attnbench.errors import UserError
from attnbench.kernels.conditions import CallConditions
from attnbench.kernels.softmax import flex
from attnbench.kernels.softmax.flex import flex_attention, flex_reason


def setting(device="cuda", dtype=torch.float16, head_dim=64, **others):
    return CallConditions(device=device, dtype=dtype, head_dim=head_dim, **others)


def inputs(n, k, d, batch=2, heads=3):
    return torch.randn(batch, heads, n, d), *torch.randn(2, batch, heads, k, d)


def exact(query, key, value, scale, bias=None):
    scores = scale * query.double() @ key.double().mT
    if bias is not None:
        times = [size // own for size, own in zip(scores.shape, bias.shape, strict=True)]
        scores = scores + bias.double().repeat(*times)
    return scores.softmax(-1) @ value.double()


@pytest.fixture
def eager(monkeypatch):
    """Compiled by nobody, with all the compiler's book-keeping, in a hundredth of the time."""
    compiled, made = torch.compile, []

    def compile_(function, *, dynamic, fullgraph, options):
        made.append(function)
        return compiled(function, dynamic=dynamic, fullgraph=fullgraph, backend="eager")

    monkeypatch.setattr(flex.torch, "compile", compile_)
    monkeypatch.setattr(flex, "_kernels", {})
    torch._dynamo.reset()
    return made


@pytest.mark.slow
@torch.inference_mode()
@torch._dynamo.config.patch(recompile_limit=2)
def test_more_sizes_than_the_compiler_s_limit_are_compiled_once_each(eager):
    for size in (1, 2, 3, 4, 1, 2, 3, 4):
        tensors = inputs(size, 5, 4)
        came = flex_attention(*tensors, scale=0.5)
        torch.testing.assert_close(came.double(), exact(*tensors, 0.5), rtol=1e-5, atol=1e-5)
    assert len(eager) == 4
    assert len({function.__code__ for function in eager}) == 4


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (4, 3)])
@torch.inference_mode()
def test_a_bias_repeats_along_batch_and_heads(eager, shape):
    tensors, bias = inputs(5, 7, 4, batch=4), torch.randn(*shape, 5, 7)
    bias[..., 4:] = float("-inf")
    came = flex_attention(*tensors, scale=0.5, bias=bias)
    torch.testing.assert_close(came.double(), exact(*tensors, 0.5, bias), rtol=1e-5, atol=1e-5)


def test_another_mode_or_scale_is_another_case(eager):
    tensors = inputs(5, 5, 4)
    with torch.inference_mode():
        flex_attention(*tensors, scale=0.5)
    with torch.no_grad():
        for scale in (0.5, 0.25, 0.5, 0.25):
            came = flex_attention(*tensors, scale=scale)
            torch.testing.assert_close(came.double(), exact(*tensors, scale), rtol=1e-5, atol=1e-5)
    assert len(eager) == 3


def test_what_the_compiler_says_reaches_nobody_and_its_silence_ends(capfd):
    with flex._quiet():
        warnings.warn("of no use", stacklevel=1)
        logging.getLogger("torch.compiler").warning("of no use")
    assert capfd.readouterr() == ("", "")
    assert logging.root.manager.disable == 0
    with pytest.raises(UserWarning, match="of use"):
        warnings.warn("of use", stacklevel=1)


def test_an_error_of_the_compiler_becomes_one_line(monkeypatch):
    class InductorError(RuntimeError):
        __module__ = "torch._inductor.exc"

    def fail(*arguments):
        raise InductorError("no such tile\n  target: flex_attention\n  args: …")

    monkeypatch.setattr(flex, "_kernels", {})
    monkeypatch.setattr(flex, "_compiled", lambda name: fail)
    with pytest.raises(UserError, match="^impl 'flex' cannot run here: no such tile$"):
        flex_attention(*inputs(5, 5, 4), scale=0.5)
    assert flex._kernels == {}


def test_any_other_error_stays_what_it_is(monkeypatch):
    def fail(*arguments):
        raise torch.OutOfMemoryError("too large")

    monkeypatch.setattr(flex, "_kernels", {})
    monkeypatch.setattr(flex, "_compiled", lambda name: fail)
    with pytest.raises(torch.OutOfMemoryError):
        flex_attention(*inputs(5, 5, 4), scale=0.5)


NO_BACKWARD = (
    "FlexAttention has no backward pass on the CPU; call it under torch.inference_mode() or "
    "torch.no_grad()"
)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (setting(gradients=True, bias="learned"), None),
        (setting(head_dim=20), None),
        (setting(dtype=torch.float64),
         "FlexAttention takes float32, bfloat16, float16, got float64"),
        (setting(head_dim=8), "FlexAttention takes head widths of 16 and more on CUDA, got 8"),
        (setting(device="mps"), "FlexAttention needs a CPU or CUDA, got mps"),
        (setting(device="cpu", gradients=True), NO_BACKWARD),
        (setting(device="cpu", bias="learned"), NO_BACKWARD),
    ],
)  # fmt: skip
def test_reasons(monkeypatch, where, expected):
    monkeypatch.setattr(flex, "find_spec", lambda name: object())
    assert flex_reason(where) == expected


def test_cuda_needs_triton(monkeypatch):
    monkeypatch.setattr(flex, "find_spec", lambda name: None)
    assert flex_reason(setting()) == "triton is not installed: pip install triton"


@pytest.mark.parametrize(
    ("capability", "compiler", "platform", "expected"),
    [
        ("AVX512", "/usr/bin/g++", "linux", None),
        ("AVX2", None, "linux", "FlexAttention is compiled, and there is no C++ compiler 'g++'"),
        ("DEFAULT", "/usr/bin/g++", "linux",
         "FlexAttention needs a CPU with AVX2, and not macOS; this is DEFAULT"),
        ("AVX2", "/usr/bin/g++", "darwin",
         "FlexAttention needs a CPU with AVX2, and not macOS; this is AVX2"),
    ],
)  # fmt: skip
def test_the_cpu_needs_a_compiler_and_wide_registers(
    monkeypatch, capability, compiler, platform, expected
):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr("torch.backends.cpu.get_cpu_capability", lambda: capability)
    monkeypatch.setattr("shutil.which", lambda name: compiler)
    monkeypatch.setattr("sys.platform", platform)
    assert flex._cpu_problem.__wrapped__() == expected


def test_training_on_the_cpu_is_refused():
    layer, x = create_attention("dense", 24, 3, impl="flex"), torch.randn(1, 16, 24)
    with pytest.raises(UserError, match=re.escape(f"impl 'flex' cannot run here: {NO_BACKWARD}")):
        layer(x, (4, 4))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "grid", "options"),
    [
        ("dense", (5, 9), {}),
        ("window", (9, 6), {"window_size": 4, "shift": True}),
        ("sparse", (6, 6), {"sr_ratio": 2}),
    ],
)
def test_compiled_on_the_cpu_layers_equal_their_reference(name, grid, options, capfd):
    """Without a word; one of the mechanisms with NaN, and in half precision, too."""
    if flex._cpu_problem():
        with pytest.raises(UserError, match="cannot run here"), torch.no_grad():
            create_attention(name, 24, 3, impl="flex", **options)(torch.zeros(1, 45, 24), (5, 9))
        return
    layer = create_attention(name, 24, 3, **options)
    if name == "window":
        torch.nn.init.normal_(layer.relative_position_bias_table)
    fast = create_attention(name, 24, 3, impl="flex", **options)
    fast.load_state_dict(layer.state_dict())
    x = torch.randn(2, grid[0] * grid[1], 24)
    with torch.inference_mode():
        reference = layer(x, grid)
        came = fast(x, grid)
        expected = layer.double()(x.double(), grid)
        assert (came - expected).abs().max() <= 4 * (reference - expected).abs().max() + 1e-7
        if name == "dense":
            x[0, 7] = float("nan")
            assert fast(x, grid).isnan().equal(layer(x.double(), grid).isnan())
            x[0, 7] = 0
            expected = layer(x.double(), grid)
            came = fast.bfloat16()(x.bfloat16(), grid)
            eps = torch.finfo(torch.bfloat16).eps
            assert (came - expected).abs().max() <= 8 * eps * expected.abs().max()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("grid", "kernel_size"), [((5, 9), 3), ((11, 13), 5)])
@torch.inference_mode()
def test_neighbours_by_blocks_are_those_that_are_gathered(eager, grid, kernel_size):
    """143 tokens are more than a block."""
    gathered, by_blocks = (
        create_attention("neighborhood", 24, 3, kernel_size=kernel_size, impl=impl)
        for impl in ("reference", "flex")
    )
    by_blocks.load_state_dict(gathered.state_dict())
    x = torch.randn(2, grid[0] * grid[1], 24)
    for _ in range(2):
        torch.testing.assert_close(by_blocks(x, grid), gathered(x, grid), rtol=1e-4, atol=1e-6)
    assert len(eager) == 1
