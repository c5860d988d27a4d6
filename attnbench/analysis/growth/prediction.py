"""Predict latency and memory at a token count that was not measured.

Each mechanism under one set of conditions has its own curve (see `polynomial`). Predictions reach
from half the smallest measured size to sixteen times the largest. The speed-up is over the dense
attention that is predicted to be fastest; its interval combines both latency intervals, worst case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, inf, isqrt, sqrt

import pandas as pd

from attnbench.analysis.growth.curves import doubtful_note, floats, noise_of, squarest
from attnbench.analysis.growth.polynomial import LEAST_SIZES, Curve, Estimate
from attnbench.analysis.keys import Implementation
from attnbench.analysis.speedup.baseline import fastest, is_baseline
from attnbench.errors import UserError

FARTHEST_BEYOND = 16
FARTHEST_BELOW = 2
"""A curve is used up to this factor above the largest and below the smallest measured size."""

WORTH_SAYING = 0.2
"""A note is added if a measured latency is at least this far off the curve, relative to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The prediction for one mechanism, in base units."""

    label: str
    implementation: Implementation
    attention: str
    impl: str
    options: str
    latency_s: Estimate
    latency_terms_s: tuple[float, float, float]
    """Seconds: constant, per token, per token squared."""
    memory_bytes: Estimate | None
    memory_terms_bytes: tuple[float, float, float] | None
    speedup: Estimate | None
    """Over the fastest dense attention; None if none was predicted."""
    tokens: tuple[int, ...]
    """The measured sizes behind the latency."""
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """The predictions under one set of conditions."""

    conditions: str
    baseline: Implementation | None
    """The dense attention that speed-ups are over; None if there is none."""
    baseline_label: str
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """All predictions, and the reasons why other curves were refused."""

    tokens: int
    groups: tuple[Group, ...]
    refused: tuple[str, ...]


class _CannotTellError(Exception):
    """A curve cannot be predicted; the message is the reason."""


def predict(layers: pd.DataFrame, tokens: int, attentions: Sequence[str] = ()) -> Predictions:
    """Predict every curve in a frame of layers, or only those of `attentions`.

    Raises:
        UserError: the count is below 1, or nothing can be predicted; the message says why.
    """
    if tokens < 1:
        raise UserError(f"--n-tokens must be at least 1, got {tokens}")
    _refuse_unknown(layers, attentions)
    reasons: dict[str, list[str]] = {}
    groups = []
    for _, rows in squarest(layers).groupby("conditions_key", sort=False):
        group = _group(rows, tokens, attentions, reasons)
        if group.predictions:
            groups.append(group)
    refused = tuple(_line(labels, reason) for reason, labels in reasons.items())
    if not groups:
        raise UserError(f"nothing can be predicted at {tokens:,} tokens: " + "; ".join(refused))
    return Predictions(tokens=tokens, groups=tuple(groups), refused=refused)


def _refuse_unknown(layers: pd.DataFrame, attentions: Sequence[str]) -> None:
    known = sorted(set(layers["attention"]))
    unknown = [name for name in attentions if name not in known]
    if layers.empty:
        raise UserError("the records hold no attention layers; run `attnbench sweep` first")
    if unknown:
        raise UserError(
            f"--attention {', '.join(unknown)} is not in the records, which hold "
            f"{', '.join(known)}; measure it: attnbench sweep --attention {','.join(unknown)}"
        )


def _line(labels: Sequence[str], reason: str) -> str:
    """A reason, preceded by the mechanisms it applies to."""
    names = list(dict.fromkeys(labels))
    others = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
    return f"{names[0]}{others}: {reason}"


def _group(
    rows: pd.DataFrame,
    tokens: int,
    attentions: Sequence[str],
    reasons: dict[str, list[str]],
) -> Group:
    """Predict the curves under one set of conditions, always including dense for the baseline."""
    found: list[Prediction] = []
    for _, curve in rows.groupby("implementation_key", sort=False):
        first = curve.iloc[0]
        asked = not attentions or first["attention"] in attentions
        if not asked and not is_baseline(first["attention"]):
            continue
        try:
            found.append(_prediction(curve.sort_values("tokens"), tokens))
        except _CannotTellError as reason:
            if asked:
                reasons.setdefault(str(reason), []).append(first["label"])
    dense = [prediction for prediction in found if is_baseline(prediction.attention)]
    baseline = fastest(dense, lambda prediction: prediction.latency_s.value)
    shown = [p for p in found if not attentions or p.attention in attentions]
    return Group(
        conditions=rows["conditions"].iloc[0],
        baseline=baseline.implementation if baseline else None,
        baseline_label=baseline.label if baseline else "",
        predictions=tuple(replace(p, speedup=_speed_up(p, baseline)) for p in shown),
    )


def _prediction(rows: pd.DataFrame, tokens: int) -> Prediction:
    """Everything except the speed-up, from one mechanism's cells in ascending order of tokens."""
    timed = rows.dropna(subset=["latency_s"])
    if timed.empty:
        statuses = ", ".join(sorted(set(rows["status"].str.replace("_", " "))))
        raise _CannotTellError(f"no latency was measured ({statuses})")
    _refuse_distant(list(timed["tokens"]), tokens)
    latency = Curve(floats(timed["tokens"]), floats(timed["latency_s"]), noise_of(timed))
    memory = _memory_curve(rows)
    first = rows.iloc[0]
    return Prediction(
        label=first["label"],
        implementation=first["implementation_key"],
        attention=first["attention"],
        impl=first["impl"],
        options=first["options"],
        latency_s=latency.at(tokens),
        latency_terms_s=latency.coefficients,
        memory_bytes=memory.at(tokens) if memory else None,
        memory_terms_bytes=memory.coefficients if memory else None,
        speedup=None,
        tokens=tuple(int(size) for size in timed["tokens"]),
        note="; ".join(filter(None, (_misfit(latency), doubtful_note(list(timed["trust"]))))),
    )


