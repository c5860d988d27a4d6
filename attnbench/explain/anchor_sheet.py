"""The sheet of anchors: for some layers what their anchors do on one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from attnbench.explain.anchor_maps import AnchorMaps
from attnbench.explain.anchor_use import AnchorUse
from attnbench.explain.sheet import frame, open_sheet, save_sheet, show_picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STRONGEST = 6
"""Anchors that are drawn of each layer."""
LONGEST = 24
"""Characters of a layer's name."""
FOOTNOTE = (
    "Implied attention: the row of S = A Δ⁻¹ Aᵀ of the framed token, mean over heads. Then the "
    "anchors that receive most, each in its head: bright tokens are assigned to it, the percentage "
    "is its share of the head's mass. Degrees: the shares of all anchors, sorted, a line for each "
    "head; dotted: an even share. Dead anchors and effective rank: over {images:,} pictures."
)


def draw_anchors(
    pixels: Tensor, layers: Sequence[AnchorMaps], uses: Sequence[AnchorUse], stem: Path
) -> list[Path]:
    """Write what the anchors of some layers do on one picture, as PNG and SVG.

    Args:
        pixels: uint8 (3, height, width).
        layers: one row each.
        uses: of all layers, for the text beside.
        stem: path of the files without suffix.

    Raises:
        UserError: a file cannot be written.
    """
    from attnbench.report.figures.style import house_style

    by_name = {use.layer: use for use in uses}
    note = FOOTNOTE.format(images=uses[0].images)
    height, width = (int(side) for side in pixels.shape[1:])
    with house_style():
        figure, grid = open_sheet(
            "What the anchors do",
            note,
            rows=len(layers),
            columns=3 + STRONGEST,
            aspect=height / width,
        )
        for row, maps in zip(grid, layers, strict=True):
            use = by_name[maps.layer]
            show_picture(row[0], pixels)
            _mark(row[0], maps, (height, width))
            row[0].set_xlabel(
                f"{_short(maps.layer)}\ndead {100 * use.dead_share:.0f} %, "
                f"rank {use.effective_rank:.1f} of {use.num_anchors}",
                size=7,
            )
            row[1].imshow(maps.implied.numpy(), cmap="viridis", vmin=0)
            _strongest(row[2:-1], maps)
            _degrees(row[-1], maps, height / width)
        grid[0][0].set_title("picture, token", size=8)
        grid[0][1].set_title("implied attention", size=8)
        grid[0][-1].set_title("degrees", size=8)
        return save_sheet(figure, stem)


def _short(name: str) -> str:
    """The end of a name that is longer than a picture is wide."""
    return name if len(name) <= LONGEST else f"…{name[1 - LONGEST :].lstrip('.')}"


def _strongest(row: Sequence[Axes], maps: AnchorMaps) -> None:
    """The anchors with the largest degrees; less than so many leave the rest of the row empty."""
    anchors = maps.shares.shape[1]
    order = maps.shares.flatten().argsort(descending=True).tolist()
    for axes in row[len(order) :]:
        axes.set_axis_off()
    for axes, place in zip(row, order, strict=False):
        head, anchor = divmod(place, anchors)
        axes.imshow(maps.gathers[head, anchor].numpy(), cmap="magma", vmin=0)
        share = float(maps.shares[head, anchor])
        axes.set_xlabel(f"head {head}, anchor {anchor}\n{100 * share:.0f} %", size=7)


def _degrees(axes: Axes, maps: AnchorMaps, aspect: float) -> None:
    from matplotlib.ticker import MaxNLocator

    for shares in maps.shares.sort(descending=True).values:
        axes.plot(100 * shares.numpy(), color="#3b6fb6", linewidth=0.9, alpha=0.8)
    axes.axhline(100 / maps.shares.shape[1], color="#999999", linestyle=":", linewidth=0.9)
    axes.set(box_aspect=aspect, ylim=(0, None))
    axes.yaxis.tick_right()
    axes.tick_params(right=True, labelright=True, bottom=False, labelsize=7, length=2)
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0f} %")
    axes.set_xlabel("anchors", size=7)


def _mark(axes: Axes, maps: AnchorMaps, size: tuple[int, int]) -> None:
    """Frame the token."""
    down, across = (side / cells for side, cells in zip(size, maps.implied.shape, strict=True))
    row, column = maps.token
    frame(axes, [(column * across, row * down, (column + 1) * across, (row + 1) * down)])
