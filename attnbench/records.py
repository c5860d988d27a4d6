"""The lines of a results file: what was measured, under which conditions, with what outcome.

A `Record` is about a cell. Its kind follows from what it holds:

- `layer`: the cost of one attention layer (from `profile` and `sweep`),
- `epoch`: the progress of a training run,
- `model`: accuracy and cost of a trained model (from `train` and `evaluate`).

The other lines are about the machine: a `Ceiling` is how fast it can be (from `ceilings`), a
`Checkup` how well it can be measured (from `doctor`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from attnbench.measured import Accuracy, Energy, Macs, Memory, Progress
from attnbench.spec import DType, ModelWorkload, Protocol, Recipe, Workload, as_plain, json_in_order
from attnbench.timing import Latency

Status = Literal["ok", "out_of_memory", "unsupported", "timeout", "failed"]
Kind = Literal["layer", "epoch", "model"]


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
    float32_matmul: str = "highest"
    """Precision of float32 products in torch's words; "high" is TF32 on a GPU."""

    @property
    def label(self) -> str:
        """One line for a caption."""
        plural = "" if self.threads == 1 else "s"
        threads = f", {self.threads} thread{plural}" if self.device == "cpu" else ""
        return f"{self.device_name}{threads}, torch {self.torch}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The smallest change of a latency that this machine could resolve, by its last checkup."""

    relative: float
    """Share of the latency: what two measurements of the same thing differed by."""
    absolute_s: float
    """Seconds: what timing a call that does nothing costs, and varies by."""
    created: str
    """UTC, ISO 8601."""


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
    asked_by: str = ""
    """The command that measured it: profile, sweep, train …; "" from Python or before schema 2."""
    status: Status = "ok"
    reason: str = ""
    params: int | None = None
    macs: Macs | None = None
    traffic_bytes: int | None = None
    """Bytes that one forward call of unfused eager code reads and writes."""
    least_bytes: int | None = None
    """Bytes that any code must move: inputs and parameters read, outputs written, once each."""
    operators: int | None = None
    """Operators of the forward call that do work, as unfused eager code launches them."""
    first_call_s: float | None = None
    """Seconds of the first call, which may compile, tune and allocate; in no sample."""
    backend: str = ""
    """The kernel that torch's fused attention chose; "" where it was not called."""
    latency: Latency | None = None
    memory: Memory | None = None
    energy: Energy | None = None
    floor: Floor | None = None
    """Resolution of the machine at the last checkup before the cell."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """How fast this machine does one simple thing: the limit of whatever is made of it."""

    operation: Literal["matmul", "copy", "launch"]
    dtype: DType
    size: int
    """Side of the square matrices; bytes of the tensor that is copied; operators in a row that one
    call launches."""
    macs: int
    """Multiply-accumulates of one call."""
    moved_bytes: int
    """Bytes that one call reads and writes."""
    latency: Latency
    environment: Environment
    created: str

    @property
    def macs_per_s(self) -> float:
        """Rate of multiply-accumulates."""
        return self.macs / self.latency.median_s

    @property
    def bytes_per_s(self) -> float:
        """Bandwidth."""
        return self.moved_bytes / self.latency.median_s

    @property
    def operator_s(self) -> float:
        """Seconds that one of the launched operators takes."""
        return self.latency.median_s / self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check of the harness by itself."""

    name: str
    outcome: Literal["passed", "failed", "not possible here"]
    text: str
    """What was expected and what came, with numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """What `doctor` found: whether this machine and this harness are fit to measure."""

    floor: Floor
    findings: tuple[Finding, ...] = ()
    environment: Environment
    created: str


def cell_key(
    workload: Workload | ModelWorkload,
    protocol: Protocol | None,
    environment: Environment,
    recipe: Recipe | None = None,
) -> str:
    """Hash of what is measured, how, by which code, on what machine, after which training."""
    text = ", ".join(_text(spec) for spec in (workload, protocol, environment, recipe))
    return hashlib.sha256(f"[{text}]".encode()).hexdigest()[:16]


def _text(spec: Workload | ModelWorkload | Protocol | Environment | Recipe | None) -> str:
    """The JSON of the settings; what many cells share is written once."""
    if spec is None or isinstance(spec, (Workload, ModelWorkload)):
        return json_in_order(spec and as_plain(spec))
    return _shared_text(spec)


@lru_cache(maxsize=1024)
def _shared_text(spec: Protocol | Environment | Recipe) -> str:
    return json_in_order(as_plain(spec))


def is_settled(record: Record) -> bool:
    """Whether measuring the cell again would be expected to say the same."""
    return record.status in ("ok", "unsupported", "out_of_memory")


def coverage(uncounted: Iterable[str]) -> str:
    """What some MACs cover, in a line: "all multiply-adds counted; not counted: add, softmax"."""
    names = ", ".join(sorted(set(uncounted)))
    return "all multiply-adds counted" + (f"; not counted: {names}" if names else "")


def describe(values: Mapping[str, Any]) -> str:
    """Options in one readable piece: "num_anchors=30"; those of a part stand among the others."""
    parts = (
        describe(value) if isinstance(value, Mapping) else f"{key}={value}"
        for key, value in sorted(values.items())
    )
    return ", ".join(part for part in parts if part)
