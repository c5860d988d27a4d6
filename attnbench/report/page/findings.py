"""Up to three findings in words: who is fastest, who overtakes dense, which model is beaten.

A finding is no stronger than the intervals, and none rests on a latency graded C.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from attnbench.analysis.growth.curves import together
from attnbench.analysis.keys import LayerConditions
from attnbench.analysis.naming import joined_by_and
from attnbench.analysis.selection.leading import Leader, leaders, leading
from attnbench.analysis.shortened import some_of
from attnbench.analysis.tradeoff.groups import Tradeoff
from attnbench.report.tables.crossover_text import text_of
from attnbench.units import METRICS, Metric

NAMED = 3
"""Names in one finding; the charts have the others."""
TOLD = ("overtakes", "ahead", "behind", "falls behind", "several")
"""Outcomes of a crossover that say something."""
FASTER = ("overtakes", "ahead")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding: what it says, on what it rests, and the section that shows it."""

    text: str
    basis: str
    section: str


def findings(
    layers: pd.DataFrame, crossovers: pd.DataFrame, groups: Sequence[Tradeoff]
) -> list[Finding]:
    """The findings that the numbers allow, at most one of each kind.

    Args:
        layers: all layers.
        crossovers: where each of them overtakes dense.
        groups: models by score and MACs.
    """
    best = best_known(layers)
    found = []
    if best is not None:
        rows = layers[layers["conditions_key"] == best]
        found = [_fastest(rows), _overtaking(rows, crossovers, best)]
    return [one for one in (*found, _beaten(groups)) if one]


def best_known(layers: pd.DataFrame) -> LayerConditions | None:
    """The forward conditions with the most latencies that are good enough to conclude from."""
    good = layers[layers["quotable"] & (layers["mode"] == "forward")]
    groups = together(good["conditions_key"].tolist())
    if not groups:
        return None
    largest: LayerConditions = good["conditions_key"].iloc[max(groups, key=len)[0]]
    return largest


def _fastest(rows: pd.DataFrame) -> Finding | None:
    found = leaders(rows)
    if not found:
        return None
    sure = [one for one in found if not one.rivals]
    parts = [_sure_text(sure)] if sure else []
    if unsure := [one for one in found if one.rivals]:
        parts.append(_unsure_text(unsure[-1], unsure))
    return Finding(
        text=_sentence("; ".join(parts)),
        basis=f"Latency, cells graded A or B; {rows['conditions'].iloc[0]}",
        section="scaling",
    )


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _sure_text(sure: Sequence[Leader]) -> str:
    """Who leads at which sizes, and by how much at the largest."""
    sizes: dict[str, list[int]] = {}
    for one in sure:
        sizes.setdefault(one.cell.label, []).append(one.tokens)
    told = [f"{name} at {_tokens(at)}" for name, at in sizes.items()]
    last = sure[-1].cell
    text = f"Fastest, where measured well: {some_of(told, NAMED, '; ')}"
    text += f" ({_with_interval(last, 'latency', METRICS['latency_s'])}"
    if last.speedup_quotable and pd.notna(last.speedup_low) and last.label != last.baseline:
        over = _with_interval(last, "speedup", METRICS["speedup"])
        text += f", {over} as fast as {last.baseline}"
    return f"{text})"


def _with_interval(cell: object, name: str, metric: Metric) -> str:
    suffix = "_s" if name == "latency" else ""
    value, low, high = (getattr(cell, f"{name}{end}{suffix}") for end in ("", "_low", "_high"))
    return f"{metric.format(value)} [{metric.format(low)} – {metric.format(high)}]"


def _unsure_text(last: Leader, unsure: Sequence[Leader]) -> str:
    names = [last.cell.label, *dict.fromkeys(row.label for row in last.rivals)]
    here = f"at {last.tokens:,} tokens {joined_by_and(names[: NAMED + 1])} are too close to tell"
    others = [one.tokens for one in unsure[:-1]]
    return f"{here}, as are the fastest at {_tokens(others)}" if others else here


def _tokens(sizes: Sequence[int]) -> str:
    return f"{joined_by_and([f'{size:,}' for size in sizes])} tokens"


def _overtaking(
    rows: pd.DataFrame, crossovers: pd.DataFrame, conditions: LayerConditions
) -> Finding | None:
    """From which size on the leading implementations are faster than dense."""
    shown = {implementation for _, implementation in leading(rows)}
    of_latency = crossovers[
        (crossovers["cost"] == "latency")
        & (crossovers["conditions_key"] == conditions.of_any_mode)
        & crossovers["outcome"].isin(TOLD)
    ]
    rows_of = of_latency.to_dict("records")
    told = [row for row in rows_of if row["implementation_key"] in shown]
    told.sort(key=lambda row: row["outcome"] not in FASTER)
    if not told:
        return None
    texts = [f"{row['label']}: {text_of(row['judged'])}" for row in told]
    return Finding(
        text=f"Faster than dense, in tokens: {some_of(texts, NAMED, '; ')}.",
        basis=f"Crossovers with their 95 % intervals; {rows['conditions'].iloc[0]}",
        section="scaling",
    )


def _beaten(groups: Sequence[Tradeoff]) -> Finding | None:
    """Which models are surely dominated, in the largest group; or that no interval allows it."""
    several = [group for group in groups if len(group.points) > 1]
    if not several:
        return None
    group = max(several, key=lambda group: len(group.points))
    standings = group.standings
    told = [
        f"{point.name} by {group.points[standing.by].name}"
        for point, standing in zip(group.points, standings, strict=True)
        if standing.by is not None
    ]
    beaten = f"Dominated (costs no less, scores no better): {some_of(told, NAMED)}."
    return Finding(
        text=beaten if told else _open_text(group),
        basis=f"{group.score.label} against MACs, by intervals; {group.subtitle}",
        section="frontier",
    )


def _open_text(group: Tradeoff) -> str:
    """Why nothing can be said of who is beaten."""
    few = [point.name for point in group.points if point.interval is None]
    why = (
        "most have one seed: train more with `--seed`"
        if len(few) > len(group.points) / 2
        else "their intervals overlap"
    )
    score, count = group.score.label, len(group.points)
    return f"No model is surely beaten in {score} and MACs among {count}: {why}."
