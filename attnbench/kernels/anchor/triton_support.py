"""Where the Triton kernels of anchor attention run, and with which tiles. Needs no Triton.

Tiles come from a small table, not from an autotuner. `triton.autotune` times candidates again in
each process: two runs could choose and round differently, and the first call at each new shape
would take seconds. Triton keeps compiled code on disk. `docs/kernels.md` tells how the table was
found.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import torch

from attnbench.kernels.conditions import CallConditions, dtype_name

OLDEST_TRITON = (3, 6)
"""The oldest version that compiles these kernels; torch 2.10 brings it."""
OLDEST_CAPABILITY = (8, 0)
"""Ampere, the first with matrix units for bfloat16."""
DTYPES = (torch.float16, torch.bfloat16, torch.float32)
HEAD_DIMS = (16, 128)
MOST_ANCHORS = 256
LEAST_SIDE = 16
"""Matrix units take no side below this, so m and d are padded to a power of two from here on."""

PROGRAMS_PER_MULTIPROCESSOR = 2
"""Enough bytes in flight to fill the memory's bandwidth, and few enough partial sums to add."""
LEAST_SHARE = 256
"""Tokens below which a program of its own costs more than it gains."""
INTERPRETED_MULTIPROCESSORS = 2
"""More than one, so that tests in the interpreter share heads too."""
WIDE = 64
"""Padded head width beyond which a head is wide."""

_Row = dict[int, tuple[int, int, int, int]]
"""By the largest padded number of anchors: tokens, channels, warps, loads in flight."""

_FORWARD: dict[tuple[int, str], _Row] = {
    (2, "narrow"): {64: (64, 64, 4, 3), 128: (64, 64, 4, 2), 256: (32, 64, 4, 2)},
    (2, "wide"): {64: (64, 128, 4, 2), 128: (64, 64, 4, 2), 256: (32, 64, 4, 2)},
    (4, "narrow"): {
        32: (32, 64, 4, 2),
        64: (32, 32, 4, 2),
        128: (16, 32, 4, 1),
        256: (16, 16, 4, 1),
    },
    (4, "wide"): {64: (32, 32, 4, 2), 128: (16, 32, 4, 1), 256: (16, 16, 4, 1)},
}
_BACKWARD: dict[tuple[int, str], _Row] = {
    (2, "narrow"): {64: (64, 64, 4, 2), 128: (32, 64, 4, 1), 256: (64, 32, 8, 1)},
    (2, "wide"): {
        32: (32, 128, 4, 2),
        64: (64, 64, 4, 1),
        128: (64, 64, 4, 1),
        256: (64, 32, 8, 1),
    },
    (4, "narrow"): {
        32: (32, 64, 4, 1),
        64: (32, 32, 4, 1),
        128: (16, 16, 4, 1),
        256: (16, 16, 4, 1),
    },
    (4, "wide"): {64: (32, 32, 4, 1), 128: (16, 16, 4, 1), 256: (16, 16, 4, 1)},
}


def is_interpreted() -> bool:
    """Whether Triton's interpreter runs the kernels; on the CPU, then."""
    return os.environ.get("TRITON_INTERPRET", "").lower() in ("1", "true", "yes", "on", "y")


def reason_against(conditions: CallConditions) -> str | None:
    """Why the Triton kernels cannot run under these conditions, or None where they can."""
    return _software_reason() or _device_reason(conditions.device) or _shape_reason(conditions)


def _software_reason() -> str | None:
    try:
        found = version("triton")
    except PackageNotFoundError:
        return "needs the package triton, which is not installed"
    if _numbers(found) < OLDEST_TRITON:
        oldest = ".".join(map(str, OLDEST_TRITON))
        return f"needs triton {oldest} or newer, got {found}"
    return None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())


def _device_reason(device: str) -> str | None:
    if is_interpreted():
        return None
    if device != "cuda":
        return f"needs a CUDA device (or TRITON_INTERPRET=1, to try it slowly), got {device}"
    found = _capability()
    if found is None:
        return "needs a CUDA device, and torch sees none"
    if found < OLDEST_CAPABILITY:
        return f"needs compute capability {_dotted(OLDEST_CAPABILITY)}, got {_dotted(found)}"
    return None


def _capability() -> tuple[int, int] | None:
    return torch.cuda.get_device_capability() if torch.cuda.is_available() else None


def _dotted(numbers: tuple[int, int]) -> str:
    return ".".join(map(str, numbers))


def _shape_reason(conditions: CallConditions) -> str | None:
    if conditions.dtype not in DTYPES:
        return f"needs float16, bfloat16 or float32, got {dtype_name(conditions.dtype)}"
    least, most = HEAD_DIMS
    if not least <= conditions.head_dim <= most:
        return f"needs a head width of {least} to {most}, got {conditions.head_dim}"
    num_anchors = conditions.options.get("num_anchors", 0)
    if num_anchors > MOST_ANCHORS:
        return f"needs at most {MOST_ANCHORS} anchors, got {num_anchors}"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiling:
    """How one kernel cuts its work."""

    block: int
    """Tokens at a time."""
    chunk: int
    """Channels that a program computes; fewer than there are where its tables are too large."""
    warps: int
    stages: int
    """Loads in flight."""


def padded(side: int) -> int:
    """The side of the tile that holds m anchors or d channels: a power of two, at least 16."""
    return max(LEAST_SIDE, 1 << (side - 1).bit_length())


def tiling(anchors: int, channels: int, itemsize: int, *, backward: bool) -> Tiling:
    """Tiles for padded sizes.

    Args:
        anchors: padded number of anchors.
        channels: padded head width.
        itemsize: bytes of an element, 2 or 4.
        backward: for the backward pass, which holds three tables of anchors instead of two.
    """
    table = _BACKWARD if backward else _FORWARD
    row = table[itemsize, "wide" if channels > WIDE else "narrow"]
    block, chunk, warps, stages = row[min(most for most in row if anchors <= most)]
    return Tiling(block=block, chunk=min(chunk, channels), warps=warps, stages=stages)


def multiprocessors(device: torch.device) -> int:
    """How many programs run side by side, at least."""
    if device.type != "cuda":
        return INTERPRETED_MULTIPROCESSORS
    return torch.cuda.get_device_properties(device).multi_processor_count


def tokens_per_program(tokens: int, heads: int, processors: int, block: int) -> int:
    """Tokens that one program walks through: all, or fewer where heads alone would leave gaps.

    Args:
        tokens: of a sequence, at least one.
        heads: of all sequences, each a program at least.
        processors: see `multiprocessors`.
        block: the result is a multiple of it, or all tokens.
    """
    splits = -(-PROGRAMS_PER_MULTIPROCESSOR * processors // heads)
    share = max(-(-tokens // splits), LEAST_SHARE)
    return min(tokens, -(-share // block) * block)
