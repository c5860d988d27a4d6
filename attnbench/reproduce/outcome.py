"""What a check of a claim comes to: a number, and whether the claim holds."""

from __future__ import annotations

from dataclasses import dataclass

TOLERANCE = 0.1
"""What a percentage may be off by and still hold: papers cut off as well as round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Result of one check."""

    computed: float
    holds: bool


def equal(claimed: float, computed: float, tolerance: float = TOLERANCE) -> Outcome:
    """Holds where the two are within the tolerance."""
    return Outcome(computed=computed, holds=abs(claimed - computed) <= tolerance + 1e-9)


def at_most(claimed: float, bound: float) -> Outcome:
    """Holds where the claim does not exceed a bound."""
    return Outcome(computed=bound, holds=claimed <= bound + TOLERANCE)


def within_share(claimed: float, computed: float, share: float) -> Outcome:
    """Holds where the two differ by no more than a share of the computed one."""
    return Outcome(computed=computed, holds=abs(claimed - computed) <= share * computed)
