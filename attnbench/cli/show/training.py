"""Say how a training is going: its start, each step, each epoch, and what became of a queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attnbench.cli.show.progress import State as ProgressState
from attnbench.cli.show.progress import steps
from attnbench.cli.show.screen import Screen
from attnbench.cli.show.values import macs_text, metric_text
from attnbench.records import EpochRecord, ModelRecord, Record, Scores
from attnbench.units import METRICS

if TYPE_CHECKING:
    from attnbench.experiments.experiment import Experiment
    from attnbench.experiments.queue import Outcome
    from attnbench.experiments.watching import Pace
    from attnbench.training.loop import Step

MINUTE_S, HOUR_S = 60, 3600
VERBS = {"failed": "failed", "lost": "was lost", "stopped": "ended early"}
"""How a run did not end well."""


def print_start(experiment: Experiment, screen: Screen) -> None:
    """Name the run, how many images it sees and how."""
    from attnbench.data.feeding import how_fed
    from attnbench.data.images import num_batches

    images, recipe = experiment.data, experiment.recipe
    height, width = recipe.img_size
    screen.say(
        f"{experiment.name}: {len(images.train):,} images to train on, "
        f"{len(images.val):,} held out, {images.num_classes} classes, {height} × {width} px, "
        f"{recipe.epochs} epochs"
    )
    if len(images.train) > recipe.batch_size * num_batches(len(images.train), recipe.batch_size):
        screen.say(
            f"{len(images.train):,} images in batches of {recipe.batch_size}: the one that is left "
            "over joins the last batch"
        )
    screen.say(how_fed(images.train, recipe))


@contextmanager
def training_progress(screen: Screen) -> Iterator[Callable[[Step, Pace], None]]:
    """The state of a training: call the result after each step."""
    with steps(screen, "starting") as shown:

        def on_step(step: Step, pace: Pace) -> None:
            text = _step_text(step, pace, with_left=not screen.moves)
            shown.update(text, step.done, step.total)

        yield on_step


def run_state(state: Mapping[str, Any], screen: Screen) -> ProgressState:
    """What a run has told of itself from another process, see `experiments.training_job`."""
    if "step" not in state:
        return "starting", 0, 0
    from attnbench.experiments.watching import Pace
    from attnbench.training.loop import Step

    step = Step(**state["step"])
    text = _step_text(step, Pace(**state["pace"]), with_left=not screen.moves)
    return text, step.done, step.total


def _step_text(step: Step, pace: Pace, *, with_left: bool) -> str:
    """What is going on after a step; a bar shows itself what is left."""
    if step.done == step.total:
        return "evaluating, then measuring the cost"
    epoch = f"epoch {step.epoch} of {step.epochs}"
    if step.ends_epoch:
        return f"{epoch}, evaluating"
    parts = [epoch, f"loss {step.loss:.3f}", f"rate {step.lr:.1e}"]
    if pace.images_per_s is not None:
        parts.append(f"{pace.images_per_s:,.0f} images/s")
    parts.append(metric_text("memory_bytes", pace.memory_bytes))
    if with_left and pace.left_s is not None:
        parts.append(f"{_left_text(pace.left_s)} left")
    return ", ".join(parts)


def _left_text(seconds: float) -> str:
    if seconds < 2 * MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < 2 * HOUR_S:
        return f"{seconds / MINUTE_S:.0f} min"
    return f"{seconds / HOUR_S:,.1f} h"


def print_epoch(record: Record, screen: Screen) -> None:
    """A line for each epoch; other records are passed over."""
    if not isinstance(record, EpochRecord):
        return
    screen.say(
        f"epoch {record.progress.epoch:3d}  loss {record.progress.train_loss:.3f}  "
        f"{_scores_text(record.scores)}  {record.progress.train_s:,.0f} s of training"
        f"{_skipped_text(record.progress.skipped_steps)}"
    )


def _skipped_text(steps: int) -> str:
    return f"  {steps:,} steps skipped, whose gradients overflowed in float16" if steps else ""


def print_done(record: ModelRecord, screen: Screen) -> None:
    """A line for a run of a queue that has ended."""
    scores = f"{_scores_text(record.scores)}  " if record.scores else ""
    screen.say(
        f"{record.run} is done: {scores}{metric_text('params', record.params)} parameters  "
        f"{macs_text(record)} GMACs"
    )


def print_outcome(outcome: Outcome, screen: Screen) -> None:
    """A line for a run that did not end well, with the reason."""
    verb = VERBS.get(outcome.end)
    if verb:
        screen.say_whole(f"{outcome.planned.label} {verb}: {outcome.reason}")


def print_outcomes(outcomes: Sequence[Outcome], planned: int) -> None:
    """What became of the runs of a queue that it came to."""
    ends = Counter[str](outcome.end for outcome in outcomes)
    ends["not begun, or stopped"] = planned - len(outcomes)
    counts = ", ".join(f"{count} {end}" for end, count in ends.items() if count)
    print(f"{planned} runs: {counts}")


def _scores_text(scores: Scores) -> str:
    shown = {name: value for name, value in scores.values.items() if name != "loss"}
    return "  ".join(
        f"{METRICS[name].label} {metric_text(name, value)}" for name, value in shown.items()
    )
