"""Recompute the paper's quantitative claims.

`claims.csv` names the check of each claim and its arguments. A claim without a check cannot be
tested here, and its evidence says why. Stored verdicts must equal the recomputed ones.

A line is the paper's, with a quoted place; or ours: what follows from what the paper prints; or a
control, which must hold, so that a check that fails everything is seen.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from attnbench.errors import UserError
from attnbench.reproduce import (
    dense_checks,
    model_checks,
    paper,
    saving_checks,
    source_checks,
    table_checks,
)
from attnbench.reproduce.span import Outcome, Span, printed

Verdict = Literal["holds", "does not hold", "cannot be tested here"]
Check = Callable[..., Outcome]
VERDICTS: tuple[Verdict, ...] = ("holds", "does not hold", "cannot be tested here")
KINDS = ("arithmetic", "count", "experiment")
"""What would have to be done to test a claim: calculate with printed numbers, count, train."""


def _checks() -> dict[str, Check]:
    """Every public function of the modules of checks whose first parameter is the claim."""
    found: dict[str, Check] = {}
    for module in (table_checks, source_checks, dense_checks, model_checks, saving_checks):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            parameters = list(inspect.signature(function).parameters)
            own = function.__module__ == module.__name__ and not name.startswith("_")
            if own and parameters[:1] == ["claimed"]:
                found[name] = function
    return found


CHECKS: dict[str, Check] = _checks()


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedClaim:
    """A line of `claims.csv`, and the recomputed result of its check."""

    line: paper.Row
    computed: Span | None
    verdict: Verdict

    @property
    def row(self) -> paper.Row:
        """The line with the recomputed values instead of the stored ones."""
        computed = "" if self.computed is None else f"{self.computed.value:.6g}"
        return {**self.line, "computed": computed, "verdict": self.verdict}

    @property
    def as_stored(self) -> bool:
        """Whether verdict and number equal the stored ones, to the stored digits."""
        if self.verdict != self.line["verdict"]:
            return False
        stored = paper.number(self.line["computed"])
        if stored is None or self.computed is None:
            return stored is None and self.computed is None
        room = 0.51 * paper.last_place(self.line["computed"])
        return abs(stored - self.computed.value) <= room


def judge_claims(
    on_claim: Callable[[int, int, str], None] = lambda done, total, name: None,
) -> list[JudgedClaim]:
    """Judge every claim, in the order of the file.

    Args:
        on_claim: called with (done, total, id of the next claim).

    Raises:
        UserError: a column is missing, or a line names no check.
    """
    lines = paper.table("claims")
    for line in lines:  # what is wrong in the last line is said before the first is counted
        _call_of(line)
    judged = []
    for done, line in enumerate(lines):
        on_claim(done, len(lines), line["id"])
        judged.append(judge_claim(line))
    return judged


def judge_claim(line: paper.Row) -> JudgedClaim:
    """Judge one line by its check."""
    call = _call_of(line)
    if call is None:
        return JudgedClaim(line=line, computed=None, verdict="cannot be tested here")
    try:
        outcome = call()
    except (TypeError, LookupError) as error:
        raise _unfit(line, error) from error
    verdict: Verdict = "holds" if outcome.holds else "does not hold"
    return JudgedClaim(line=line, computed=outcome.computed, verdict=verdict)


def _call_of(line: paper.Row) -> Callable[[], Outcome] | None:
    """The check of a line with its arguments; None if it has none."""
    if not line["check"]:
        return None
    check = CHECKS.get(line["check"])
    if check is None or paper.number(line["claimed"]) is None:
        raise UserError(
            f"claims.csv, {line['id']}: expected a claimed number and one of the checks "
            f"{', '.join(sorted(CHECKS))}; got {line['claimed']!r} and {line['check']!r}"
        )
    claimed = printed(line["claimed"])
    arguments = [text.strip() for text in line["arguments"].split(";") if text.strip()]
    try:
        inspect.signature(check).bind(claimed, *arguments)
    except TypeError as error:
        raise _unfit(line, error) from error
    return partial(check, claimed, *arguments)


def _unfit(line: paper.Row, error: Exception) -> UserError:
    check = line["check"]
    return UserError(
        f"claims.csv, {line['id']}: the arguments {line['arguments']!r} do not fit "
        f"{check}{inspect.signature(CHECKS[check])}: {error}; restore the file"
    )
