"""Save figures as SVG and PNG; equal records give equal bytes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from attnbench.files.writing import replacing
from attnbench.report.figures.drawing import Drawing
from attnbench.report.figures.style import house_style, settle

PNG_DPI = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The files of a figure."""

    svg: Path
    png: Path


def save_all(figures: Iterable[Drawing], folder: Path) -> list[Saved]:
    """Save each figure as it is drawn; repeated names get a number."""
    saved: list[Saved] = []
    times: dict[str, int] = {}
    with house_style():
        for drawing in figures:
            folder.mkdir(exist_ok=True)
            times[drawing.name] = times.get(drawing.name, 0) + 1
            number = "" if times[drawing.name] == 1 else f"-{times[drawing.name]}"
            saved.append(_save(drawing, folder / f"{drawing.name}{number}"))
    return saved


def _save(drawing: Drawing, stem: Path) -> Saved:
    # Not with_suffix: a name may contain a dot.
    svg, png = stem.with_name(f"{stem.name}.svg"), stem.with_name(f"{stem.name}.png")
    settle(drawing.figure)
    with replacing(svg) as new:
        drawing.figure.savefig(new, format="svg", metadata={"Date": None})
    with replacing(png) as new:
        drawing.figure.savefig(new, format="png", dpi=PNG_DPI)
    return Saved(svg=svg, png=png)
