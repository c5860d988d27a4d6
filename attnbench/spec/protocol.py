"""The protocol: how a cost is measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from attnbench.spec.validation import one_of, within

Cache = Literal["auto", "cold", "warm"]
CACHES = get_args(Cache)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How a cost is measured: warm up until steady, then sample until the median is known."""

    warmup_s: float = 0.3
    """Least warm-up; it goes on, up to ten times as long, until the calls are steady."""
    min_samples: int = 30
    precision: float = 0.01
    """Stop when the 95 % interval of the median is narrower than this share of the median …"""
    time_budget_s: float = 2.0
    """… or when this much time a cell has gone into sampling, warm-up not counted."""
    cache: Cache = "auto"
    """Whether caches are flushed before each sample; `auto` is cold on a GPU, warm on the CPU."""
    energy: bool = False
    """Whether to meter energy too, which takes several seconds a cell."""

    def __post_init__(self) -> None:
        within(warmup=self.warmup_s, min_samples=self.min_samples)
        within(precision=self.precision, time_budget=self.time_budget_s)
        one_of(CACHES, cache=self.cache)
