"""Train a model by name on a set by name, judge it, measure its cost, and record both.

Joins models, data, training and profiling, as `runner` joins attentions and profiling. The final
record of a run holds accuracy and cost together, so that a report can draw one against the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from attnbench.benchmark.instance import call_on_cpu
from attnbench.benchmark.runner import environment_of, now, profile
from attnbench.benchmark.subject import subject_of
from attnbench.data.images import ImageData
from attnbench.errors import UserError
from attnbench.isolation.failure import WorkLostError
from attnbench.profiling.memory.resident import measure_resident
from attnbench.records import Environment, EpochRecord, ModelRecord, Progress, Record, Scores
from attnbench.registry import MODELS, loaded_plugins
from attnbench.spec import ModelWorkload, Protocol, Recipe
from attnbench.training import checkpoint as checkpoints
from attnbench.training.checkpoint import Checkpoint, TrainState
from attnbench.training.evaluate import evaluate
from attnbench.training.loop import train

SMALL_IMAGE = 64
"""Sides below this lose too much detail in the trunks' usual first stride."""

COST_PROTOCOL = Protocol(time_budget_s=5.0)
"""How the latency of a trained model is measured, at batch 1."""

OnRecord = Callable[[Record], None]
OnStep = Callable[[int, int, float], None]


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One training run: which model, on which images, by which recipe."""

    model: str
    data: ImageData
    source: str
    """The set as the user named it: a registered name or a folder."""
    recipe: Recipe
    device: torch.device
    folder: Path
    """Where the folders with checkpoints stand, one per run."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword options of the model."""

    def __post_init__(self) -> None:
        """Build the model on the meta device: what does not fit is refused before any work."""
        with torch.device("meta"):
            subject_of(self.workload).build()

    @property
    def workload(self) -> ModelWorkload:
        """The model as a workload at batch 1."""
        return model_workload(self.model, self.options, self.data.num_classes, self.data.img_size)

    @property
    def name(self) -> str:
        """Name of the run: readable, and different where anything of it differs."""
        settings = json.dumps([asdict(self.workload), asdict(self.recipe)], sort_keys=True)
        attention = self.options.get("attention", "")
        parts = [self.model, attention, self.recipe.data, f"seed{self.recipe.seed}"]
        digest = hashlib.sha256(settings.encode()).hexdigest()[:6]
        return "-".join([part for part in parts if part] + [digest])


def model_workload(
    model: str, options: Mapping[str, Any], num_classes: int, img_size: int
) -> ModelWorkload:
    """A model as a workload at batch 1; says which attention is inside a trunk of ours."""
    entry = MODELS.find(model)
    default = "dense" if entry.family in ("plain", "pyramid") else ""
    attention = entry.options.get("attention") or options.get("attention") or default
    return ModelWorkload(
        model=model,
        attention=attention,
        img_size=(img_size, img_size),
        num_classes=num_classes,
        options=dict(options),
    )


