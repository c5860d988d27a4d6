"""Which task a model and a data set have in common."""

from __future__ import annotations

from attnbench.errors import UserError
from attnbench.registry import MODELS

DEFAULT_DATA = {
    "classification": "digits",
    "detection": "digit-scenes",
    "segmentation": "digit-scenes",
}
"""The embedded set of each task, which needs no download."""


HEADS = {"detection": "picodet", "segmentation": "semantic-fpn or uper-net"}
"""Those that can be put over a backbone, by task."""


def asked_for(
    model: str, head: str | None = None, task: str | None = None, data: str | None = None
) -> tuple[str, str, str]:
    """What to train on which data, from what a user says.

    Args:
        model: registered name.
        head: one to be put over it as a backbone.
        task: the model must be made for it.
        data: name or folder; None for the embedded set of the task.

    Returns:
        Name of the model with its head, such as "uper-net:timm:resnet50", its task, and the data.

    Raises:
        UserError: the model is unknown or made for another task, or no set of it is embedded.
    """
    name = model if head is None else f"{head}:{model}"
    own = MODELS.find(name).task
    if task not in (None, own):
        advice = f"; put a head over it with --head {HEADS[task]}" if task in HEADS else ""
        raise UserError(f"model {name} is made for {own}, --task is {task}{advice}")
    if data is None and own not in DEFAULT_DATA:
        raise UserError(f"no data set of the task {own} is embedded; name one with --data")
    return name, own, DEFAULT_DATA[own] if data is None else data
