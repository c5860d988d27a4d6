"""The door for plug-ins: how to tell the counters what an operator of yours costs."""

from __future__ import annotations

from attnbench.profiling.counting.formulas import register_macs_formula

__all__ = ["register_macs_formula"]
