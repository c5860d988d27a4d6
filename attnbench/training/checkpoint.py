"""Checkpoints: all that a stopped run needs to go on, and a trained model to be evaluated.

Only plain containers and tensors are written, so that reading a file runs no code from it
(`weights_only`). Format history:
    1  first version.
    2  `accuracy` became `scores`; image sizes are (height, width); the task is named.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from attnbench.errors import UserError
from attnbench.records import Scores
from attnbench.records.scores import scores_of_accuracy
from attnbench.spec import Recipe

FORMAT = "attnbench checkpoint"
VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainState:
    """State of a run after whole epochs.

    During training the tensors are the live ones: save or copy them before training goes on.
    """

    epochs: int
    """Epochs done."""
    model: dict[str, Tensor]
    optimizer: dict[str, Any]
    train_s: float
    """Seconds of all epochs so far, without evaluation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A model by name and options, its weights, and the run that made them."""

    model: str
    attention: str
    """The mechanism inside, or "" where the model has none of ours."""
    options: Mapping[str, Any]
    """Keyword options that the model was built with: plain values only."""
    num_classes: int
    img_size: tuple[int, int]
    """(height, width) in pixels."""
    class_names: tuple[str, ...]
    data: str
    """The data set as `open_data` takes it: a registered name or a folder."""
    recipe: Recipe
    state: TrainState
    scores: Scores
    """On the held-out images, after the last epoch."""
    task: str = "classification"
    """Older files do not name their task: there was one."""
    plugins: tuple[str, ...] = ()
    """Plug-ins of the run, as given to `--plugin`; older files do not name them."""


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint completely or not at all: a failure leaves an older one at `path`.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, _encode(checkpoint))
    except OSError as error:
        raise UserError(
            f"cannot write the checkpoint {path}: {error.strerror or error}; "
            "free some space or choose another folder"
        ) from error


def _replace(path: Path, content: bytes) -> None:
    """Replace a file by a synced new one; a failure leaves the old file and nothing else."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load(path: Path) -> Checkpoint:
    """Read a checkpoint onto the CPU.

    Raises:
        UserError: the file is missing, is not a complete checkpoint of attnbench, or is newer than
            this version can read.
    """
    if not path.is_file():
        raise UserError(f"{path}: expected a checkpoint of `attnbench train`, got no such file")
    try:
        payload = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a foreign file makes the reader raise anything
        raise UserError(
            f"{path}: expected a checkpoint of `attnbench train`, got {path.stat().st_size} bytes "
            "that torch cannot read (cut short, or of another program); give another file or "
            "train again"
        ) from error
    return _decode(path, payload)


def load_weights(model: nn.Module, checkpoint: Checkpoint) -> None:
    """Load the weights of a checkpoint into a model that was built with the same options.

    Raises:
        UserError: names or shapes differ.
    """
    fill(model, checkpoint.state.model)


def fill(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load a state dictionary whose names and shapes must be exactly the model's.

    Raises:
        UserError: they differ; the first parameter that differs is named.
    """
    difference = _first_difference(model.state_dict(), weights)
    if difference:
        raise UserError(
            f"the checkpoint belongs to another model: {difference}; build the model with the "
            "name, options and image size that the checkpoint was trained with"
        )
    model.load_state_dict(weights)


def _first_difference(own: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> str:
    for name, parameter in own.items():
        if name not in weights:
            return f"it has no parameter {name}"
        expected, got = tuple(parameter.shape), tuple(weights[name].shape)
        if expected != got:
            return f"parameter {name} should have shape {expected}, it has {got}"
    extra = next((name for name in weights if name not in own), None)
    return f"its parameter {extra} is not in the model" if extra else ""


def _encode(checkpoint: Checkpoint) -> bytes:
    """The bytes of the file. Made in memory, so that only the file system can fail in writing."""
    payload = {field.name: getattr(checkpoint, field.name) for field in fields(checkpoint)}
    payload["options"] = dict(checkpoint.options)
    payload["recipe"] = asdict(checkpoint.recipe)
    payload["scores"] = {**asdict(checkpoint.scores), "values": dict(checkpoint.scores.values)}
    # Not asdict: it would copy every tensor.
    payload["state"] = {f.name: getattr(checkpoint.state, f.name) for f in fields(TrainState)}
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, "version": VERSION, **payload}, buffer)
    return buffer.getvalue()


def _decode(path: Path, payload: Any) -> Checkpoint:
    if not isinstance(payload, dict) or payload.get("format") != FORMAT:
        raise UserError(
            f"{path}: expected a checkpoint of `attnbench train`, got a torch file of another "
            "program; give another file"
        )
    if payload.get("version") not in (1, VERSION):
        raise UserError(
            f"{path}: expected a checkpoint of version 1 to {VERSION}, got version "
            f"{payload.get('version')}; use the attnbench that wrote it"
        )
    try:
        payload = payload if payload["version"] == VERSION else _from_1(payload)
        return Checkpoint(
            **{
                **{k: v for k, v in payload.items() if k not in ("format", "version")},
                "img_size": _pair(payload["img_size"]),
                "recipe": Recipe(**payload["recipe"]),
                "state": TrainState(**payload["state"]),
                "scores": Scores(**payload["scores"]),
            }
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: expected a complete checkpoint, got one with missing or wrong parts "
            f"({error}); train again"
        ) from error


def _from_1(payload: dict[str, Any]) -> dict[str, Any]:
    values = dict(payload)
    accuracy, recipe = values.pop("accuracy"), values["recipe"]
    values["scores"] = scores_of_accuracy(accuracy)
    values["recipe"] = {**recipe, "img_size": _pair(recipe["img_size"])}
    return values


def _pair(img_size: int | tuple[int, int]) -> tuple[int, int]:
    """(height, width); older files hold one side of a square."""
    return (img_size, img_size) if isinstance(img_size, int) else (img_size[0], img_size[1])
