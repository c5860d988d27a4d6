"""The teacher of a distillation: a checkpoint, or a model of timm with published weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor, nn

from attnbench.benchmark.subject import subject_of
from attnbench.data.augment import MEAN, STD
from attnbench.data.images import ImageData
from attnbench.data.names import some
from attnbench.errors import UserError
from attnbench.experiments.experiment import workload_of
from attnbench.experiments.needs import refuse_missing_names
from attnbench.files.reading import read_bytes
from attnbench.models.from_timm.names import PREFIX
from attnbench.spec import Recipe
from attnbench.training import checkpoint as checkpoints
from attnbench.training.weights import restored

HASH = "#"
"""Between the path of a checkpoint and the hash of the file."""
DIGITS = 12


def identified(source: str) -> str:
    """A teacher as a recipe names it: a checkpoint with the hash of its file.

    Args:
        source: "timm:NAME", a path, or what this function has returned.

    Raises:
        UserError: there is no such file, or it has another hash than the one given.
    """
    if source.startswith(PREFIX):
        return source
    path, _, given = source.partition(HASH)
    found = hashlib.sha256(read_bytes(Path(path))).hexdigest()[:DIGITS]
    if given not in ("", found):
        raise UserError(
            f"--teacher: {path} is another file than in that run (its hash is {found}, not "
            f"{given}); leave out the hash to take it all the same"
        )
    return f"{path}{HASH}{found}"


def teacher_for(recipe: Recipe, data: ImageData, device: torch.device) -> nn.Module | None:
    """The teacher in evaluation mode, for images that are normalised as those of the student.

    Args:
        recipe: names it as `identified` gives it, or names none.
        data: what the student is trained on.
        device: where.

    Raises:
        UserError: it cannot be had, is another one, knows other classes, or does not work at this
            image size.
    """
    if not recipe.teacher:
        return None
    source = identified(recipe.teacher)
    if source.startswith(PREFIX):
        teacher = _of_timm(source.removeprefix(PREFIX), data)
    else:
        teacher = _of_checkpoint(Path(source.partition(HASH)[0]), data)
    return teacher.to(device).eval().requires_grad_(False)


def _of_checkpoint(path: Path, data: ImageData) -> nn.Module:
    saved = checkpoints.load(path)
    refuse_missing_names(saved)
    if saved.task != data.task:
        raise UserError(f"--teacher: expected a model for {data.task}, got one for {saved.task}")
    if saved.img_size != data.img_size:
        sizes = ["{} × {}".format(*size) for size in (data.img_size, saved.img_size)]
        raise UserError(
            f"--teacher: the student sees {sizes[0]} px, the teacher was trained on {sizes[1]}; "
            "give --img-size, or another teacher"
        )
    lacking = sorted(set(data.class_names) - set(saved.class_names))
    if lacking:
        raise UserError(
            f"--teacher: it does not know the classes {some(lacking)}; choose one that was "
            "trained on these classes"
        )
    places = [saved.class_names.index(name) for name in data.class_names]
    return _Chosen(restored(saved, subject_of(workload_of(saved)).build), places)


def _of_timm(name: str, data: ImageData) -> nn.Module:
    import timm

    from attnbench.models.from_timm.build import build, reason_of
    from attnbench.models.from_timm.names import entry_of

    entry_of(name)  # refuses unknown names
    try:
        model = build(name, data.img_size, pretrained=True)
    except UserError:
        raise
    except Exception as error:  # the network and its caches raise anything
        raise UserError(
            f"--teacher {PREFIX}{name}: its weights cannot be had ({reason_of(error)}); give a "
            "checkpoint of attnbench"
        ) from error
    config = timm.data.resolve_model_data_config(model)
    return _Renormalised(model, config["mean"], config["std"])


class _Chosen(nn.Module):
    """A model that answers with some of its classes, in the order of the student's."""

    places: Tensor

    def __init__(self, model: nn.Module, places: list[int]) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("places", torch.tensor(places))

    def forward(self, images: Tensor) -> Tensor:
        return self.model(images)[:, self.places]


class _Renormalised(nn.Module):
    """A model that was trained on images of another mean and spread."""

    scale: Tensor
    shift: Tensor

    def __init__(self, model: nn.Module, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.model = model
        scale = STD / torch.tensor(std)
        shift = (MEAN - torch.tensor(mean)) / torch.tensor(std)
        self.register_buffer("scale", scale[:, None, None])
        self.register_buffer("shift", shift[:, None, None])

    def forward(self, images: Tensor) -> Tensor:
        return self.model(images * self.scale + self.shift)
