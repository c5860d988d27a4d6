"""Print and draw what anchor attention saves of DeiT's multiply-accumulates, by image size.

    python scripts/savings.py                     prints the table of docs/savings.md
    python scripts/savings.py docs/savings.png    draws its figure too

Everything is in closed form: no model is built. The lines are savings over dense attention with 30
anchors; the bars are what the digits of the paper's table 1 allow, at 224 px.
"""

# ruff: noqa: T201 - a script prints

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from attnbench.models.presets import DEIT
from attnbench.reproduce.saving_checks import printed_fall
from attnbench.reproduce.savings import PX, bounds, deit, saving, table

SIDES = range(112, 1025, 16)
COLOURS = {"anchors": "#0072b2", "folded": "#d55e00", "bound": "#777777"}


def draw(axes: Axes, size: str) -> None:
    """One panel: savings and bounds of one trunk against the side of the image."""
    trunks = [deit(size, side) for side in SIDES]
    most = [bounds(trunk) for trunk in trunks]
    lines = (
        ([b.removed for b in most], "attention removed", COLOURS["bound"], "--"),
        ([saving(t, "folded") for t in trunks], "anchors, folded", COLOURS["folded"], "-"),
        ([b.kept for b in most], "keys and values kept", COLOURS["bound"], ":"),
        ([saving(t) for t in trunks], "anchors", COLOURS["anchors"], "-"),
    )
    for shares, label, colour, style in lines:
        percent = [100 * share for share in shares]
        axes.plot(SIDES, percent, style, color=colour, label=label)
    printed = printed_fall(size, "flops_G")
    below, above = [[printed.value - printed.low], [printed.high - printed.value]]
    axes.errorbar(
        [PX], [printed.value], yerr=[below, above], fmt="ks", capsize=3, label="printed, 224 px"
    )
    axes.set_title(f"DeiT-{size.upper()}")
    axes.set_xlabel("side of the image, px")
    axes.set_ylim(0, 100)
    axes.grid(alpha=0.3)


def main() -> None:
    """Print the table; draw the figure if a file is named."""
    print("\n".join(table()))
    if len(sys.argv) < 2:
        return
    figure, panels = plt.subplots(1, len(DEIT), figsize=(10, 3.6), sharey=True)
    for axes, size in zip(panels, DEIT, strict=True):
        draw(axes, size)
    panels[0].set_ylabel("saved of dense DeiT's MACs, %")
    panels[-1].legend(fontsize=8, loc="upper left")
    figure.tight_layout()
    figure.savefig(Path(sys.argv[1]), dpi=120)


if __name__ == "__main__":
    main()
