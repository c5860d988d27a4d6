"""Print the claims of the paper, by place, with what was found and the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from attnbench.cli.show.columns import Column, number
from attnbench.cli.show.screen import Cell, Screen
from attnbench.reproduce.claims import KINDS, VERDICTS, JudgedClaim

STYLES = {"holds": "green", "does not hold": "red", "cannot be tested here": "yellow"}
PLURAL = {
    "holds": "hold",
    "does not hold": "do not hold",
    "cannot be tested here": "cannot be tested here",
}
UNITLESS = ("rank", "ratio", "row sum", "power of n")
OURS = "Ours: what follows from the printed numbers"
CONTROLS = "Controls: these must hold, or the check is wrong"
RULE = (
    "A claim holds if its printed digits and those of the numbers that it rests on allow it "
    "(results/paper/README.md). Found: the recomputed number; in brackets, what the digits allow."
)


def print_claims(judged: Sequence[JudgedClaim], screen: Screen) -> None:
    """Print the claims about the paper's own work, then a summary of all."""
    own = [claim for claim in judged if _is(claim, "paper", "own")]
    groups = {
        where: [claim for claim in own if claim.line["where"] == where]
        for where in dict.fromkeys(claim.line["where"] for claim in own)
    }
    groups[OURS] = [claim for claim in judged if claim.line["by"] == "ours"]
    groups[CONTROLS] = [claim for claim in judged if claim.line["by"] == "control"]
    heads = (Column("claim"), number("claimed"), number("found"), Column("verdict,\nkind"))
    screen.table(heads, _rows({title: claims for title, claims in groups.items() if claims}))
    _print_reasons(own, screen)
    screen.say(RULE, gap=True)
    screen.say()
    for line in summary(judged):
        screen.say(line)


def summary(judged: Sequence[JudgedClaim]) -> list[str]:
    """How many claims hold, do not hold or cannot be tested, in a line for each author."""
    own = [claim for claim in judged if _is(claim, "paper", "own")]
    others = [claim for claim in judged if _is(claim, "paper", "others")]
    ours = [claim for claim in judged if claim.line["by"] == "ours"]
    controls = [claim for claim in judged if claim.line["by"] == "control"]
    holding = sum(claim.verdict == "holds" for claim in controls)
    return [
        f"{len(own)} claims of the paper about its own work: {_counted(own)}.",
        f"{len(others)} printed numbers of other people's rows: {_counted(others)}; "
        "`attnbench reproduce table1`, `table2` and `table3` show them by row.",
        f"{len(ours)} consequences drawn by us: {_counted(ours)}.",
        f"{holding} of {len(controls)} controls hold.",
    ]


def _is(claim: JudgedClaim, by: str, about: str) -> bool:
    return (claim.line["by"], claim.line["about"]) == (by, about)


def _counted(claims: Sequence[JudgedClaim]) -> str:
    """How many have each verdict, and of which kind these are."""
    return ", ".join(_with_verdict(claims, verdict) for verdict in VERDICTS)


def _with_verdict(claims: Sequence[JudgedClaim], verdict: str) -> str:
    kinds = Counter(claim.line["kind"] for claim in claims if claim.verdict == verdict)
    said = ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS if kinds[kind])
    return f"{kinds.total()} {PLURAL[verdict]}" + (f" ({said})" if said else "")


def _rows(groups: Mapping[str, Sequence[JudgedClaim]]) -> list[tuple[Cell, ...]]:
    """All claims, each group below its title."""
    rows: list[tuple[Cell, ...]] = []
    for title, claims in groups.items():
        rows.append(((f"\n{title}", "bold"),))
        said: set[str] = set()
        for claim in claims:
            verdict = [(claim.verdict, STYLES[claim.verdict]), (f"\n{claim.line['kind']}", "dim")]
            rows.append((_claim(claim, said), _claimed(claim), _found(claim), verdict))
    return rows


def _claim(claim: JudgedClaim, said: set[str]) -> Cell:
    """The claim; below it why it does not hold, unless that was said in this group."""
    text, reason = claim.line["claim"], claim.line["evidence"]
    if claim.verdict != "does not hold" or reason in said:
        return text
    said.add(reason)
    return [(text, ""), (f"\n{reason}", "dim")]


def _claimed(claim: JudgedClaim) -> str:
    line = claim.line
    return line["claimed"] if line["unit"] in UNITLESS else f"{line['claimed']} {line['unit']}"


def _found(claim: JudgedClaim) -> str:
    """The recomputed number, with one digit more than the claim, and what the digits allow."""
    span = claim.computed
    if span is None:
        return "–"
    decimals = len(claim.line["claimed"].partition(".")[2])
    more = decimals + 1 if decimals else 0 if span.value == round(span.value) else 2
    value, low, high = (f"{number:.{more}f}" for number in (span.value, span.low, span.high))
    return value if low == high else f"{value}\n({low} – {high})"


def _print_reasons(claims: Sequence[JudgedClaim], screen: Screen) -> None:
    """Why some cannot be tested, each reason once with the number of claims."""
    reasons = Counter(c.line["evidence"] for c in claims if c.verdict == VERDICTS[2])
    if reasons:
        screen.say("Cannot be tested here:", gap=True)
    for reason, count in reasons.items():
        screen.say(f"  {count} × {reason}")
