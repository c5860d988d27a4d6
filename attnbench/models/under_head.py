"""What heads for detection and segmentation share: a backbone by name below them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attnbench.models.backbone import Backbone
from attnbench.models.factory import create_backbone
from attnbench.models.options import INSIDE
from attnbench.registry import MODELS, Entry


def backbone_with(
    name: str,
    img_size: int | tuple[int, int],
    attention: str | None,
    attention_options: Mapping[str, Any] | None,
    options: Mapping[str, Any] | None = None,
) -> Backbone:
    """Build the backbone of a model that has a head of its own.

    Args:
        name: of a model that gives maps, `timm:NAME` included.
        img_size: pixels, side or (height, width), that it is built for.
        attention: mechanism inside; None leaves it to the backbone.
        attention_options: options of that mechanism.
        options: further options of the backbone.

    Raises:
        UserError: as `create_backbone`.
    """
    chosen = dict(options or {})
    if attention is not None:
        chosen["attention"] = attention
    if attention_options:
        chosen[INSIDE] = dict(attention_options)
    return create_backbone(name, img_size, **chosen)


def row_over(
    backbone: str, prefix: str, *, target: str, task: str, options: Mapping[str, Any]
) -> Entry:
    """The row of a name such as "picodet:timm:resnet18", for `Registry(libraries=…)`.

    Args:
        backbone: what stands after the prefix.
        prefix: name of the head.
        target: import string of what builds the model; it takes the keyword `backbone`.
        task: of the model.
        options: further keyword options that the prefix stands for.

    Raises:
        UserError: the backbone is unknown.
    """
    below = MODELS.find(backbone)
    return Entry(
        kind="model", name=f"{prefix}:{backbone}", target=target, family=below.family, task=task,
        summary=f"{prefix} over {backbone}", paper=below.paper, link=below.link,
        options={"backbone": backbone, **options},
    )  # fmt: skip
