"""Learning from a teacher (https://arxiv.org/abs/1503.02531, and DeiT's https://arxiv.org/abs/2012.12877).

The teacher sees the very images that the student sees. A student with DeiT's distillation token has
two heads: then the labels train the first, and the teacher the second. Else both train the logits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from attnbench.errors import UserError
from attnbench.spec import Recipe

HEADS = ("head", "head_dist")
"""Names of the two heads of a distilled DeiT, here and in timm."""


@contextmanager
def heads_apart(model: nn.Module, recipe: Recipe) -> Iterator[dict[str, Tensor]]:
    """A mapping that fills with the logits of both heads, by name, in each forward call.

    It stays empty without a teacher, and for models with a single head.
    """
    heads: dict[str, Tensor] = {}
    modules = [getattr(model, name, None) for name in HEADS]
    apart = recipe.distillation != "none" and all(isinstance(m, nn.Module) for m in modules)

    def keep(name: str) -> Any:
        return lambda module, given, output: heads.__setitem__(name, output)

    handles = [
        module.register_forward_hook(keep(name))
        for name, module in zip(HEADS, modules, strict=True)
        if apart and module is not None
    ]
    try:
        yield heads
    finally:
        for handle in handles:
            handle.remove()


def teachers_loss(student: Tensor, teacher: Tensor, recipe: Recipe) -> Tensor:
    """The mean loss of a batch against a teacher, a scalar in float32.

    Hard: the cross-entropy with the class that the teacher answers. Soft: the divergence of the
    probabilities at the recipe's temperature, times its square, so that the temperature leaves the
    size of the gradients alone.

    Args:
        student: logits (batch, classes).
        teacher: the same, without gradients.
        recipe: says which.

    Raises:
        UserError: the teacher knows another number of classes.
    """
    if student.shape != teacher.shape:
        raise UserError(
            f"--teacher: expected {student.shape[1]} classes, got one that answers with "
            f"{tuple(teacher.shape[1:])}; choose one that was trained on these classes"
        )
    student, teacher = student.float(), teacher.float()
    if recipe.distillation == "hard":
        return F.cross_entropy(student, teacher.argmax(1))
    heat = recipe.temperature
    known, learnt = F.log_softmax(teacher / heat, 1), F.log_softmax(student / heat, 1)
    return F.kl_div(learnt, known, reduction="batchmean", log_target=True) * heat**2


def taught(own: Tensor, teachers: Tensor, recipe: Recipe) -> Tensor:
    """The loss on the labels and that against the teacher, by the recipe's share."""
    return own.lerp(teachers, recipe.distillation_weight)


@torch.no_grad()
def answers_of(teacher: nn.Module, images: Tensor) -> Tensor:
    """The logits of a teacher, whatever it returns them in.

    Raises:
        UserError: it returns no logits.
    """
    logits = teacher(images)
    if not (isinstance(logits, Tensor) and logits.ndim == 2):
        raise UserError("--teacher: expected a model that classifies images; choose another one")
    return logits
