"""The table of implementations: what each `impl=` name stands for. Loads no torch.

The name of a mechanism is its mathematics; an implementation is code for it. A plug-in's mechanism
may have names of its own. Nothing is known of those: they are tried, and count as fused.
"""

from __future__ import annotations

from dataclasses import dataclass

ANY_KERNEL = "any"
"""Torch picks the kernel of its fused attention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Impl:
    """One implementation, for every mechanism that names it."""

    name: str
    summary: str
    fused: bool
    """Whether intermediates stay on the chip. False: plain operators, each of which reads and
    writes memory."""
    materialises: str = ""
    """What it writes to memory besides its output, for n tokens and m anchors; "" for nothing that
    grows with both."""
    devices: tuple[str, ...] = ()
    """Device types that it runs on; () for all."""
    dtypes: tuple[str, ...] = ()
    """Dtypes that it takes on every one of its devices; () where each device has its own rule."""
    default: bool = False
    """Whether it is measured where no implementation is asked for."""
    compiled: bool = False
    """Whether torch compiles it at the first call. It would fall back to eager code if its
    operators were watched."""
    sdpa_kernel: str = ""
    """The kernel of torch's fused attention that it asks for: "any", "flash" …; "" for none."""
    reason: str = ""
    """Import string of a function `CallConditions -> str | None` that says why it cannot run;
    "" where it runs everywhere."""


_ALL = ("float32", "bfloat16", "float16")
_HALVES = ("bfloat16", "float16")
_SOFTMAX = "attnbench.kernels.softmax"
_ANCHOR = "attnbench.kernels.anchor"

IMPLS: dict[str, Impl] = {
    row.name: row
    for row in (
        Impl(
            name="reference",
            summary="plain eager code, the oracle",
            fused=False,
            materialises="every intermediate",
            default=True,
        ),
        Impl(
            name="sdpa",
            summary="torch's fused attention, kernel of its choice",
            fused=True,
            default=True,
            sdpa_kernel=ANY_KERNEL,
        ),
        Impl(
            name="sdpa-flash",
            summary="its flash kernel alone",
            fused=True,
            devices=("cpu", "cuda"),
            sdpa_kernel="flash",
            reason=f"{_SOFTMAX}.sdpa:flash_reason",
        ),
        Impl(
            name="sdpa-efficient",
            summary="its memory-efficient kernel alone",
            fused=True,
            devices=("cuda",),
            dtypes=_ALL,
            sdpa_kernel="efficient",
            reason=f"{_SOFTMAX}.sdpa:efficient_reason",
        ),
        Impl(
            name="sdpa-cudnn",
            summary="its cuDNN kernel alone",
            fused=True,
            devices=("cuda",),
            dtypes=_HALVES,
            sdpa_kernel="cudnn",
            reason=f"{_SOFTMAX}.sdpa:cudnn_reason",
        ),
        Impl(
            name="sdpa-math",
            summary="its unfused path alone",
            fused=False,
            materialises="n × n scores",
            sdpa_kernel="math",
        ),
        Impl(
            name="xformers",
            summary="xformers' fused attention",
            fused=True,
            devices=("cuda",),
            dtypes=_ALL,
            reason=f"{_SOFTMAX}.xformers:xformers_reason",
        ),
        Impl(
            name="flex",
            summary="torch's FlexAttention, compiled",
            fused=True,
            devices=("cpu", "cuda"),
            dtypes=_ALL,
            compiled=True,
            reason=f"{_SOFTMAX}.flex:flex_reason",
        ),
        Impl(
            name="folded",
            summary="anchor layer that never forms keys and values",
            fused=False,
            materialises="n × m assignment",
            default=True,
        ),
        Impl(
            name="chunked",
            summary="anchor operator in blocks of tokens, for the caches of a CPU",
            fused=True,
            devices=("cpu",),
            reason=f"{_ANCHOR}.operator:reason_against_chunked",
        ),
        Impl(
            name="triton",
            summary="anchor operator in two streaming passes on a GPU",
            fused=True,
            devices=("cuda",),
            dtypes=_ALL,
            reason=f"{_ANCHOR}.operator:reason_against_triton",
        ),
    )
}


def default_impls() -> tuple[str, ...]:
    """What is measured where nothing is asked for, for each mechanism that has it."""
    return tuple(row.name for row in IMPLS.values() if row.default)


def is_fused(name: str) -> bool:
    """Whether intermediates stay on the chip; a name that is not in the table counts as fused."""
    return name not in IMPLS or IMPLS[name].fused


def expected_kernel(name: str) -> str:
    """The kernel of torch's fused attention that a call asks for.

    Returns:
        "flash", "efficient", "cudnn" or "math"; "any" where torch picks a fused one; "" where the
        implementation asks for none, or nothing is known of it.
    """
    return IMPLS[name].sdpa_kernel if name in IMPLS else ""


def may_use_sdpa(name: str) -> bool:
    """Whether to watch a call for torch's fused attention; a name not in the table may use it."""
    return name not in IMPLS or bool(IMPLS[name].sdpa_kernel)
