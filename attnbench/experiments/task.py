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


def with_head(model: str, head: str | None) -> str:
    """The name of a model with a head over it, such as "uper-net:timm:resnet50"."""
    return model if head is None else f"{head}:{model}"


def task_of(model: str, task: str | None = None) -> str:
    """The task of a model by name.

    Args:
        model: registered name.
        task: what the user asked for.

    Raises:
        UserError: the model is unknown, or made for another task.
    """
    own = MODELS.find(model).task
    if task is not None and task != own:
        heads = {"detection": "picodet", "segmentation": "semantic-fpn or uper-net"}
        advice = f"; put a head over it with --head {heads[task]}" if task in heads else ""
        raise UserError(f"model {model} is made for {own}, --task is {task}{advice}")
    return own


def default_data(task: str) -> str:
    """The data set that a model of a task is trained on unless told otherwise.

    Raises:
        UserError: there is none for the task.
    """
    if task not in DEFAULT_DATA:
        raise UserError(f"no data set of the task {task} is embedded; name one with --data")
    return DEFAULT_DATA[task]
