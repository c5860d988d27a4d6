"""The options of every command that reads a data set: what is repaired, left out, or meant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attnbench.bounds import shortened
from attnbench.errors import UserError

if TYPE_CHECKING:
    from attnbench.data.layouts.found import Reading

HIGHEST = 255
"""Value in a mask."""


def mask_values(text: str, flag: str = "--mask-values") -> tuple[int, ...]:
    """The values of "0,255" or "1-150", in their order.

    Raises:
        UserError: it is no such list, or names a value twice.
    """
    values: list[int] = []
    for part in text.split(","):
        ends = [end.strip() for end in part.split("-")]
        plain = all(end.isascii() and end.isdecimal() and len(end) <= 3 for end in ends)
        if not plain or len(ends) > 2 or not int(ends[0]) <= int(ends[-1]) <= HIGHEST:
            raise _no_values(text, flag)
        values += range(int(ends[0]), int(ends[-1]) + 1)
    if len(set(values)) < len(values):
        raise _no_values(text, flag)
    return tuple(values)


def _no_values(text: str, flag: str) -> UserError:
    return UserError(
        f"{flag} takes different values from 0 to {HIGHEST}, such as 0,255 or 1-150; "
        f"got {shortened(text)}"
    )


def _checked_values(text: str | None) -> str | None:
    if text is not None:
        mask_values(text)
    return text


def _checked_ignore(text: str | None) -> str | None:
    if text is not None and len(mask_values(text, "--mask-ignore")) > 1:
        raise UserError(f"--mask-ignore takes one value from 0 to {HIGHEST}; got {shortened(text)}")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingOptions:
    """Options of how the files of a data set are read."""

    strict: Annotated[
        bool | None,
        typer.Option(
            "--strict/--no-strict", show_default=False,
            help="Refuse a folder where anything must be repaired.",
        ),
    ] = None  # fmt: skip
    skip_broken: Annotated[
        bool | None,
        typer.Option(
            "--skip-broken/--no-skip-broken", show_default=False,
            help="Leave out pictures that cannot be read, and count.",
        ),
    ] = None  # fmt: skip
    mask_values: Annotated[
        str | None,
        typer.Option(
            metavar="LIST", callback=_checked_values, show_default=False,
            help="Values in masks that stand for the classes, in order, such as 0,255 or 1-150. "
            "\\[default: 0, 1, 2 …]",
        ),
    ] = None  # fmt: skip
    mask_ignore: Annotated[
        str | None,
        typer.Option(
            metavar="VALUE", callback=_checked_ignore, show_default=False,
            help="Value in masks of pixels that are neither trained on nor scored, beside 255.",
        ),
    ] = None  # fmt: skip

    @property
    def settings(self) -> Reading:
        """As `open_data` takes them; loads torch."""
        from attnbench.data.layouts.found import Reading

        return self.over(Reading())

    def over(self, before: Reading) -> Reading:
        """The settings of an earlier run, with those that are given in their place."""
        given: dict[str, Any] = {
            "strict": self.strict,
            "skip_broken": self.skip_broken,
            "mask_values": mask_values(self.mask_values) if self.mask_values else None,
            "mask_ignore": None if self.mask_ignore is None else int(self.mask_ignore),
        }
        return replace(before, **{name: one for name, one in given.items() if one is not None})
