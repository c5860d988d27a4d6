"""Recompute the paper's quantitative claims.

`claims.csv` names the check of each claim and its arguments. A claim without a check cannot be
tested here, and its evidence says why. Stored verdicts must equal the recomputed ones.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from attnbench.errors import UserError
from attnbench.reproduce import model_checks, paper, table_checks
from attnbench.reproduce.outcome import Outcome

Verdict = Literal["holds", "does not hold", "cannot be tested here"]
Check = Callable[..., Outcome]


def _checks() -> dict[str, Check]:
    """Every public function of the two modules of checks whose first parameter is the claim."""
    found: dict[str, Check] = {}
    for module in (table_checks, model_checks):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            parameters = list(inspect.signature(function).parameters)
            if function.__module__ == module.__name__ and parameters[:1] == ["claimed"]:
                found[name] = function
    return found


CHECKS: dict[str, Check] = _checks()


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedClaim:
    """A line of `claims.csv`, and the recomputed result of its check."""

    line: paper.Row
    computed: float | None
    verdict: Verdict

    @property
    def row(self) -> paper.Row:
        """The line with the recomputed values instead of the stored ones."""
        computed = "" if self.computed is None else f"{self.computed:.6g}"
        return {**self.line, "computed": computed, "verdict": self.verdict}

    @property
    def as_stored(self) -> bool:
        """Whether verdict and number equal the stored ones, to the stored digits."""
        if self.verdict != self.line["verdict"]:
            return False
        stored = paper.number(self.line["computed"])
        if stored is None or self.computed is None:
            return stored is None and self.computed is None
        return abs(stored - self.computed) <= 0.51 * paper.last_place(self.line["computed"])


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
    judged = []
    for done, line in enumerate(lines):
        on_claim(done, len(lines), line["id"])
        judged.append(judge_claim(line))
    return judged


def judge_claim(line: paper.Row) -> JudgedClaim:
    """Judge one line by its check."""
    if not line["check"]:
        return JudgedClaim(line=line, computed=None, verdict="cannot be tested here")
    check, claimed = CHECKS.get(line["check"]), paper.number(line["claimed"])
    if check is None or claimed is None:
        raise UserError(
            f"claims.csv, {line['id']}: expected a claimed number and one of the checks "
            f"{', '.join(sorted(CHECKS))}; got {line['claimed']!r} and {line['check']!r}"
        )
    arguments = [text.strip() for text in line["arguments"].split(";") if text.strip()]
    try:
        inspect.signature(check).bind(claimed, *arguments)
    except TypeError as error:
        raise UserError(
            f"claims.csv, {line['id']}: the arguments {line['arguments']!r} do not fit "
            f"{line['check']}{inspect.signature(check)}: {error}"
        ) from None
    outcome = check(claimed, *arguments)
    verdict: Verdict = "holds" if outcome.holds else "does not hold"
    return JudgedClaim(line=line, computed=outcome.computed, verdict=verdict)
