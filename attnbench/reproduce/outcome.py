"""The result of checking a claim: a number, and whether the claim holds."""

from __future__ import annotations

from dataclasses import dataclass

TOLERANCE = 0.1
"""Largest error of a percentage that holds: papers truncate as well as round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Result of one check."""

    computed: float
    holds: bool


def equal(claimed: float, computed: float, tolerance: float = TOLERANCE) -> Outcome:
    """The claim holds if the two differ by no more than the tolerance."""
    return Outcome(computed=computed, holds=abs(claimed - computed) <= tolerance + 1e-9)


def at_most(claimed: float, bound: float) -> Outcome:
    """The claim holds if it does not exceed the bound."""
    return Outcome(computed=bound, holds=claimed <= bound + TOLERANCE)


def within_share(claimed: float, computed: float, share: float) -> Outcome:
    """The claim holds if the two differ by no more than a share of the computed number."""
    return Outcome(computed=computed, holds=abs(claimed - computed) <= share * computed)
