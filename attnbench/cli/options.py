"""Options that several commands share, and how their text becomes values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from attnbench.benchmark.recorder import CEILINGS, CHECKUPS, RUNS
from attnbench.errors import UserError
from attnbench.spec import Grid, Protocol, Workload, grid_of, grid_of_image

__all__ = ["CEILINGS", "CHECKUPS", "RUNS"]


def _load_plugins(sources: list[str] | None) -> list[str] | None:
    from attnbench.registry import load_plugin

    for source in sources or ():
        load_plugin(source)
    return sources


Plugin = Annotated[
    list[str] | None,
    typer.Option(
        help="Python file or module that registers your own attentions or models; repeatable.",
        callback=_load_plugins,
        is_eager=True,
        metavar="FILE_OR_MODULE",
    ),
]
Device = Annotated[str, typer.Option(help="auto (GPU if there is one), cpu or cuda.")]
DTypeName = Annotated[str, typer.Option(help="float32, bfloat16 or float16.")]
Attention = Annotated[str, typer.Option(help="Attentions to compare, separated by commas.")]
Impl = Annotated[
    str | None,
    typer.Option(
        help="Implementations, separated by commas (see `attnbench list impls`), or best: all are "
        "measured and the fastest is shown. Default: reference (plain eager code for all), and "
        "sdpa (torch's fused code) or folded (anchors) where a mechanism has it.",
        show_default=False,
    ),
]
Dim = Annotated[int, typer.Option(help="Width of the layer.")]
Heads = Annotated[int, typer.Option(help="Attention heads; must divide --dim.")]
Batch = Annotated[int, typer.Option(help="Images in a batch.")]
Mode = Annotated[
    str,
    typer.Option(help="forward, backward, forward+backward, or train (a whole training step)."),
]
Precision = Annotated[
    float,
    typer.Option(help="Stop when each median is known within this share (95 % interval) …"),
]
TimeBudget = Annotated[
    float, typer.Option(help="… or when this many seconds a cell have gone into sampling.")
]
Cache = Annotated[
    str,
    typer.Option(help="Caches before each sample: cold, warm, or auto (cold on a GPU only)."),
]
Energy = Annotated[
    bool, typer.Option("--energy", help="Meter joules per call too; several seconds a cell.")
]
NTokens = Annotated[
    str | None, typer.Option(help="Token counts, separated by commas.", show_default=False)
]
Anchors = Annotated[
    str,
    typer.Option(help="Anchor counts, separated by commas, for the mechanisms that have anchors."),
]
Out = Annotated[Path, typer.Option(help="File that the records are appended to.")]
Patch = Annotated[int, typer.Option(help="Pixels along the side of a token's patch.")]


def names(text: str) -> list[str]:
    """Split "a,b" into its names; an empty name is dropped."""
    return [name.strip() for name in text.split(",") if name.strip()]


def integers(text: str, flag: str) -> list[int]:
    """Split "10,30" into integers."""
    try:
        numbers = [int(part) for part in names(text)]
    except ValueError:
        raise UserError(f"{flag} takes whole numbers separated by commas, got {text!r}") from None
    if not numbers:
        raise UserError(f"{flag} takes at least one number, got {text!r}")
    return numbers


def image_size(text: str, flag: str = "--resolution") -> tuple[int, int]:
    """Read "224" or "512x2048" (height x width) as (height, width)."""
    sides = text.lower().split("x")
    if len(sides) > 2 or not all(side.strip().isdigit() for side in sides):
        raise UserError(f"{flag} takes pixels as 224 or 512x2048 (height x width), got {text!r}")
    return int(sides[0]), int(sides[-1])


def grids(n_tokens: str | None, resolutions: str | None, patch: int, default: str) -> list[Grid]:
    """The token grids that were asked for, by token count or by image size."""
    if n_tokens is not None and resolutions is not None:
        raise UserError("give --n-tokens or a resolution, not both")
    if resolutions is not None:
        sizes = [image_size(text) for text in names(resolutions)]
        if not sizes:
            raise UserError(f"a resolution is needed, as 224 or 512x2048; got {resolutions!r}")
        return [grid_of_image(size, patch) for size in sizes]
    text = default if n_tokens is None else n_tokens
    return [grid_of(count) for count in integers(text, "--n-tokens")]


def protocol(**settings: Any) -> Protocol:
    """How the options of `profile` and `sweep` ask to measure; its texts are checked at birth."""
    return Protocol(**settings)


def workloads(
    attention: str, grids: Sequence[Grid], anchors: str, impl: str | None, **common: Any
) -> list[Workload]:
    """The cells that the options of `profile` and `sweep` ask for; loads torch."""
    from attnbench.benchmark.grid import layer_workloads

    chosen = names(attention)
    if not chosen:
        raise UserError("--attention needs at least one name; `attnbench list` shows them")
    counts = integers(anchors, "--anchors")
    wants_best(impl)  # refuses it beside other names
    impls = None if impl is None else names(impl)
    return layer_workloads(chosen, grids, counts, impls, **common)


def wants_best(impl: str | None) -> bool:
    """Whether the fastest implementation alone is to be shown; `best` goes with no other name."""
    from attnbench.benchmark.grid import BEST

    chosen = names(impl or "")
    if BEST in chosen and chosen != [BEST]:
        raise UserError(
            f"--impl best stands alone, since it measures every implementation; got {impl!r}"
        )
    return BEST in chosen
