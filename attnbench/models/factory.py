"""Models by name."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from attnbench.errors import UserError
from attnbench.registry import MODELS, Entry


def create_model(
    name: str,
    num_classes: int = 1000,
    img_size: int | tuple[int, int] = 224,
    **options: Any,
) -> nn.Module:
    """Build the model registered under `name` for images of `img_size` pixels.

    Raises:
        UserError: unknown name, an option that the name fixes already, or one that the model
            does not have.
    """
    entry = MODELS.find(name)
    target = entry.load()
    _check_options(entry, target, options)
    return target(num_classes=num_classes, img_size=img_size, **entry.options, **options)


def _check_options(entry: Entry, target: Any, options: dict[str, Any]) -> None:
    fixed = sorted(set(options) & set(entry.options))
    if fixed:
        said = ", ".join(f"{option}={entry.options[option]!r}" for option in fixed)
        raise UserError(
            f"model {entry.name!r} stands for {said}; to choose it, take a {entry.family} trunk: "
            + ", ".join(_open_trunks(entry, fixed))
        )
    parameters = inspect.signature(target).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    known = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise UserError(
            f"model {entry.name!r} has no option {', '.join(unknown)}; it has: "
            + ", ".join(option for option in known if option not in entry.options)
        )


def _open_trunks(entry: Entry, options: list[str]) -> list[str]:
    """Models of the same trunk that leave these options open."""
    return [
        other.name
        for other in MODELS.list()
        if other.target == entry.target and not set(options) & set(other.options)
    ]
