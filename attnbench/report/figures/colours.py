"""Colours, markers and dashes. Each known family, and each other mechanism, has its own hue."""

from __future__ import annotations

import colorsys
import hashlib
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.colors import to_hex

INK = "#222222"
OTHER = "other"

# Colours of seaborn's palette for colour-blind readers; the markers tell families apart in print.
FAMILIES = {
    "dense": ("#0173b2", "o"),
    "window": ("#de8f05", "s"),
    "sparse": ("#029e73", "^"),
    "anchor": ("#cc78bc", "D"),
    "linear": ("#ca9161", "P"),
    OTHER: ("#949494", "X"),
}
MORE_MARKERS = ("v", "<", ">", "p", "h", "*", "d", "8")
"""Markers for mechanisms of unknown families."""
DASHES = ("-", (0, (5, 1.6)), (0, (1.2, 1.4)), (0, (5, 1.4, 1.2, 1.4)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Colour, marker and dash of one series."""

    color: Any
    marker: str
    dash: Any


def hue_of(family: str, attention: str) -> str:
    """The name that decides colour and marker: a known family, else the mechanism."""
    known = family in FAMILIES and family != OTHER
    return family if known else attention or OTHER


def style_of(hue: str) -> tuple[str, str]:
    """Colour and marker of a hue; unknown names get theirs from a hash of the name."""
    return FAMILIES.get(hue) or _style_of_name(hue)


def _style_of_name(name: str) -> tuple[str, str]:
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).digest()
    angle = int.from_bytes(digest[:4], "big") / 2**32
    color = colorsys.hls_to_rgb(angle, 0.42, 0.62)
    return to_hex(color), MORE_MARKERS[digest[4] % len(MORE_MARKERS)]


def lines_of(frame: pd.DataFrame) -> dict[Hashable, Line]:
    """The line style of each `series` of layers; within a hue they go from light to dark."""
    rows = frame.drop_duplicates("series").to_dict("records")
    ordered = sorted(rows, key=lambda row: row["implementation_key"].order)
    return _shaded([(_hue(row), row["series"]) for row in ordered], DASHES)


def plain_lines(frame: pd.DataFrame) -> dict[Hashable, Line]:
    """The same with solid lines only, in the order of the rows."""
    rows = frame.drop_duplicates("series").to_dict("records")
    return _shaded([(_hue(row), row["series"]) for row in rows], DASHES[:1])


def _hue(row: Mapping[Hashable, Any]) -> str:
    return hue_of(row["family"], row["attention"])


def _shaded(hues: Sequence[tuple[str, Hashable]], dashes: Sequence[Any]) -> dict[Hashable, Line]:
    lines: dict[Hashable, Line] = {}
    for hue in dict.fromkeys(hue for hue, _ in hues):
        color, marker = style_of(hue)
        members = [series for own, series in hues if own == hue]
        shades = shades_of(color, len(members))
        for index, (series, shade) in enumerate(zip(members, shades, strict=True)):
            lines[series] = Line(color=shade, marker=marker, dash=dashes[index % len(dashes)])
    return lines


def shades_of(color: str, count: int) -> list[Any]:
    """That many shades of a colour; a single one is the colour itself."""
    if count == 1:
        return [color]
    ends = sns.blend_palette(["white", color], 11)[6], sns.blend_palette([color, INK], 11)[4]
    return list(sns.blend_palette([ends[0], color, ends[1]], count))
