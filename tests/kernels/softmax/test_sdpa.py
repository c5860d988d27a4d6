"""torch's fused kernels by name: exactly that kernel runs, or it is refused with a reason."""

import warnings

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from attnbench.errors import UserError
from attnbench.kernels.conditions import CallConditions
from attnbench.kernels.softmax import sdpa as sdpa_backends
from attnbench.kernels.softmax.sdpa import (
    BACKENDS,
    cudnn_reason,
    efficient_reason,
    flash_reason,
    sdpa_by,
)
from attnbench.profiling.fused_kernel import fused_backend


def setting(device="cuda", dtype=torch.bfloat16, head_dim=64, **others):
    return CallConditions(device=device, dtype=dtype, head_dim=head_dim, **others)


@pytest.fixture
def query():
    return torch.randn(2, 3, 17, 8)


@pytest.mark.parametrize(("backend", "name"), [("flash", "flash (cpu)"), ("math", "math")])
def test_the_kernel_that_was_named_is_the_one_that_runs(query, backend, name):
    with torch.inference_mode():
        assert fused_backend(lambda: sdpa_by(backend, query, query, query, scale=0.3)) == name


@pytest.mark.parametrize("backend", ["efficient", "cudnn"])
def test_no_other_kernel_stands_in_for_one_that_cannot_run(query, backend):
    with pytest.raises(RuntimeError, match="No viable backend"):
        sdpa_by(backend, query, query, query, scale=0.3)


def test_the_choice_of_others_is_as_it_was_afterwards(query):
    with sdpa_kernel(SDPBackend.MATH):
        sdpa_by("flash", query, query, query, scale=0.3)
        assert fused_backend(lambda: sdpa_backends.sdpa(query, query, query, scale=0.3)) == "math"


@pytest.mark.parametrize(
    ("reason", "where", "expected"),
    [
        (flash_reason, setting(), None),
        (flash_reason, setting(head_dim=7), None),
        (flash_reason, setting(device="cpu", dtype=torch.float64, bias="fixed"), None),
        (flash_reason, setting(device="cpu", bias="learned"),
         "this kernel has no gradient for a bias"),
        (flash_reason, setting(device="mps"), "the flash kernel needs CUDA, got mps"),
        (flash_reason, setting(dtype=torch.float32),
         "the flash kernel takes bfloat16, float16, got float32"),
        (flash_reason, setting(head_dim=264),
         "the flash kernel takes head widths up to 256, got 264"),
        (flash_reason, setting(bias="fixed"),
         "the flash kernel of CUDA adds no bias to the scores"),
        (efficient_reason, setting(bias="learned"), None),
        (efficient_reason, setting(dtype=torch.float32, head_dim=4), None),
        (efficient_reason, setting(device="cpu"), "the efficient kernel needs CUDA, got cpu"),
        (efficient_reason, setting(dtype=torch.float64),
         "the efficient kernel takes float32, bfloat16, float16, got float64"),
        (efficient_reason, setting(head_dim=12),
         "the efficient kernel takes head widths that are multiples of 8, got 12"),
        (cudnn_reason, setting(bias="fixed"), None),
        (cudnn_reason, setting(device="cpu"), "the cudnn kernel needs CUDA, got cpu"),
        (cudnn_reason, setting(dtype=torch.float32),
         "the cudnn kernel takes bfloat16, float16, got float32"),
        (cudnn_reason, setting(head_dim=20),
         "the cudnn kernel takes head widths that are multiples of 8, got 20"),
        (cudnn_reason, setting(bias="learned"), "this kernel has no gradient for a bias"),
    ],
)  # fmt: skip
def test_reasons(reason, where, expected):
    assert reason(where) == expected


def test_what_torch_says_against_a_kernel_on_a_gpu_becomes_one_line(query, monkeypatch):
    def say_why_not(*arguments, **settings):
        for text in (
            "Memory efficient kernel not used because: (Triggered internally at x)",
            "Memory Efficient attention has been runtime disabled. (Triggered internally at x)",
            "Flash attention kernel not used because: (Triggered internally at x)",
            "Flash attention only supports sm80. (Triggered internally at x)",
        ):
            warnings.warn(text, stacklevel=1)
        raise RuntimeError("No available kernel. Aborting execution.")

    monkeypatch.setattr("torch.backends.cuda.can_use_flash_attention", lambda call: False)
    monkeypatch.setattr(sdpa_backends, "sdpa", say_why_not)
    expected = "^impl 'sdpa-flash' cannot run here: Flash attention only supports sm80$"
    with pytest.raises(UserError, match=expected):
        sdpa_backends._refuse_unable("flash", query, query, query, None)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_kernel_that_torch_holds_able_is_not_refused(query, monkeypatch, backend):
    for name in ("flash", "efficient", "cudnn"):
        able = lambda call: True  # noqa: E731
        monkeypatch.setattr(f"torch.backends.cuda.can_use_{name}_attention", able)
    sdpa_backends._refuse_unable(backend, query, query, query, None)


def test_torch_says_in_warnings_why_a_kernel_cannot_run(query):
    """What the reasons on a GPU are read from; on the CPU torch has the headings alone."""
    bias = torch.zeros(2, 3, 17, 17, requires_grad=True)
    with (
        sdpa_kernel(SDPBackend.FLASH_ATTENTION),
        pytest.warns(UserWarning, match="kernel not used because:"),
        pytest.raises(RuntimeError, match="No available kernel"),
    ):
        sdpa_backends.sdpa(query, query, query, scale=0.3, bias=bias)


def test_torch_has_every_question_that_is_asked_of_it(query):
    """Their names and arguments, which a machine without a GPU can check as well."""
    assert torch.backends.cuda.SDPAParams(query, query, query, None, 0.0, False, False)
    for name in ("flash", "efficient", "cudnn"):
        assert callable(getattr(torch.backends.cuda, f"can_use_{name}_attention"))


@pytest.mark.gpu
@pytest.mark.parametrize("backend", BACKENDS)
def test_on_cuda_the_kernel_that_was_named_runs(backend):
    query = torch.randn(2, 3, 128, 64, device="cuda", dtype=torch.bfloat16)
    assert fused_backend(lambda: sdpa_by(backend, query, query, query, scale=0.1)) == backend


@pytest.mark.gpu
def test_on_cuda_torch_s_own_reasons_are_told():
    query = torch.randn(2, 3, 128, 512, device="cuda", dtype=torch.bfloat16)
    with pytest.raises(UserError, match="impl 'sdpa-cudnn' cannot run here: head_dim"):
        sdpa_by("cudnn", query, query, query, scale=0.1)
