"""Checkpoints: all that a stopped run needs to go on, and a trained model to be evaluated.

Only plain containers and tensors are written, so that reading a file runs no code from it
(`weights_only`). Format history:
    1  first version.
    2  `accuracy` became `scores`; image sizes are (height, width); the task is named.
    3  the file is sealed (`training.seal`).
    4  a state may be that of any step; before the first evaluation there are no scores.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from attnbench.bounds import shortened
from attnbench.data.layouts.found import Reading
from attnbench.errors import UserError
from attnbench.files.reading import MissingError, read_bytes, shown
from attnbench.files.writing import replace_bytes
from attnbench.records import Scores
from attnbench.records.convert import as_type
from attnbench.records.numbers import Classes, Count, Pixels, Score, Seconds, Text
from attnbench.records.scores import scores_of_accuracy
from attnbench.spec import Recipe
from attnbench.training.seal import is_sealed, is_whole, sealed

FORMAT = "attnbench checkpoint"
VERSION = 4
SEALED_FROM = 3
"""Files from this version on have a seal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainState:
    """State of a run after whole epochs, or between two steps.

    During training the tensors are the live ones: save or copy them before training goes on.
    """

    epochs: Count
    """Epochs done, with their evaluation."""
    model: dict[str, Tensor]
    optimizer: dict[str, Any]
    train_s: Seconds
    """Seconds of all steps so far, without evaluation."""
    step: Count = 0
    """Steps done in the epoch after these."""
    images: Count = 0
    """Images of an epoch; older files do not say it."""
    loss_sum: Score = 0.0
    """The loss of these steps, summed over their images."""
    generators: dict[str, Tensor] = field(default_factory=dict)
    """States of the random numbers after these steps; empty after a whole epoch, which seeds them
    anew. See `training.generators`."""
    average: dict[str, Tensor] = field(default_factory=dict)
    """The moving average of the weights, which is what is scored; empty where there is none."""

    scaler: dict[str, Any] = field(default_factory=dict)
    """What float16 scales the loss by, and when that grows; empty in any other precision."""

    @property
    def scored(self) -> dict[str, Tensor]:
        """The weights that the scores are of."""
        return self.average or self.model


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A model by name and options, its weights, and the run that made them."""

    model: Text
    attention: Text
    """The mechanism inside, or "" where the model has none of ours."""
    options: Mapping[str, Any]
    """Keyword options that the model was built with: plain values only."""
    num_classes: Classes
    img_size: tuple[Pixels, Pixels]
    """(height, width) in pixels."""
    class_names: tuple[Text, ...]
    data: Text
    """The data set as `open_data` takes it: a registered name or a folder."""
    recipe: Recipe
    state: TrainState
    scores: Scores | None
    """On the held-out images, after the last whole epoch; None before the first one."""
    task: Text = "classification"
    """Older files do not name their task: there was one."""
    plugins: tuple[str, ...] = ()
    """Plug-ins of the run, as given to `--plugin`; older files do not name them."""
    reading: Reading = field(default_factory=Reading)
    """How the files of the data set were read; older files do not say it."""


def save(path: Path, checkpoint: Checkpoint, *, keep: Path | None = None) -> None:
    """Write a checkpoint completely or not at all: a failure leaves an older one at `path`.

    Args:
        path: of the file.
        checkpoint: what to write.
        keep: a name for the older one in the same folder; see `files.writing.replace_bytes`.

    Raises:
        UserError: the file cannot be written.
    """
    try:
        replace_bytes(path, _encode(checkpoint), keep=keep)
    except OSError as error:
        raise UserError(
            f"cannot write the checkpoint {shown(path)}: {error.strerror or error}; "
            "free some space or choose another folder"
        ) from error


def load(path: Path) -> Checkpoint:
    """Read a checkpoint onto the CPU.

    Raises:
        UserError: the file is missing, is not a complete checkpoint of attnbench, was changed after
            it was written, or is newer than this version can read.
    """
    try:
        content = read_bytes(path)
    except MissingError as error:
        raise UserError(
            f"{shown(path)}: expected a checkpoint of `attnbench train`, got no such file"
        ) from error
    try:
        payload = _unpacked(content)
        _check_head(payload, content)
        return _checkpoint_of(payload)
    except _NoCheckpointError as error:
        raise UserError(
            f"{shown(path)}: expected a checkpoint of `attnbench train`, got {error}"
        ) from error


class _NoCheckpointError(ValueError):
    """Says what a file is instead of a checkpoint, and what to do."""


def _unpacked(content: bytes) -> Any:
    """What torch reads of the bytes; they are checked first."""
    if not is_whole(content):
        if is_sealed(content):
            raise _NoCheckpointError(
                "a damaged one (its checksum is wrong): take a copy of it, or train again"
            )
        raise _unreadable(content)
    try:
        return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # a foreign file makes the reader raise anything
        raise _unreadable(content) from error


def _unreadable(content: bytes) -> _NoCheckpointError:
    return _NoCheckpointError(
        f"{len(content)} bytes that torch cannot read (cut short, damaged, or of another program); "
        "give another file or train again"
    )


def _check_head(payload: Any, content: bytes) -> None:
    """Refuse what is no checkpoint, one of a newer version, and one that lost its seal."""
    if not isinstance(payload, dict) or payload.get("format") != FORMAT:
        raise _NoCheckpointError("a torch file of another program; give another file")
    version = payload.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise _NoCheckpointError(
            f"version {shortened(version)}, and this attnbench reads 1 to {VERSION}; use the one "
            "that wrote it"
        )
    if version >= SEALED_FROM and not is_sealed(content):
        raise _NoCheckpointError(
            "a damaged one (its checksum is missing): take a copy of it, or train again"
        )


def _encode(checkpoint: Checkpoint) -> bytes:
    """The bytes of the file. Made in memory, so that only the file system can fail in writing."""
    payload = {field.name: getattr(checkpoint, field.name) for field in fields(checkpoint)}
    payload["options"] = dict(checkpoint.options)
    payload["recipe"] = asdict(checkpoint.recipe)
    payload["reading"] = asdict(checkpoint.reading)
    if checkpoint.scores:
        payload["scores"] = {**asdict(checkpoint.scores), "values": dict(checkpoint.scores.values)}
    # Not asdict: it would copy every tensor.
    payload["state"] = {f.name: getattr(checkpoint.state, f.name) for f in fields(TrainState)}
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, "version": VERSION, **payload}, buffer)
    return sealed(buffer.getvalue())


def _checkpoint_of(payload: dict[str, Any]) -> Checkpoint:
    try:
        values = _from_1(payload) if payload["version"] == 1 else payload
        # All its members may be missing, and a tensor would pass for an object without members.
        if not isinstance(values.get("reading", {}), dict):
            raise ValueError("settings of reading that are no object")
        found = as_type(values, Checkpoint)
        if not _is_plain(found.options):
            raise ValueError("options that are no plain values")
        if len(found.class_names) != found.num_classes:
            raise ValueError(f"{len(found.class_names)} names of {found.num_classes} classes")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _NoCheckpointError(
            f"one with missing or wrong parts ({error}); train again"
        ) from error
    return found


def _is_plain(value: Any) -> bool:
    """Whether a value is JSON's: texts, finite numbers, and containers of them."""
    if isinstance(value, (list, tuple)):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(name, str) for name in value) and _is_plain([*value.values()])
    return value is None or isinstance(value, (str, int)) or _is_finite(value)


def _is_finite(value: Any) -> bool:
    return isinstance(value, float) and isfinite(value)


def _from_1(payload: dict[str, Any]) -> dict[str, Any]:
    """One side of a square became (height, width), `accuracy` became `scores`."""
    values, recipe = dict(payload), dict(payload["recipe"])
    values["scores"] = scores_of_accuracy(values.pop("accuracy"))
    values["img_size"] = _pair(values["img_size"])
    values["recipe"] = {**recipe, "img_size": _pair(recipe["img_size"])}
    return values


def _pair(img_size: Any) -> Any:
    return (img_size, img_size) if isinstance(img_size, int) else img_size
