"""Lines about a machine: its limits, and how well it can be measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from attnbench.records.environment import Environment
from attnbench.records.latency import Latency
from attnbench.records.numbers import Amount, Bytes, Count, MacCount, Seconds, Some, Text
from attnbench.spec import DType


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """The smallest change of a latency that a machine can show, by its last checkup."""

    relative: Amount
    """Share of the latency: 95 % of comparisons of a thing with itself stay within it. Older
    checkups gave the worst of some comparisons."""
    absolute_s: Seconds
    """Seconds: the cost of timing a call that does nothing, and its variation."""
    created: Text
    """UTC, ISO 8601."""
    comparisons: Count | None = None
    """Number of comparisons that it is taken from; None in older checkups."""
    disturbed: bool = False
    """Whether other programs used the machine during the checkup: a quiet one shows less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """How fast a machine does one simple operation: a limit for all that is made of it."""

    kind: ClassVar[Literal["ceiling"]] = "ceiling"

    operation: Literal["matmul", "copy", "launch"]
    dtype: DType
    size: Some
    """Side of the square matrices; bytes of the copied tensor; operators that one call launches."""
    macs: MacCount
    """Multiply-accumulates of one call."""
    moved_bytes: Bytes
    """Bytes that one call reads and writes."""
    latency: Latency
    environment: Environment
    created: Text

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
        """Seconds of one of the launched operators."""
        return self.latency.median_s / self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The outcome of one test that `doctor` makes of the harness."""

    name: Text
    outcome: Literal["passed", "failed", "not possible here"]
    text: Text
    """What was expected and what came, in numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """What `doctor` found: whether the machine and the harness are fit to measure."""

    kind: ClassVar[Literal["checkup"]] = "checkup"

    floor: Floor
    findings: tuple[Finding, ...] = ()
    environment: Environment
    created: Text
