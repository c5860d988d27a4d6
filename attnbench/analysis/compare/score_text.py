"""The changes of scores in words: a line for each model, and one for how to read them."""

from __future__ import annotations

from attnbench.analysis.compare.score_changes import ScoreChange, ScoreChanges
from attnbench.analysis.naming import name_of
from attnbench.units import Metric

RULE = (
    "better, worse: the whole 95 % interval of the difference of scores is on one side of 0, and "
    "McNemar's p is below 0.05 where it is given; each line holds by itself"
)

MOST_PROBLEMS = 3
"""Nobody reads more paths."""


def lines_of(scores: ScoreChanges) -> list[str]:
    """A line for each model, the rule, and which outcomes could not be used; none without any."""
    if not scores.changes:
        return []
    more = len(scores.problems) - MOST_PROBLEMS
    rest = [f"and {more:,} more outcomes that cannot be used"] if more > 0 else []
    problems = [*scores.problems[:MOST_PROBLEMS], *rest]
    return [*(_line(change) for change in scores.changes), RULE, *problems]


def _line(change: ScoreChange) -> str:
    form = change.metric.format
    values = f"{form(change.before.score)} → {form(change.after.score)}"
    name, label = _name(change), change.metric.label
    return (
        f"{name}, {label}: {values}, {difference_text(change)}: {change.verdict} ({change.basis})"
    )


def _name(change: ScoreChange) -> str:
    before, after = (name_of(one.records[0].workload) for one in (change.before, change.after))
    return after if before == after else f"{before} → {after}"


def difference_text(change: ScoreChange) -> str:
    """After - before with its interval: "+0.8 [−0.1, +1.7] points"."""
    value = _points(change.metric, change.value)
    if change.interval is None:
        return f"{value} points"
    low, high = (_end(change.metric, end) for end in change.interval)
    return f"{value} [{low}, {high}] points"


def _points(metric: Metric, value: float, digits: int = 1) -> str:
    """A difference of scores, in hundredths where the score is shown in percent: "+0.8"."""
    shown = round(metric.scale * value, digits) or 0.0  # no minus before a zero
    return f"{shown:+.{digits}f}".replace("-", "−")


def _end(metric: Metric, value: float) -> str:
    """An end of an interval; next to 0 with a digit more, since its side is the verdict."""
    return _points(metric, value, 1 if abs(metric.scale * value) >= 0.05 else 2)
