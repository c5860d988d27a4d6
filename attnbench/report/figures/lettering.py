"""Text of figures: in letters that the font has, short enough to leave room for the data."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text

from attnbench.visible import visible

FONT = "DejaVu Sans"
"""Ships with matplotlib, so figures look the same everywhere."""
OTHER_SCRIPTS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "WenQuanYi Zen Hei", "PingFang SC", "Microsoft YaHei",
    "Hiragino Sans", "Yu Gothic", "Malgun Gothic", "Noto Sans", "Arial Unicode MS",
)  # fmt: skip
"""Fonts for letters that `FONT` lacks, used where a machine has them."""
LONGEST = 32
"""Letters of a name; a longer one loses its middle. The tables hold it whole."""


@lru_cache(maxsize=1)
def families() -> list[str]:
    """`FONT`, and those of `OTHER_SCRIPTS` that this machine has."""
    here = set(font_manager.get_font_names())
    return [FONT, *(name for name in OTHER_SCRIPTS if name in here)]


def drawable(name: str) -> str:
    """A name for a figure: visible, in letters that can be drawn, at most `LONGEST` long.

    A leading underscore, which keeps a label out of a legend, comes behind a space.
    """
    shown = in_font(" ".join(name.split()))
    if len(shown) > LONGEST:
        half = LONGEST // 2 - 1
        shown = f"{shown[:half]} … {shown[-half:]}"
    return f" {shown}" if shown.startswith("_") else shown


def in_font(text: str) -> str:
    """The text, visible, with escapes for letters that no font here has."""
    shown = visible(text)
    return shown if shown.isascii() else "".join(map(_in_font, shown))


@lru_cache(maxsize=4096)
def _in_font(letter: str) -> str:
    if letter.isascii() or any(font.get_char_index(ord(letter)) for font in _fonts()):
        return letter
    return letter.encode("ascii", "backslashreplace").decode("ascii")


@lru_cache(maxsize=1)
def _fonts() -> list[Any]:
    return [font_manager.get_font(font_manager.findfont(name)) for name in families()]


def letter(figure: Figure) -> None:
    """Put every text of the figure into letters that can be drawn."""
    for text in figure.findobj(Text):
        shown = in_font(text.get_text())
        if shown != text.get_text():
            text.set_text(shown)
