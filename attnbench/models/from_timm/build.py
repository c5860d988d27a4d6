"""Builds a model of timm for one image size, with fresh weights."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import nn

from attnbench.errors import UserError
from attnbench.models.from_timm.names import default_input_size

ImageSize = int | tuple[int, int]


def build(timm_name: str, img_size: ImageSize, **arguments: Any) -> nn.Module:
    """Build timm's model for images of this size.

    Args:
        timm_name: as timm spells it.
        img_size: pixels, side or (height, width); left out for a family that does not take it.
        arguments: further ones of `timm.create_model`, left out likewise.

    Raises:
        UserError: the model does not work at this size.
    """
    arguments = {"pretrained": False, "img_size": img_size, **arguments}
    if sides_of(img_size) != default_input_size(timm_name):
        _refuse_unfit_size(timm_name, img_size, arguments)
    return _create(timm_name, arguments)


def sides_of(img_size: ImageSize) -> tuple[int, int]:
    """Height and width."""
    return (img_size, img_size) if isinstance(img_size, int) else img_size


def reason_of(error: Exception) -> str:
    """The first line of what an exception says, or its type where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _create(timm_name: str, arguments: dict[str, Any]) -> nn.Module:
    """Try, and leave out what the constructor refuses: timm has no list of what each takes."""
    import timm

    try:
        model: nn.Module = timm.create_model(timm_name, **arguments)
    except TypeError as error:
        refused = re.search(r"unexpected keyword argument\W+(?:s\W+)?(\w+)", str(error))
        if refused is None or refused[1] not in arguments:
            raise
        taken = {name: value for name, value in arguments.items() if name != refused[1]}
    else:
        return model
    return _create(timm_name, taken)


def _refuse_unfit_size(timm_name: str, img_size: ImageSize, arguments: dict[str, Any]) -> None:
    """Call the model once on the meta device: what timm says of its sizes is incomplete.

    It is called as a classifier, because the extraction of maps is not always possible there.
    """
    sides = sides_of(img_size)
    whole = {name: value for name, value in arguments.items() if name != "features_only"}
    try:
        with torch.device("meta"), torch.no_grad():
            model = _create(timm_name, {**whole, "pretrained": False})
            model.eval()(torch.empty(1, 3, *sides))
    except Exception as error:  # each family refuses in its own way
        raise UserError(
            "timm:{} does not work on images of {} × {} px ({}); its own size is {} × {}".format(
                timm_name, *sides, reason_of(error), *default_input_size(timm_name)
            )
        ) from error
