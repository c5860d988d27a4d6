"""Torch's settings of the whole process: threads, denormals, precision, kernels, autograd.

Torch is imported inside functions, as listing the tables must not load it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from attnbench.ambient.setting import Setting

FLAGS = {
    "cudnn": ("enabled", "benchmark", "benchmark_limit", "deterministic"),
    "cuda.matmul": (
        "allow_fp16_accumulation", "allow_fp16_reduced_precision_reduction",
        "allow_bf16_reduced_precision_reduction",
    ),
    "mkldnn": ("enabled", "deterministic"),
}  # fmt: skip
"""Flags below `torch.backends`."""
FUSED_KERNELS = ("flash", "mem_efficient", "math", "cudnn")
"""Kernels of fused attention, which can be forbidden."""
PRECISIONS = (
    ("generic", "all"),
    *((backend, of) for backend in ("cuda", "mkldnn") for of in ("all", "matmul", "conv", "rnn")),
)
"""Pairs of library and operation whose float32 work may be done in a lower precision."""


def torch_settings() -> Iterator[Setting]:
    """Every setting that this version of torch has, in the order in which they are put back."""
    import torch

    yield _setting("torch.get_num_threads()", torch.get_num_threads, torch.set_num_threads)
    yield _setting("flushing of denormals to zero", _flushes, torch.set_flush_denormal)
    yield _setting("the default dtype", torch.get_default_dtype, torch.set_default_dtype)
    yield from _modes()
    yield from _precision()
    yield from _backends()
    yield from _autograd()


def _setting(name: str, read: Callable[[], Any], write: Callable[[Any], object]) -> Setting:
    return Setting(name=name, read=read, write=write)


def _flushes() -> bool:
    """Whether a number too small for a normal float32 becomes zero when it is computed with."""
    import torch

    smallest = torch.finfo(torch.float32).smallest_normal
    with torch.device("cpu"):
        return not torch.full((1,), smallest, dtype=torch.float32).mul_(0.5).item()


def _modes() -> Iterator[Setting]:
    """Modes entered and not left; a default device is one of them."""
    import torch

    stacks = {"function": torch._C._len_torch_function_stack,
              "dispatch": torch._C._len_torch_dispatch_stack}  # fmt: skip
    yield _setting("the default device", _default_device, torch.set_default_device)
    for kind, depth in stacks.items():
        pop = getattr(torch._C, f"_pop_torch_{kind}_stack")
        yield _setting(
            f"the number of torch {kind} modes", depth, partial(_pop_down_to, depth, pop)
        )
    hooks = torch.nn.modules.module._global_forward_hooks
    before = torch.nn.modules.module._global_forward_pre_hooks
    yield _setting("hooks of every module", lambda: len(hooks), partial(_shorten, hooks))
    yield _setting("hooks before every module", lambda: len(before), partial(_shorten, before))


def _default_device() -> Any:
    """None where no default was set, as setting one makes every call of torch slower."""
    import torch

    context = getattr(torch._GLOBAL_DEVICE_CONTEXT, "device_context", None)
    return None if context is None else context.device


def _pop_down_to(depth: Callable[[], int], pop: Callable[[], object], wanted: int) -> None:
    while depth() > wanted:
        pop()


def _shorten(hooks: dict[int, Any], wanted: int) -> None:
    for key in list(hooks)[wanted:]:
        del hooks[key]


def _precision() -> Iterator[Setting]:
    import torch

    read = getattr(torch._C, "_get_fp32_precision_getter", None)
    write = getattr(torch._C, "_set_fp32_precision_setter", None)
    yield _setting(
        "torch.get_float32_matmul_precision()",
        _matmul_precision,
        torch.set_float32_matmul_precision,
    )
    if read is None or write is None:
        return
    for library, of in PRECISIONS:
        yield _setting(
            f"the float32 precision of {library} {of}",
            partial(read, library, of),
            partial(write, library, of),
        )


def _matmul_precision() -> str:
    """Torch refuses to tell it where it was set for one library alone."""
    import torch

    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:
        return "one for each library"


def _backends() -> Iterator[Setting]:
    import torch

    for place, names in FLAGS.items():
        owner = operator.attrgetter(place)(torch.backends)
        for name in names:
            if hasattr(owner, name):
                yield _setting(
                    f"torch.backends.{place}.{name}",
                    partial(getattr, owner, name),
                    partial(setattr, owner, name),
                )
    for kernel in FUSED_KERNELS:
        yield _setting(
            f"the {kernel} kernel of fused attention",
            getattr(torch.backends.cuda, f"{kernel}_sdp_enabled"),
            getattr(torch.backends.cuda, f"enable_{kernel}_sdp"),
        )


def _autograd() -> Iterator[Setting]:
    import torch

    yield _setting("autograd", torch.is_grad_enabled, torch._C._set_grad_enabled)
    yield _setting(
        "torch.autograd's search for anomalies",
        torch.is_anomaly_enabled,
        lambda on: torch.autograd.set_detect_anomaly(on),
    )
    yield _setting(
        "deterministic algorithms",
        lambda: (torch.are_deterministic_algorithms_enabled(),
                 torch.is_deterministic_algorithms_warn_only_enabled()),
        lambda was: torch.use_deterministic_algorithms(was[0], warn_only=was[1]),
    )  # fmt: skip
    for device in ("cpu", "cuda"):
        yield _setting(
            f"autocast on {device}",
            partial(torch.is_autocast_enabled, device),
            partial(torch.set_autocast_enabled, device),
        )
        yield _setting(
            f"the dtype of autocast on {device}",
            partial(torch.get_autocast_dtype, device),
            partial(torch.set_autocast_dtype, device),
        )
