"""Builds models and backbones by name."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from attnbench.errors import UserError
from attnbench.models.backbone import Backbone
from attnbench.registry import MODELS, Entry


def create_model(
    name: str,
    num_classes: int = 1000,
    img_size: int | tuple[int, int] = 224,
    **options: Any,
) -> nn.Module:
    """Build a model with fresh weights.

    Args:
        name: registered name, or `timm:NAME` for any model of timm.
        num_classes: logits; 0 builds it without a classifier.
        img_size: pixels, side or (height, width).
        options: keyword options of the model.

    Raises:
        UserError: the name is unknown, the name fixes an option already, the model does not have
            it, or the model does not work at this size.
    """
    entry = MODELS.find(name)
    target = entry.load()
    _check_options(entry, target, options)
    return target(num_classes=num_classes, img_size=img_size, **entry.options, **options)


def create_backbone(name: str, img_size: int | tuple[int, int] = 224, **options: Any) -> Backbone:
    """Build a model without its classifier, as a source of maps (see `models/backbone.py`).

    Args:
        name: registered name, or `timm:NAME` for any model of timm.
        img_size: pixels, side or (height, width), that positions are learned for; most models
            take images of other sizes too.
        options: keyword options of the model.

    Raises:
        UserError: as `create_model`, or the model gives no maps.
    """
    model = create_model(name, num_classes=0, img_size=img_size, **options)
    if not isinstance(model, Backbone):
        raise UserError(
            f"model {name!r} gives no maps: {type(model).__name__} is no "
            "attnbench.models.backbone.Backbone; take a vit, a pyramid or a timm:NAME"
        )
    return model


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
            + (", ".join(option for option in known if option not in entry.options) or "none")
        )


def _open_trunks(entry: Entry, options: list[str]) -> list[str]:
    """Models of the same trunk that leave these options open."""
    return [
        other.name
        for other in MODELS.list()
        if other.target == entry.target and not set(options) & set(other.options)
    ]
