"""Find the run that `--resume` means, or say which run there is instead and what differs."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

from attnbench.data.layouts.found import Reading
from attnbench.data.names import some
from attnbench.errors import UserError
from attnbench.experiments.experiment import Experiment, printable, workload_of
from attnbench.spec import ModelWorkload, Recipe
from attnbench.training import checkpoint as checkpoints
from attnbench.training.checkpoint import Checkpoint

MOST_RUNS = 12
"""Runs of the model that are looked at, newest first: each is read whole."""

DERIVED = ("warmup_epochs", "crop_padding", "scales")
"""Settings that follow from others; they are named only if nothing else differs."""

ABSENT = "none"


def run_folder(experiment: Experiment, resume: bool) -> Path:
    """The folder of the run to resume, or one that no earlier run has used.

    Raises:
        UserError: there is nothing to resume; the nearest run and what differs are named.
    """
    folder = experiment.folder / experiment.name
    repeats = sorted(experiment.folder.glob(f"{glob.escape(experiment.name)}*/last.pt"))
    if not resume:
        return folder if not repeats else folder.with_name(f"{folder.name}-{len(repeats) + 1}")
    if repeats:
        return max(repeats, key=lambda file: file.stat().st_mtime).parent
    nearest = _nearest(experiment)
    if nearest is None:
        raise UserError(
            f"--resume: no checkpoint of this run under {folder}; run the same command without "
            "--resume to start it"
        )
    file, saved = nearest
    differences = settings_that_differ(saved, experiment)
    if differences:
        raise UserError(_refusal(file.parent.name, saved, differences))
    return file.parent  # an earlier version named it by another hash


def reading_of(folder: Path, model: str, source: str) -> Reading:
    """How the newest run of a model on a data set read its files; `Reading()` without such a run.

    Args:
        folder: of all checkpoints.
        model: its name.
        source: the data set as `open_data` takes it.
    """
    for _, saved in _runs(folder, model):
        if saved.data == source:
            return saved.reading
    return Reading()


def refuse_other_labels(saved: Checkpoint, experiment: Experiment) -> None:
    """Refuse to go on with a run whose outputs would mean something else than before.

    Raises:
        UserError: its classes are others or stand in another order, or masks are read otherwise.
    """
    before, asked = saved.reading, experiment.reading
    if (before.mask_values, before.mask_ignore) != (asked.mask_values, asked.mask_ignore):
        raise UserError(
            "--resume: the run read its masks with other values (--mask-values, --mask-ignore); "
            "leave these flags out, or leave out --resume to start anew"
        )
    data = experiment.data
    if saved.class_names == data.class_names:
        return
    gone = [name for name in saved.class_names if name not in data.class_names]
    new = [name for name in data.class_names if name not in saved.class_names]
    raise UserError(
        f"--resume: the run was trained on other classes (only then: {some(gone)}; only in "
        f"{data.name} now: {some(new)}); restore the data set, or leave out --resume to start anew"
    )


def settings_that_differ(saved: Checkpoint, experiment: Experiment) -> dict[str, tuple[Any, Any]]:
    """What a run was trained with and what is asked for, by flag, where the two differ."""
    before = _settings(workload_of(saved), saved.recipe)
    asked = _settings(experiment.workload, experiment.recipe)
    differences = {
        name: (before.get(name, ABSENT), asked.get(name, ABSENT))
        for name in {**before, **asked}
        if before.get(name, ABSENT) != asked.get(name, ABSENT)
    }
    chosen = {name: values for name, values in differences.items() if name not in DERIVED}
    return chosen or differences


def _nearest(experiment: Experiment) -> tuple[Path, Checkpoint] | None:
    """The run of this model whose settings differ least; the newest of several."""
    found = [
        (len(settings_that_differ(saved, experiment)), file, saved)
        for file, saved in _runs(experiment.folder, experiment.model)
    ]
    if not found:
        return None
    _, file, saved = min(found, key=lambda one: one[0])
    return file, saved


def _runs(folder: Path, model: str) -> Iterator[tuple[Path, Checkpoint]]:
    """The runs of a model that can be read, the newest first."""
    pattern = f"{glob.escape(printable(model))}-*/last.pt"
    files = sorted(folder.glob(pattern), key=lambda file: -file.stat().st_mtime)
    for file in islice(files, MOST_RUNS):
        with suppress(UserError):  # one that cannot be read is no run to offer
            saved = checkpoints.load(file)
            if saved.model == model:
                yield file, saved


def _settings(workload: ModelWorkload, recipe: Recipe) -> dict[str, Any]:
    """Every setting of a run by the name that a user knows it by."""
    options = {**workload.options}
    inside: Mapping[str, Any] = options.pop("attention_options", None) or {}
    options.pop("attention", None)  # the workload names it, too
    values = {
        "--attention": workload.attention or ABSENT,
        "--task": workload.task,
        "number of classes": workload.num_classes,
        "--img-size": workload.img_size[0],
        **{f"--option {name}": value for name, value in {**options, **inside}.items()},
    }
    for name, value in asdict(recipe).items():
        if name != "img_size":
            values[name if name in DERIVED else f"--{name.replace('_', '-')}"] = value
    return values


def _refusal(run: str, saved: Checkpoint, differences: Mapping[str, tuple[Any, Any]]) -> str:
    named = "; ".join(f"{name} {was}, asked for {ask}" for name, (was, ask) in differences.items())
    because = " (epochs set the schedule of the learning rate)" if "--epochs" in differences else ""
    return (
        f"--resume: no checkpoint of this run, but one of {run}, which is at epoch "
        f"{saved.state.epochs} of {saved.recipe.epochs} and differs: {named}{because}; give its "
        "settings to go on with it, or leave out --resume to start anew"
    )
