"""The records of a results file: what was measured, under which conditions, with what outcome.

| kind | type | what it is about |
|---|---|---|
| `layer` | `LayerRecord` | cost of one attention layer (`profile`, `sweep`) |
| `model` | `ModelRecord` | cost of a whole model, with its scores if it was trained |
| `epoch` | `EpochRecord` | progress of a training run |

A cell is one workload under one protocol and one set of conditions; a record is what was found.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache
from typing import ClassVar, Literal, TypeVar

from attnbench.records.costs import Energy, Macs, Memory
from attnbench.records.environment import Environment
from attnbench.records.latency import Latency
from attnbench.records.machine_lines import Floor
from attnbench.records.scores import Progress, Scores
from attnbench.spec import (
    AnyWorkload,
    ModelWorkload,
    Protocol,
    Recipe,
    Workload,
    as_plain,
    json_in_order,
)

Status = Literal["ok", "out_of_memory", "unsupported", "timeout", "failed"]
RecordKind = Literal["layer", "model", "epoch"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(ABC):
    """What all records share: a workload, its conditions and its outcome."""

    kind: ClassVar[RecordKind]

    workload: AnyWorkload
    environment: Environment
    created: str
    """UTC, ISO 8601."""
    asked_by: str = ""
    """The command that measured it (profile, sweep, train …), or whatever a Python user gave to
    `Recorder`; "" if it is unknown."""
    status: Status = "ok"
    reason: str = ""
    notes: tuple[str, ...] = field(default=())
    """What to know before quoting the numbers."""

    @property
    @abstractmethod
    def key(self) -> str:
        """Hash of the cell: it finds settled cells again, and shows which are stale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRecord(Record):
    """The cost of something that was built and called."""

    protocol: Protocol | None = None
    params: int | None = None
    macs: Macs | None = None
    traffic_bytes: int | None = None
    """Bytes that one forward call of unfused eager code reads and writes."""
    least_bytes: int | None = None
    """Bytes that any code must move: inputs and parameters read, outputs written, once each."""
    operators: int | None = None
    """Operators that one forward call of unfused eager code launches."""
    first_call_s: float | None = None
    """Seconds of the first call, which may compile, tune and allocate; it is not a sample."""
    backend: str = ""
    """The kernel that torch's fused attention chose; "" if it was not called."""
    code_path: str = ""
    """The operators that a timed call ran; "" if they were not observed."""
    latency: Latency | None = None
    memory: Memory | None = None
    energy: Energy | None = None
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
    run: str = ""
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
    run: str
    progress: Progress
    scores: Scores

    @property
    def key(self) -> str:
        """See `Record.key`."""
        return cell_key(self.workload, None, self.environment, self.recipe)


Kind = TypeVar("Kind", bound=Record)

COST_RECORDS: dict[str, type[CostRecord]] = {"layer": LayerRecord, "model": ModelRecord}
"""The type of record of each kind of workload."""


def cell_key(
    workload: AnyWorkload,
    protocol: Protocol | None,
    environment: Environment,
    recipe: Recipe | None = None,
) -> str:
    """Hash of workload, code, protocol, conditions and recipe.

    The version of attnbench does not count; a change of the cell's own code does.
    """
    shared = (protocol, environment.conditions, recipe)
    parts = (json_in_order(as_plain(workload)), environment.code, *map(_shared_text, shared))
    text = ", ".join(parts)
    return hashlib.sha256(f"[{text}]".encode()).hexdigest()[:16]


@lru_cache(maxsize=1024)
def _shared_text(shared: Protocol | Environment | Recipe | None) -> str:
    """The JSON of what many cells share; it is made once."""
    return json_in_order(shared and as_plain(shared))


def now() -> str:
    """The time as records store it: UTC, ISO 8601, to the second."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def of_type(records: Iterable[Record], kind: type[Kind]) -> list[Kind]:
    """The records of one type, in their order."""
    return [record for record in records if isinstance(record, kind)]


def is_settled(record: Record) -> bool:
    """Whether measuring the cell again should give the same outcome."""
    return record.status in ("ok", "unsupported", "out_of_memory")
