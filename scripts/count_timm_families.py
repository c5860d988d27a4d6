"""Count one small model of each family of timm, and see which maps it gives as a backbone.

    python scripts/count_timm_families.py docs/timm-families.md

Everything happens on the meta device: nothing is downloaded and no arithmetic is done. A family is
a module of timm. The model of a family is chosen by the size that its name states.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console

from attnbench.errors import UserError
from attnbench.models.backbone import Backbone
from attnbench.models.factory import create_backbone, create_model
from attnbench.models.from_timm.names import PREFIX, default_input_size
from attnbench.profiling.counting.macs import count_forward_macs

SMALL = (
    "zepto", "atto", "femto", "pico", "nano", "xxtiny", "xxs", "xtiny", "mini", "xs", "xsmall",
    "tiny", "t", "ti", "s", "small",
)  # fmt: skip
LARGE = (
    "m", "medium", "b", "base", "l", "large", "xl", "xlarge", "h", "huge", "g", "giant", "so150m",
    "so150m2", "so400m",
)  # fmt: skip
UNSIZED = len(SMALL)
"""Rank of a name without a size: after the small ones, before the large ones."""
RANKS = {
    **{word: rank for rank, word in enumerate(SMALL)},
    **{word: UNSIZED + 1 + rank for rank, word in enumerate(LARGE)},
}
UNPADDED = 4
"""Elements that a map may lack at a side because convolutions are not padded (Inception)."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What became of one family."""

    family: str
    model: str
    macs: int | None = None
    note: str = ""
    """Why fvcore could not count it too."""
    reason: str = ""
    """Why it cannot be counted."""
    maps: str = ""
    """Strides of its maps."""
    no_maps: str = ""
    """Why it gives none here."""


def main() -> None:
    """Write the page to the path that is given."""
    import timm

    (path,) = (Path(argument) for argument in sys.argv[1:])
    console = Console(stderr=True)
    torch.set_num_threads(1)
    lines: list[Line] = []
    for family in timm.list_modules():
        if names := timm.list_models(module=family):
            console.print(f"{family} …")
            lines.append(look_at(family, min(names, key=apparent_size)))
    path.write_text("\n".join(page(lines)) + "\n")


def apparent_size(name: str) -> tuple[bool, int, int, int, str]:
    """A key that sorts models by the size that their names state; test models come last."""
    words = re.split(r"[_.]", re.sub(r"_([stm])\d+(?=_|$)", r"_\1", name))
    rank = max((RANKS[word] for word in words if word in RANKS), default=UNSIZED)
    side = max(default_input_size(name))
    number = max((n for n in map(int, re.findall(r"\d+", name)) if n != side), default=0)
    return name.startswith("test_"), rank, side, number, name


def look_at(family: str, model: str) -> Line:
    """Count a forward call of the model at its own size, and ask for its maps."""
    notes: list[str] = []
    macs, reason = None, ""
    try:
        with torch.device("meta"):
            size = default_input_size(model)
            module = create_model(PREFIX + model, img_size=size).eval()
            images = torch.empty(1, 3, *size)
        macs = count_forward_macs(module, (images,), on_note=notes.append).products_macs
    except Exception as error:  # noqa: BLE001 - a family may fail in any way
        reason = said(error)
    maps, no_maps = maps_of(model)
    return Line(
        family=family, model=model, macs=macs, note="; ".join(notes), reason=reason,
        maps=maps, no_maps=no_maps,
    )  # fmt: skip


def maps_of(model: str) -> tuple[str, str]:
    """Strides of the maps at the model's own size, or why there are none."""
    size = default_input_size(model)
    try:
        with torch.device("meta"), torch.no_grad():
            backbone = create_backbone(PREFIX + model, size).eval()
            found = backbone.features(torch.empty(1, 3, *size))
    except Exception as error:  # noqa: BLE001 - as above
        return "", said(error)
    strides = ", ".join(str(info.stride) for info in backbone.feature_info)
    return (strides, "") if agree(backbone, found, size) else ("", f"not of strides {strides}")


def agree(backbone: Backbone, maps: list[torch.Tensor], size: tuple[int, int]) -> bool:
    """Whether the maps have the stated channels and strides."""
    return all(
        one.shape[1] == info.channels
        and all(
            -UNPADDED <= side - pixels / info.stride < 1
            for side, pixels in zip(one.shape[2:], size, strict=True)
        )
        for one, info in zip(maps, backbone.feature_info, strict=True)
    )


def said(error: Exception) -> str:
    """An exception in one line."""
    text = (str(error).strip().splitlines() or ["no message"])[0]
    return text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"


def page(lines: list[Line]) -> Iterator[str]:
    """The page in Markdown."""
    import timm

    counted = [line for line in lines if line.macs is not None]
    both = [line for line in counted if not line.note]
    yield from (
        "# timm's families, counted",
        "",
        f"Made by `scripts/count_timm_families.py` with timm {timm.__version__} and torch "
        f"{torch.__version__.partition('+')[0]}.",
        "",
        f"One small model of each of the {len(lines)} families (modules) of timm, at its own input "
        "size and batch 1, on the meta device. MACs are matrix products and convolutions of one "
        "forward call.",
        "",
        f"- {len(counted)} of {len(lines)} are counted, {len(both)} of them by both counters, "
        "which agree exactly.",
        f"- By torch's counter alone: {names_of(line for line in counted if line.note)}.",
        f"- Refused: {names_of(line for line in lines if line.macs is None)}.",
        "",
        "The last column has the strides of the maps that `create_backbone` gives. Without maps "
        f"on the meta device: {reasons_of(line for line in lines if line.no_maps)}.",
        "",
        "| family | model | MMACs | fvcore agrees with torch | reason if refused "
        "| strides of its maps |",
        "|---|---|---:|---|---|---|",
    )
    yield from map(row, lines)


def names_of(lines: Iterator[Line]) -> str:
    """Families in a line."""
    return ", ".join(line.family for line in lines) or "none"


def reasons_of(lines: Iterator[Line]) -> str:
    """Families without maps in a line, each with the reason."""
    return ", ".join(f"{line.family} ({line.no_maps})" for line in lines) or "none"


def row(line: Line) -> str:
    """A line of the table."""
    macs = "" if line.macs is None else f"{line.macs / 1e6:,.1f}"
    agrees = line.note or ("yes" if line.macs is not None else "")
    cells = (line.family, f"`{line.model}`", macs, agrees, line.reason, line.maps)
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


if __name__ == "__main__":
    main()
