"""Find the run that `--resume` means, or say which run there is instead and what differs."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from itertools import chain, count, islice
from pathlib import Path
from typing import Any, Literal

from attnbench.benchmark.claims import Claims
from attnbench.data.layouts.found import Reading
from attnbench.data.names import some
from attnbench.errors import UserError
from attnbench.experiments.experiment import Experiment, printable, workload_of
from attnbench.experiments.status import CLAIMS
from attnbench.spec import ModelWorkload, Recipe
from attnbench.training import checkpoint as checkpoints
from attnbench.training.checkpoint import Checkpoint
from attnbench.training.rotation import LAST, PREVIOUS, Rotation, place_of

Resume = bool | Literal["auto"]
"""False starts anew, True goes on and refuses where there is nothing, "auto" does what it can."""

MOST_RUNS = 12
"""Runs of the model that are looked at, newest first: each is read whole."""

MOST_REPEATS = 10_000
"""Folders of one run."""

DERIVED = ("warmup_epochs", "crop_padding", "scales")
"""Settings that follow from others; they are named only if nothing else differs."""

ABSENT = "none"


class BusyError(UserError):
    """Another process trains this run."""


@contextmanager
def run_folder(experiment: Experiment, resume: Resume) -> Iterator[Path]:
    """The folder of the run to resume, or one that no earlier run has used; ours in this block.

    Raises:
        UserError: there is nothing to resume (the nearest run and what differs are named), or
            `BusyError`: another process trains the run.
    """
    folders = _candidates(experiment, resume)
    with Claims(experiment.folder / CLAIMS) as claims:
        for folder in folders:
            with claims.held([folder.name]) as ours:
                if ours:
                    yield folder
                    return
    raise BusyError(
        f"{experiment.name} is being trained by another process; wait for it, or choose another "
        "--out"
    )


def _candidates(experiment: Experiment, resume: Resume) -> Iterator[Path]:
    """Where the run may be done, the best place first."""
    folder = experiment.folder / experiment.name
    before = folder_of_earlier(experiment) if resume else None
    if before:
        yield before
    elif resume is True:
        yield _renamed_or_refused(experiment)
    elif resume == "auto":
        yield _renamed(experiment) or folder
    else:
        names = (folder.with_name(f"{folder.name}-{number}") for number in count(2))
        yield from (
            one for one in islice(chain([folder], names), MOST_REPEATS) if not _is_used(one)
        )


def folder_of_earlier(experiment: Experiment) -> Path | None:
    """The newest folder of this very run; None without one."""
    files = [
        file
        for name in (LAST, PREVIOUS)
        for file in experiment.folder.glob(f"{glob.escape(experiment.name)}*/{name}")
    ]
    return max(files, key=lambda file: file.stat().st_mtime).parent if files else None


def _renamed(experiment: Experiment) -> Path | None:
    """The same run under the hash of an earlier version of attnbench."""
    before_hash = experiment.name.rpartition("-")[0]
    for file, saved in _runs(experiment.folder, experiment.model, before_hash):
        if not settings_that_differ(saved, experiment):
            return file.parent
    return None


def _is_used(folder: Path) -> bool:
    return Rotation(folder).is_there()


def _renamed_or_refused(experiment: Experiment) -> Path:
    """The run that an earlier version named by another hash."""
    nearest = _nearest(experiment)
    if nearest is None:
        raise UserError(
            f"--resume: no checkpoint of this run under {experiment.folder / experiment.name}; run "
            "the same command without --resume to start it"
        )
    file, saved = nearest
    differences = settings_that_differ(saved, experiment)
    if differences:
        raise UserError(_refusal(file.parent.name, saved, differences))
    return file.parent


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


def _runs(folder: Path, model: str, name: str = "") -> Iterator[tuple[Path, Checkpoint]]:
    """The runs of a model that can be read, the newest first; only those that `name` begins."""
    pattern = f"{glob.escape(name or printable(model))}-*/{LAST}"
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
        f"--resume: no checkpoint of this run, but one of {run}, which is at {place_of(saved)} "
        f"and differs: {named}{because}; give its settings to go on with it, or leave out "
        "--resume to start anew"
    )
