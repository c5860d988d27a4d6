"""Run an experiment: train, evaluate after each epoch, measure the cost, record everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch

from attnbench.benchmark.runner import environment_of
from attnbench.benchmark.subject import subject_of
from attnbench.data.by_name import not_judged
from attnbench.experiments.cost import trained_cost
from attnbench.experiments.experiment import Experiment
from attnbench.experiments.image_outcomes import with_outcomes
from attnbench.experiments.resume import refuse_other_labels, run_folder
from attnbench.records import Environment, EpochRecord, ModelRecord, Progress, Record, Scores, now
from attnbench.registry import loaded_plugins
from attnbench.tasks.base import Metric
from attnbench.tasks.factory import create_task
from attnbench.training import checkpoint as checkpoints
from attnbench.training.checkpoint import Checkpoint, TrainState
from attnbench.training.loop import train

OnRecord = Callable[[Record], None]
OnStep = Callable[[int, int, float], None]


def run(
    experiment: Experiment,
    *,
    resume: bool = False,
    on_record: OnRecord = lambda record: None,
    on_step: OnStep = lambda done, total, loss: None,
) -> ModelRecord:
    """Train, evaluate and measure a model.

    Args:
        experiment: what to do.
        resume: continue from the last checkpoint of this run.
        on_record: called with each epoch's record and the final one, to store them.
        on_step: called with (steps done, steps in all, loss).

    Returns:
        The final record: scores and cost of the trained model.

    Raises:
        UserError: there is nothing to resume, the classes have changed since, or the training
            diverged.
    """
    folder = run_folder(experiment, resume)
    saved = checkpoints.load(folder / "last.pt") if resume else None
    if saved:
        refuse_other_labels(saved, experiment)
    torch.manual_seed(experiment.recipe.seed)
    model = experiment.build()
    scores = [saved.scores] if saved else []
    environment = environment_of(subject_of(experiment.workload), experiment.device)

    metrics: list[Metric] = []  # of the last epoch

    def on_epoch(progress: Progress, measured: Scores, state: TrainState) -> None:
        for metric in metrics:
            measured = with_outcomes(
                measured, metric, experiment.data, experiment.outcomes, folder.name
            )
        # The record first: an epoch that was told twice is shown once, but one that is in the
        # checkpoint is not run again, and its record would be lost.
        on_record(_epoch_record(experiment, folder.name, environment, progress, measured))
        checkpoints.save(folder / "last.pt", _checkpoint(experiment, state, measured))
        scores.append(measured)

    train(
        model, experiment.data, create_task(experiment.task), experiment.recipe,
        device=experiment.device, state=saved.state if saved else None, on_step=on_step,
        on_epoch=on_epoch, on_metric=metrics.append,
    )  # fmt: skip
    model.zero_grad()  # gradients of the last step take memory
    cost = trained_cost(model, experiment.workload, experiment.device)
    record = replace(
        cost, recipe=experiment.recipe, run=folder.name, scores=scores[-1],
        notes=(*cost.notes, *not_judged(experiment.data)),
    )  # fmt: skip
    on_record(record)
    return record


def _checkpoint(experiment: Experiment, state: TrainState, scores: Scores) -> Checkpoint:
    workload = experiment.workload
    return Checkpoint(
        model=experiment.model,
        attention=workload.attention,
        options=experiment.options,
        num_classes=workload.num_classes,
        img_size=workload.img_size,
        class_names=experiment.data.class_names,
        data=experiment.source or experiment.data.name,
        recipe=experiment.recipe,
        state=state,
        scores=scores,
        task=experiment.task,
        plugins=loaded_plugins(),
        reading=experiment.reading,
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
