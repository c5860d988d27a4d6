"""What was measured: frozen, with the raw samples; every statistic is a property.

A `Record` is one line of a results file. Its kind follows from what it holds:

- `layer`: the cost of one attention layer (from `profile` and `sweep`),
- `epoch`: the progress of a training run,
- `model`: accuracy and cost of a trained model (from `train` and `evaluate`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from math import comb, isnan, sqrt
from statistics import median
from typing import Any, Literal

from attnbench.spec import ModelWorkload, Protocol, Recipe, Workload

Status = Literal["ok", "out_of_memory", "unsupported", "timeout", "failed"]
Kind = Literal["layer", "epoch", "model"]
Interval = tuple[float, float]


def median_interval(samples: Sequence[float]) -> Interval | None:
    """95 % order-statistic interval of the median: free of any assumption on the distribution.

    The widest rank k with P(Binomial(n, 1/2) < k) at most 2.5 % gives the k-th smallest and the
    k-th largest sample. None where there are too few samples (under 6).
    """
    k = _outer_rank(len(samples))
    if k == 0:
        return None
    ordered = sorted(samples)
    return ordered[k - 1], ordered[-k]


@cache
def _outer_rank(count: int) -> int:
    if count > 1000:  # the exact sum grows slow, and the normal approximation is within one rank
        return int(count / 2 - 1.96 * sqrt(count) / 2)
    below, k = 0, 0
    while (below + comb(count, k)) * 40 <= 2**count:
        below += comb(count, k)
        k += 1
    return k


@dataclass(frozen=True, slots=True, kw_only=True)
class Contention:
    """Processor cores in use while sampling, in cores: by us, by others, by the hypervisor."""

    own_cores: float
    other_cores: float
    stolen_cores: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Seconds per call, every sample kept in the order in which it was taken."""

    samples_s: tuple[float, ...]
    stopped_by: Literal["precision", "time_budget"]
    rounds_with: str = ""
    """Cells with the same token here were measured in turn, one sample each a round."""
    contention: Contention | None = None
    """Over all rounds of the comparison; None where the kernel does not tell."""

    def __post_init__(self) -> None:
        if not self.samples_s or any(isnan(s) or s <= 0 for s in self.samples_s):
            raise ValueError("a latency needs at least one sample, all above zero")

    @property
    def median_s(self) -> float:
        """Median of the samples."""
        return median(self.samples_s)

    @property
    def interval_s(self) -> Interval | None:
        """95 % interval of the median; None with fewer than 6 samples."""
        return median_interval(self.samples_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How many times faster than the baseline, with its 95 % interval."""

    value: float
    interval: Interval | None
    paired: bool


def speed_up(baseline: Latency, other: Latency) -> Ratio:
    """Baseline time ÷ other time.

    Cells that were measured in turn give the median of the ratios round by round, which drift of
    the machine hardly touches. Others give the ratio of the medians, with the worst-case interval.
    """
    if _are_paired(baseline, other):
        ratios = [b / o for b, o in zip(baseline.samples_s, other.samples_s, strict=True)]
        return Ratio(value=median(ratios), interval=median_interval(ratios), paired=True)
    return Ratio(
        value=baseline.median_s / other.median_s,
        interval=_ratio_interval(baseline.interval_s, other.interval_s),
        paired=False,
    )


def _are_paired(baseline: Latency, other: Latency) -> bool:
    """Whether both were sampled in the same rounds, and neither dropped out of them."""
    same_rounds = baseline.rounds_with != "" and baseline.rounds_with == other.rounds_with
    return same_rounds and len(baseline.samples_s) == len(other.samples_s)


def _ratio_interval(above: Interval | None, below: Interval | None) -> Interval | None:
    if above is None or below is None:
        return None
    return above[0] / below[1], above[1] / below[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Peak of allocations during a call; net leaves out what was there before it."""

    peak_net_bytes: int
    peak_total_bytes: int | None
    """None on the CPU, where what was there before cannot be attributed."""
    method: Literal["cuda allocator", "cpu profiler"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Macs:
    """Multiply-accumulates of one forward call, counted on the reference path.

    Matrix products and convolutions are the MACs that papers print. Normalisation, which fvcore
    counts at about five operations an element, is listed apart.
    """

    products_macs: int
    norms_ops: int
    by_operator_macs: Mapping[str, int]
    uncounted: tuple[str, ...]
    """Operators without multiply-accumulates of their own, left uncounted (softmax, add …)."""
    training_macs: int | None = None
    """Forward and backward, gradients of inputs and parameters; None where there is no backward."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Evaluation on held-out images; accuracies are shares between 0 and 1."""

    top1: float
    top5: float
    loss: float
    images: int
    forward_s: float
    """Seconds spent in the forward passes alone."""

    @property
    def throughput_per_s(self) -> float:
        """Images a second through the model, at the batch size of the evaluation."""
        return self.images / self.forward_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a training run stands after an epoch."""

    epoch: int
    """Counted from 1."""
    train_loss: float
    train_s: float
    """Seconds of all epochs so far, evaluation not counted."""
    images: int
    """Training images an epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The conditions of a number: the machine and the software."""

    device: Literal["cpu", "cuda"]
    device_name: str
    threads: int
    """CPU threads of torch; also on CUDA, where it bounds the host side."""
    torch: str
    cuda: str
    """CUDA version of torch, "" where no GPU is used."""
    python: str
    platform: str
    attnbench: str
    code: str
    """Hash of the source that produces the numbers: a cell of other code is stale."""

    @property
    def label(self) -> str:
        """One line for a caption."""
        plural = "" if self.threads == 1 else "s"
        threads = f", {self.threads} thread{plural}" if self.device == "cpu" else ""
        return f"{self.device_name}{threads}, torch {self.torch}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of a results file: a cell, its conditions and its outcome."""

    workload: Workload | ModelWorkload
    environment: Environment
    created: str
    """UTC, ISO 8601."""
    protocol: Protocol | None = None
    recipe: Recipe | None = None
    run: str = ""
    """Name of the training run that an epoch or a model belongs to."""
    status: Status = "ok"
    reason: str = ""
    params: int | None = None
    macs: Macs | None = None
    traffic_bytes: int | None = None
    """Bytes that one forward call of unfused eager code reads and writes."""
    latency: Latency | None = None
    memory: Memory | None = None
    accuracy: Accuracy | None = None
    progress: Progress | None = None
    notes: tuple[str, ...] = field(default=())
    """What a reader must know before quoting the numbers."""

    @property
    def kind(self) -> Kind:
        """What this line is about."""
        if isinstance(self.workload, Workload):
            return "layer"
        return "model" if self.progress is None else "epoch"

    @property
    def key(self) -> str:
        """Content hash of the cell: serves resume, and shows stale cells."""
        return cell_key(self.workload, self.protocol, self.environment, self.recipe)


def cell_key(
    workload: Workload | ModelWorkload,
    protocol: Protocol | None,
    environment: Environment,
    recipe: Recipe | None = None,
) -> str:
    """Hash of what is measured, how, by which code, on what machine, after which training."""
    specs = (workload, protocol, environment, recipe)
    parts = [asdict(spec) if spec is not None else None for spec in specs]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def is_settled(record: Record) -> bool:
    """Whether measuring the cell again would be expected to say the same."""
    return record.status in ("ok", "unsupported", "out_of_memory")


def coverage(uncounted: Iterable[str]) -> str:
    """What some MACs cover, in a line: "all multiply-adds counted; not counted: add, softmax"."""
    names = ", ".join(sorted(set(uncounted)))
    return "all multiply-adds counted" + (f"; not counted: {names}" if names else "")


def describe(values: Mapping[str, Any]) -> str:
    """Options in one readable piece: "num_anchors=30"."""
    return ", ".join(f"{key}={value}" for key, value in sorted(values.items()))
