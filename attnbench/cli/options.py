"""Options that several commands share, and parsers of their text."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from attnbench.benchmark.recorder import CEILINGS, CHECKUPS, RUNS
from attnbench.errors import UserError
from attnbench.spec import Grid, grid_of, grid_of_image
from attnbench.spec.validation import LARGEST

__all__ = ["CEILINGS", "CHECKUPS", "RUNS"]

OptionValue = bool | int | float | str
Value = TypeVar("Value")


def _load_plugins(sources: list[str] | None) -> list[str] | None:
    from attnbench.registry import changes_by_plugins, load_plugin

    for source in sources or ():
        load_plugin(source)
    for text in changes_by_plugins():
        print(f"attnbench: {text}", file=sys.stderr)
    return sources


Plugin = Annotated[
    list[str] | None,
    typer.Option(
        help="Python file or module that registers attentions or models; repeatable.",
        callback=_load_plugins,
        is_eager=True,
        metavar="FILE_OR_MODULE",
    ),
]
Device = Annotated[str, typer.Option(help="auto (GPU if there is one), cpu or cuda.")]
Out = Annotated[Path, typer.Option(help="File to append the records to.")]


def names(text: str) -> list[str]:
    """Split "a,b" into names; empty names are dropped."""
    return [name.strip() for name in text.split(",") if name.strip()]


def integers(text: str, flag: str) -> list[int]:
    """Split "10,30" into whole numbers."""
    return _numbers(text, flag, int, "whole numbers")


def numbers(text: str, flag: str) -> list[float]:
    """Split "4,0.5" into numbers; whole ones stay integers."""
    return _numbers(text, flag, _number, "numbers")


def _numbers(text: str, flag: str, read: Callable[[str], Value], what: str) -> list[Value]:
    try:
        found = [read(part) for part in names(text)]
    except ValueError:
        raise UserError(f"{flag} takes {what} separated by commas, got {text!r}") from None
    if not found:
        raise UserError(f"{flag} takes at least one number, got {text!r}")
    return found


def _number(text: str) -> float:
    with suppress(ValueError):
        return int(text)
    return float(text)


def pairs(texts: Sequence[str] | None, flag: str) -> dict[str, str]:
    """Read repeated "NAME=value".

    Raises:
        UserError: a text has another form, or a name is given twice.
    """
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name.isidentifier() and equals and value):
            raise UserError(f"{flag} takes NAME=VALUE, such as rank=8; got {text!r}")
        if name in found:
            raise UserError(f"{flag} {name} is given twice; give it once")
        found[name] = value
    return found


def option_value(text: str, flag: str) -> OptionValue:
    """Read a value as a whole number, a number, true or false, or text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        value = _number(text)
    except ValueError:
        return text
    if not isfinite(value) or abs(value) > LARGEST:
        raise UserError(f"{flag} must be a number up to {LARGEST}, got {text!r}")
    return value


def image_size(text: str, flag: str = "--resolution") -> tuple[int, int]:
    """Read "224" or "512x2048" (height x width) as (height, width)."""
    sides = [side.strip() for side in text.lower().split("x")]
    if len(sides) > 2 or not all(side.isdecimal() and len(side) < 20 for side in sides):
        raise UserError(
            f"{flag} takes pixels such as 224 or 512x2048 (height x width), got {text!r}"
        )
    return int(sides[0]), int(sides[-1])


def image_sizes(text: str) -> list[tuple[int, int]]:
    """Split "224,512x2048" into (height, width) pairs."""
    sizes = [image_size(part) for part in names(text)]
    if not sizes:
        raise UserError(f"--resolution takes pixels such as 224 or 512x2048, got {text!r}")
    return sizes


def grids(n_tokens: str | None, resolutions: str | None, patch: int) -> list[Grid]:
    """The token grids of token counts or of image sizes; exactly one must be given."""
    if n_tokens is not None and resolutions is not None:
        raise UserError("--n-tokens and --resolution exclude each other; give one of them")
    if resolutions is not None:
        return [grid_of_image(size, patch) for size in image_sizes(resolutions)]
    return [grid_of(count) for count in integers(n_tokens or "", "--n-tokens")]
