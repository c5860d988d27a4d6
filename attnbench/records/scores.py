"""What a model scores, and how far its training has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from attnbench.bounds import fault
from attnbench.records.numbers import Count, Duration, Score, Seconds, Some, Text
from attnbench.records.outcome_file import OutcomeFile
from attnbench.units import METRICS


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The evaluation of a model on held-out samples, by the name of each metric."""

    task: Text
    """The task that the metrics belong to, such as "classification"."""
    values: Mapping[str, Score | None]
    """In base units; the names are keys of `units.METRICS`, such as "top1". None is a score that
    the samples do not define, such as that of small objects where there are none."""
    count: Some
    """Samples that were evaluated."""
    forward_s: Duration
    """Seconds spent in the forward passes alone."""
    predict_s: Seconds = 0.0
    """Seconds spent after the forward passes, such as in removing duplicate boxes."""
    intervals: Mapping[str, tuple[Score, Score]] = field(default_factory=dict)
    """95 % intervals of some scores, by bootstrap over the samples."""
    by_class: Mapping[str, Mapping[str, Score | None]] = field(default_factory=dict)
    """Scores of each class by its name, such as {"ap": {"cat": 0.4}}."""
    scored_on: Text = ""
    """The samples, such as "photos test"; empty for the held-out ones of the training data."""
    notes: tuple[str, ...] = ()
    """What a reader of the values must know, such as why a score is None."""
    outcomes: OutcomeFile | None = None
    """The outcome of each sample, which allows paired comparisons; None where it was not kept."""
    processes: Some = 1
    """Those that shared the samples; the seconds are the sum of theirs."""

    def __post_init__(self) -> None:
        if not self.values or self.count < 1:
            raise ValueError("scores need at least one value and one sample")
        for name, value in self.values.items():
            if value is None:
                continue
            known = METRICS.get(name)
            wrong = fault(known.quantity if known else "score", value)
            if wrong:
                raise ValueError(f"score {name}: {wrong}")

    @property
    def throughput_per_s(self) -> float:
        """Samples a second through the model, at the batch size of the evaluation."""
        return self.count / self.forward_s


def scores_of_accuracy(accuracy: Mapping[str, Any]) -> dict[str, Any]:
    """Plain scores from the `accuracy` of older files: top1, top5, loss, images, forward_s."""
    return {
        "task": "classification",
        "values": {name: accuracy[name] for name in ("top1", "top5", "loss")},
        "count": accuracy["images"],
        "forward_s": accuracy["forward_s"],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The progress of a training run after an epoch."""

    epoch: Some
    """Counted from 1."""
    train_loss: Score
    train_s: Seconds
    """Seconds of all epochs so far, evaluation not counted."""
    images: Count
    """Training images per epoch."""
    processes: Some = 1
    """Those that shared each batch in this epoch, or in the rest of it that was done last."""
    compiler: Text = ""
    """The backend of torch.compile that the steps, and the evaluation, went through; "" for none.
    Beside the images a second it changes rounding alone."""
    skipped_steps: Count = 0
    """Steps of all epochs so far that changed nothing: their gradients overflowed in float16."""
