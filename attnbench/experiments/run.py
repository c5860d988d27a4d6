"""Run an experiment: train, evaluate after each epoch, measure the cost, record everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace

import torch
from torch import nn

from attnbench import together
from attnbench.benchmark.runner import environment_of
from attnbench.benchmark.subject import subject_of
from attnbench.data.by_name import not_judged
from attnbench.data.images import num_batches
from attnbench.errors import UserError
from attnbench.experiments.cost import trained_cost, with_recomputing
from attnbench.experiments.experiment import Experiment
from attnbench.experiments.image_outcomes import with_outcomes
from attnbench.experiments.keeping import SAVE_EVERY_S, Keeper
from attnbench.experiments.logs import open_log
from attnbench.experiments.resume import Resume, refuse_other_labels, run_folder
from attnbench.experiments.stopping import stop_signals
from attnbench.experiments.teacher import teacher_for
from attnbench.experiments.watching import Curves
from attnbench.records import Environment, EpochRecord, ModelRecord, Progress, Record, Scores, now
from attnbench.spec.plain import as_plain
from attnbench.tasks.base import Metric
from attnbench.tasks.factory import create_task
from attnbench.together import PeerLostError
from attnbench.training.checkpoint import Checkpoint, TrainState
from attnbench.training.loop import OnStep, Step, train
from attnbench.training.rotation import Rotation
from attnbench.training.share import refuse_small_batches
from attnbench.training.weights import fill

OnRecord = Callable[[Record], None]


def run(
    experiment: Experiment,
    *,
    resume: Resume = False,
    save_every_s: float = SAVE_EVERY_S,
    command: str = "",
    logs: Sequence[str] = (),
    compiler: str = "",
    sharded: bool = False,
    on_record: OnRecord = lambda record: None,
    on_step: OnStep = lambda step: None,
    on_note: Callable[[str], None] = lambda text: None,
) -> ModelRecord:
    """Train, evaluate and measure a model.

    Several processes do it together (`attnbench.together`); the first one reports, writes the files
    and measures the cost. While it trains, SIGTERM, SIGUSR1 and Ctrl-C save its state and stop it.

    Args:
        experiment: what to do.
        resume: True goes on from the last checkpoint of this run, "auto" does so if there is one.
        save_every_s: seconds between two checkpoints; each epoch ends with one besides.
        command: what goes on with the run, for lists of runs.
        logs: where its curves go besides; keys of `logs.NEEDS`.
        compiler: see `training.loop.train`; the records name it, and the run has the same name.
        sharded: each process keeps a part of the weights; see `training.loop.train`.
        on_record: called with each epoch's record and the final one, to store them.
        on_step: called with each step.
        on_note: called with what a user should know, such as that a checkpoint was damaged.

    Returns:
        The final record: scores and cost of the trained model.

    Raises:
        UserError: a batch has fewer images than there are processes, there is nothing to resume,
            somebody else trains this run, the classes have changed since, the training diverged, or
            memory or the disk is full. What was saved before is kept.
        Stopped: a signal asked for it.
    """
    refuse_small_batches(experiment.recipe)
    with ExitStack() as stack:
        rotation, saved, note = together.on_first(lambda: _found(stack, experiment, resume))
        keeper = Keeper(experiment, rotation, every_s=save_every_s, command=command)
        if note and together.is_first():
            on_note(note)
        keeper.begin(saved)
        logs = logs if together.is_first() else ()
        with _told(keeper), _curves(experiment, keeper, saved, logs) as curves:
            return _trained(
                experiment, keeper, saved, on_record, on_step, curves, compiler, sharded
            )


def _found(
    stack: ExitStack, experiment: Experiment, resume: Resume
) -> tuple[Rotation, Checkpoint | None, str]:
    """The checkpoints of a run, which is ours until the stack is closed; the newest, and a note."""
    rotation = Rotation(stack.enter_context(run_folder(experiment, resume)))
    saved, note = rotation.load() if rotation.is_there() else (None, "")
    if saved:
        refuse_other_labels(saved, experiment)
    return rotation, saved, note


@contextmanager
def _curves(
    experiment: Experiment, keeper: Keeper, saved: Checkpoint | None, names: Sequence[str]
) -> Iterator[Curves]:
    """The logs of a run, which are closed however it ends."""
    steps = 0
    if saved:
        a_epoch = num_batches(len(experiment.data.train), experiment.recipe.batch_size)
        steps = saved.state.epochs * a_epoch + saved.state.step
    settings = {**as_plain(experiment.workload), **asdict(experiment.recipe)}
    with ExitStack() as stack:
        opened = [open_log(one, keeper.rotation.folder, settings, steps) for one in names]
        for log in opened:
            stack.callback(log.close)
        yield Curves(opened, experiment.device)


def _trained(
    experiment: Experiment,
    keeper: Keeper,
    saved: Checkpoint | None,
    on_record: OnRecord,
    on_step: OnStep,
    curves: Curves,
    compiler: str,
    sharded: bool,
) -> ModelRecord:
    name = keeper.rotation.folder.name
    environment = environment_of(subject_of(experiment.workload), experiment.device)

    metrics: list[Metric] = []  # of the last epoch

    def on_epoch(progress: Progress, scores: Scores, state: TrainState) -> None:
        for metric in metrics:
            scores = with_outcomes(scores, metric, experiment.data, experiment.outcomes, name)
        # The record first: an epoch that was told twice is shown once, but one that is in the
        # checkpoint is not run again, and its record would be lost.
        if together.is_first():
            on_record(_epoch_record(experiment, name, environment, progress, scores))
        keeper.epoch(scores, state)
        curves.epoch(progress, scores)

    def after_step(step: Step) -> None:
        curves.step(step)
        if together.is_first():
            on_step(step)

    torch.manual_seed(experiment.recipe.seed)
    model = experiment.build()
    teacher = teacher_for(experiment.recipe, experiment.data, experiment.device)
    with stop_signals() as keeper.stop_signal:
        state = train(
            model, experiment.data, create_task(experiment.task), experiment.recipe,
            device=experiment.device, state=saved.state if saved else None, teacher=teacher,
            compiler=compiler, sharded=sharded, on_step=after_step, on_pause=keeper.pause,
            on_epoch=on_epoch, on_metric=metrics.append,
        )  # fmt: skip
        keeper.pause(lambda: state)  # a signal may have come during the last evaluation
    model.zero_grad()  # gradients of the last step take memory

    def ended() -> ModelRecord:
        measured = model
        if sharded:
            measured = experiment.build().to(experiment.device)
            fill(measured, state.model)
        record = _measured(experiment, measured, keeper, compiler)
        on_record(record)
        keeper.finish(state, record)
        return record

    return together.on_first(ended)


def _measured(
    experiment: Experiment, model: nn.Module, keeper: Keeper, compiler: str
) -> ModelRecord:
    """The final record of a run."""
    cost = trained_cost(model, experiment.workload, experiment.device)
    if experiment.recipe.recompute:
        cost = with_recomputing(cost, experiment.build)
    return replace(
        cost, recipe=experiment.recipe, run=keeper.rotation.folder.name, scores=keeper.scores,
        notes=(*cost.notes, *not_judged(experiment.data), *_compiled(compiler)),
    )  # fmt: skip


def _compiled(compiler: str) -> list[str]:
    if not compiler:
        return []
    return [f"trained and scored through torch.compile ({compiler}); measured without it"]


@contextmanager
def _told(keeper: Keeper) -> Iterator[None]:
    """Say in a line why a training ended early, and what is kept of it."""
    try:
        yield
    except BaseException as error:
        reason = _reason(error)
        kept = keeper.fail(error, str(error) if reason is None else reason)
        if reason is None:
            raise
        kind = PeerLostError if together.is_loss(error) else UserError
        raise kind(f"{reason}; {kept}" if kept else reason) from error


def _reason(error: BaseException) -> str | None:
    """What a user can do something about; None for stops, and for defects."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return "memory ran out in training: lower --batch-size or --img-size"
    if isinstance(error, RuntimeError) and "DataLoader worker" in str(error):
        return "a process that reads images was lost, most likely for memory: go on with --resume"
    return together.LOST if together.is_loss(error) else None


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
