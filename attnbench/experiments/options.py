"""Which options a model is built with: those asked for, and what small images need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attnbench.attention.factory import accepted_options, attention_class
from attnbench.data.images import ImageData
from attnbench.models.options import INSIDE, attention_inside, keywords_of
from attnbench.registry import MODELS

SMALL_IMAGE = 64
"""Side in pixels. Smaller images lose too much detail in the usual first stride of the trunks."""


def model_options(
    model: str,
    data: ImageData,
    attention: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Options of a model for a data set.

    A classifying pyramid takes stem stride 2 for photographs under 64 px. Digits, which are 8 × 8
    pixels enlarged, keep stride 4. A plain trunk takes patches of an eighth of the side.

    Args:
        model: name of the model.
        data: the images that it will see.
        attention: mechanism inside a trunk of ours.
        options: options of the mechanism inside, or else of the model itself, such as the width of
            its head. What both know is meant for the mechanism.
    """
    chosen: dict[str, Any] = {} if attention is None else {"attention": attention}
    own = _of_model(model, attention_inside(model, chosen), options or {})
    inside = {name: value for name, value in (options or {}).items() if name not in own}
    chosen |= own | ({INSIDE: inside} if inside else {})
    return chosen | _for_small_images(model, data)


def _of_model(model: str, attention: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that the model itself takes."""
    keywords = keywords_of(model)
    if INSIDE not in keywords:
        return dict(options)
    known = accepted_options(attention_class(attention)) if attention else ()
    return {
        name: value for name, value in options.items() if name in keywords and name not in known
    }


def _for_small_images(model: str, data: ImageData) -> dict[str, Any]:
    entry = MODELS.find(model)
    if min(data.img_size) >= SMALL_IMAGE or entry.task != "classification":
        return {}
    family = entry.family
    if family == "pyramid" and data.photographs:
        return {"stem_stride": 2}
    return {"patch_size": max(2, min(data.img_size) // 8)} if family == "plain" else {}