def _misfit(curve: Curve) -> str:
    """A note if measured latencies lie far off the curve, which widens the interval."""
    if curve.worst_error < WORTH_SAYING:
        return ""
    return f"measured latencies are up to {curve.worst_error:.0%} off the curve"


def _memory_curve(rows: pd.DataFrame) -> Curve | None:
    known = rows[floats(rows["memory_bytes"]) > 0]
    if len(known) < LEAST_SIZES:
        return None
    return Curve(floats(known["tokens"]), floats(known["memory_bytes"]))


def _refuse_distant(sizes: Sequence[int], tokens: int) -> None:
    """Refuse sizes that the curve cannot predict, and say which sizes to measure instead."""
    if len(sizes) < LEAST_SIZES:
        raise _CannotTellError(
            f"measured at {len(sizes)} size{'' if len(sizes) == 1 else 's'}, but a curve needs "
            f"{LEAST_SIZES}; measure more: {_sweep(_ladder(tokens))}"
        )
    if tokens > FARTHEST_BEYOND * max(sizes):
        nearer = ceil(sqrt(tokens / FARTHEST_BEYOND)) ** 2
        raise _CannotTellError(
            f"more than {FARTHEST_BEYOND} times the largest measured size ({max(sizes):,}); "
            f"measure closer: {_sweep([nearer])}"
        )
    if FARTHEST_BELOW * tokens < min(sizes):
        nearer = isqrt(FARTHEST_BELOW * tokens) ** 2
        raise _CannotTellError(
            f"below half the smallest measured size ({min(sizes):,}); "
            f"measure closer: {_sweep([nearer])}"
        )


def _ladder(tokens: int) -> list[int]:
    """Three square token counts from which `tokens` can be predicted."""
    side = max(2, ceil(sqrt(tokens / FARTHEST_BEYOND)))
    return [side**2, ceil(1.5 * side) ** 2, (2 * side) ** 2]


def _sweep(sizes: Sequence[int]) -> str:
    return f"attnbench sweep --n-tokens {','.join(map(str, sizes))}"


def _speed_up(prediction: Prediction, baseline: Prediction | None) -> Estimate | None:
    """Latency of dense ÷ latency of the mechanism; the baseline over itself is exactly 1."""
    if baseline is None:
        return None
    dense, own = baseline.latency_s, prediction.latency_s
    value = dense.value / own.value
    if prediction.implementation == baseline.implementation:
        return Estimate(value=value, low=value, high=value)
    highest = dense.high / own.low if own.low > 0 else inf
    return Estimate(value=value, low=dense.low / own.high, high=highest)