def model_options(
    model: str, data: ImageData, attention: str | None = None, anchors: int | None = None
) -> dict[str, Any]:
    """Options of a model for a set: those asked for, and a finer first stride for small images.

    A pyramid takes stem stride 2 for photographs under 64 px; digits, whose 8 × 8 pixels were
    enlarged, keep stride 4. A plain trunk takes patches of an eighth of the side.
    """
    options: dict[str, Any] = {}
    if attention is not None:
        options["attention"] = attention
    if anchors is not None:
        options["attention_options"] = {"num_anchors": anchors}
    family = MODELS.find(model).family
    if data.img_size < SMALL_IMAGE and family == "pyramid" and data.photographs:
        options["stem_stride"] = 2
    if data.img_size < SMALL_IMAGE and family == "plain":
        options["patch_size"] = max(2, data.img_size // 8)
    return options


def run(
    experiment: Experiment,
    *,
    resume: bool = False,
    on_record: OnRecord = lambda record: None,
    on_step: OnStep = lambda done, total, loss: None,
) -> ModelRecord:
    """Train, judge and measure; returns the final record.

    Args:
        experiment: what to do.
        resume: go on from the last checkpoint of this very run.
        on_record: told each epoch and the final record, for storing.
        on_step: told (steps done, steps in all, loss).

    Raises:
        UserError: nothing to resume, or the training diverged.
    """
    folder = _run_folder(experiment, resume)
    torch.manual_seed(experiment.recipe.seed)
    model = subject_of(experiment.workload).build()
    saved = checkpoints.load(folder / "last.pt") if resume else None
    scores = [saved.scores] if saved else []
    environment = environment_of(subject_of(experiment.workload), experiment.device)

    def on_epoch(progress: Progress, measured: Scores, state: TrainState) -> None:
        checkpoints.save(folder / "last.pt", _checkpoint(experiment, state, measured))
        scores.append(measured)
        on_record(_epoch_record(experiment, folder.name, environment, progress, measured))

    train(
        model, experiment.data, experiment.recipe, device=experiment.device,
        state=saved.state if saved else None, on_step=on_step, on_epoch=on_epoch,
    )  # fmt: skip
    record = _judged(
        experiment.workload, experiment.recipe, folder.name, scores[-1], experiment.device
    )
    on_record(record)
    return record


def _run_folder(experiment: Experiment, resume: bool) -> Path:
    """The folder of the run to resume, or one that no earlier run has used."""
    folder = experiment.folder / experiment.name
    repeats = sorted(experiment.folder.glob(f"{experiment.name}*/last.pt"))
    if resume and not repeats:
        raise UserError(
            f"--resume: no checkpoint of this run under {folder}; the same command without "
            "--resume starts it"
        )
    if resume:
        return max(repeats, key=lambda file: file.stat().st_mtime).parent
    return folder if not repeats else folder.with_name(f"{folder.name}-{len(repeats) + 1}")


def _checkpoint(experiment: Experiment, state: TrainState, scores: Scores) -> Checkpoint:
    return Checkpoint(
        model=experiment.model,
        attention=experiment.workload.attention,
        options=experiment.options,
        num_classes=experiment.data.num_classes,
        img_size=experiment.data.img_size,
        class_names=experiment.data.class_names,
        data=experiment.source,
        recipe=experiment.recipe,
        state=state,
        scores=scores,
    )


def _epoch_record(
    experiment: Experiment,
    run_name: str,
    environment: Environment,
    progress: Progress,
    scores: Scores,
) -> EpochRecord:
    return EpochRecord(
        workload=experiment.workload,
        environment=environment,
        created=now(),
        recipe=experiment.recipe,
        run=run_name,
        progress=progress,
        scores=scores,
    )


def _judged(
    workload: ModelWorkload,
    recipe: Recipe,
    run_name: str,
    scores: Scores,
    device: torch.device,
) -> ModelRecord:
    """The cost of the model, freshly measured, with the accuracy of its weights."""
    (cost,) = profile([workload], COST_PROTOCOL, device)
    assert isinstance(cost, ModelRecord)
    if device.type == "cpu":
        cost = with_resident_memory(cost)
    return replace(cost, recipe=recipe, run=run_name, scores=scores)


def with_resident_memory(record: ModelRecord) -> ModelRecord:
    """Add the high-water mark of a fresh process, or a note that says why there is none."""
    if record.memory is None:
        return record
    try:
        found = measure_resident(
            partial(call_on_cpu, record.workload),
            plugins=loaded_plugins(),
            threads=torch.get_num_threads(),
        )
    except WorkLostError as lost:
        return replace(record, notes=(*record.notes, f"no resident memory: {lost.reason}"))
    notes = (f"no resident memory: {found.reason}",) if found.reason else ()
    memory = replace(
        record.memory, resident_net_bytes=found.net_bytes, resident_total_bytes=found.total_bytes
    )
    return replace(record, memory=memory, notes=(*record.notes, *notes))


def judge(
    checkpoint: Checkpoint,
    data: ImageData,
    *,
    run_name: str,
    batch_size: int,
    device: torch.device,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> ModelRecord:
    """Evaluate a trained model: accuracy on the held-out images, and cost.

    Raises:
        UserError: the weights do not fit the model, or the set has other classes.
    """
    if data.class_names != checkpoint.class_names:
        raise UserError(
            f"the checkpoint was trained on the {checkpoint.num_classes} classes of "
            f"{checkpoint.data}; {data.name} has {data.num_classes} that differ: choose the set "
            "with --data"
        )
    workload = model_workload(
        checkpoint.model, checkpoint.options, checkpoint.num_classes, checkpoint.img_size
    )
    model = subject_of(workload).build()
    checkpoints.load_weights(model, checkpoint)
    scores = evaluate(
        model.to(device), data.val, batch_size=batch_size, device=device, on_step=on_step
    )
    return _judged(workload, checkpoint.recipe, run_name, scores, device)
