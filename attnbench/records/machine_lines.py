"""Lines about a machine: how fast it can be, and how well it can be measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from attnbench.records.environment import Environment
from attnbench.records.latency import Latency
from attnbench.spec import DType


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
class Ceiling:
    """How fast this machine does one simple thing: the limit of whatever is made of it."""

    kind: ClassVar[Literal["ceiling"]] = "ceiling"

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

    kind: ClassVar[Literal["checkup"]] = "checkup"

    floor: Floor
    findings: tuple[Finding, ...] = ()
    environment: Environment
    created: str
