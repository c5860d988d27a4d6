"""The records of a results file: what was measured, under which conditions, with what outcome.

| kind | type | what it is about |
|---|---|---|
| `layer` | `LayerRecord` | cost of one attention layer (`profile`, `sweep`) |
| `model` | `ModelRecord` | cost of a whole model, with its scores if it was trained |
| `epoch` | `EpochRecord` | progress of a training run |

A cell is one workload under one protocol and one set of conditions; a record is what was found.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, ClassVar, Literal, TypeVar

from attnbench.records.cell_key import cell_key
from attnbench.records.costs import Energy, Macs, Memory
from attnbench.records.environment import Environment
from attnbench.records.latency import Latency
from attnbench.records.machine_lines import Floor
from attnbench.records.numbers import Bytes, Count, Params, Seconds, Share, Text
from attnbench.records.scores import Progress, Scores
from attnbench.records.shown import facts, html_table
from attnbench.spec import (
    AnyWorkload,
    ModelWorkload,
    Protocol,
    Recipe,
    Workload,
)

Status = Literal["ok", "out_of_memory", "unsupported", "timeout", "failed"]
RecordKind = Literal["layer", "model", "epoch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(ABC):
    """What all records share: a workload, its conditions and its outcome."""

    kind: ClassVar[RecordKind]

    workload: AnyWorkload
    environment: Environment
    created: Text
    """UTC, ISO 8601."""
    asked_by: Text = ""
    """The command that measured it (profile, sweep, train …), or whatever a Python user gave to
    `Recorder`; "" if it is unknown."""
    host: Text = ""
    """Name of the machine that did a job; "" for work of the command's own process."""
    gpu: Text = ""
    """Identity of the GPU there, as `nvidia-smi -L` shows it; "" without one."""
    status: Status = "ok"
    reason: Text = ""
    notes: tuple[Text, ...] = field(default=())
    """What to know before quoting the numbers."""

    @property
    @abstractmethod
    def key(self) -> str:
        """Hash of the cell: it finds settled cells again, and shows which are stale."""

    def _repr_html_(self) -> str:
        """How notebooks show it: a table of its main facts."""
        return html_table(self)

    def __rich_repr__(self) -> Iterator[tuple[str, str]]:
        """How rich, and what is built on it, shows it: the same facts."""
        yield from facts(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRecord(Record):
    """The cost of something that was built and called."""

    protocol: Protocol | None = None
    params: Params | None = None
    macs: Macs | None = None
    traffic_bytes: Bytes | None = None
    """Bytes that one forward call of unfused eager code reads and writes."""
    least_bytes: Bytes | None = None
    """Bytes that any code must move: inputs and parameters read, outputs written, once each."""
    operators: Count | None = None
    """Operators that one forward call of unfused eager code launches."""
    first_call_s: Seconds | None = None
    """Seconds of the first call, which may compile, tune and allocate; it is not a sample."""
    backend: Text = ""
    """The kernel that torch's fused attention chose; "" if it was not called."""
    code_path: Text = ""
    """Fingerprint of the operators of one call, "94 operator calls, 3f2a91bc": code that tunes
    itself may take another path in another run. "" if it was not taken."""
    latency: Latency | None = None
    memory: Memory | None = None
    energy: Energy | None = None
    denormal_share: Share | None = None
    """Share of the values that one call computes, its gradients included, that are not zero but
    too small for a normal number; only a CPU is slow on them."""
    floor: Floor | None = None
    """Resolution of the machine, by its last checkup before the cell."""

    @property
    def key(self) -> str:
        """See `Record.key`."""
        return cell_key(self.workload, self.protocol, self.environment)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerRecord(CostRecord):
    """The cost of one attention layer."""

    kind: ClassVar[RecordKind] = "layer"

    workload: Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord(CostRecord):
    """The cost of a whole model, and its scores if it was trained."""

    kind: ClassVar[RecordKind] = "model"

    workload: ModelWorkload
    recipe: Recipe | None = None
    run: Text = ""
    """Name of the training run; "" for a model that was not trained."""
    scores: Scores | None = None

    @property
    def key(self) -> str:
        """See `Record.key`."""
        return cell_key(self.workload, self.protocol, self.environment, self.recipe)


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRecord(Record):
    """The progress of a training run after an epoch, and what the model scores."""

    kind: ClassVar[RecordKind] = "epoch"

    workload: ModelWorkload
    recipe: Recipe
    run: Text
    progress: Progress
    scores: Scores

    @property
    def key(self) -> str:
        """See `Record.key`."""
        return cell_key(self.workload, None, self.environment, self.recipe)


Kind = TypeVar("Kind", bound=Record)

COST_RECORDS: dict[str, type[CostRecord]] = {"layer": LayerRecord, "model": ModelRecord}
"""The type of record of each kind of workload."""


def now() -> str:
    """The time as records store it: UTC, ISO 8601, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def of_type(records: Iterable[Record], kind: type[Kind]) -> list[Kind]:
    """The records of one type, in their order."""
    records = list(records)
    # Types are few; to ask each record of an abstract base takes longer.
    fits = {cls: issubclass(cls, kind) for cls in set(map(type, records))}
    found: list[Any] = [record for record in records if fits[type(record)]]
    return found


def is_settled(record: Record) -> bool:
    """Whether measuring the cell again should give the same outcome."""
    return record.status in ("ok", "unsupported", "out_of_memory")
