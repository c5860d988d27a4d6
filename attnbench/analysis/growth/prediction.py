"""Predict latency and memory at a token count that was not measured.

Each mechanism under one set of conditions has its own curve (see `polynomial`). Predictions reach
from half the smallest size to sixteen times the largest. The speed-up is over the dense attention
that is predicted to be fastest; its interval combines both latency intervals, worst case.

`refusal` says which curves are good enough. A mechanism whose latency is refused keeps its memory.
If the latencies of any dense attention are too poor, it is not known which one is the fastest, and
there are no speed-ups.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from math import inf

import pandas as pd

from attnbench.analysis.growth.curves import left_out_note
from attnbench.analysis.growth.many_curves import ManyCurves
from attnbench.analysis.growth.measured import Measured, measured
from attnbench.analysis.growth.polynomial import Curve, Estimate
from attnbench.analysis.growth.refusal import (
    WIDEST,
    Refusals,
    curves_of,
    is_vague,
    latency_curve,
    memory_curve,
)
from attnbench.analysis.keys import Implementation
from attnbench.analysis.speedup.baseline import fastest, is_baseline
from attnbench.errors import UserError
from attnbench.spec.validation import within

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
    latency_s: Estimate | None
    """None if the latencies are too poor; `Predictions.refused` says what to run."""
    latency_terms_s: tuple[float, float, float] | None
    """Seconds: constant, per token, per token squared."""
    memory_bytes: Estimate | None
    memory_terms_bytes: tuple[float, float, float] | None
    speedup: Estimate | None
    """Over the fastest dense attention; None if it is not known, or not known well enough."""
    tokens: tuple[int, ...]
    """The measured sizes behind the latency, else behind the memory."""
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


def predict(layers: pd.DataFrame, tokens: int, attentions: Sequence[str] = ()) -> Predictions:
    """Predict every curve in a frame of layers, or only those of `attentions`.

    Raises:
        UserError: the count is out of range, or nothing can be predicted; the message says why.
    """
    within(n_tokens=tokens)
    _refuse_unknown(layers, attentions)
    refusals = Refusals()
    groups = []
    every = list(measured(layers))
    needed = (one for one in chain.from_iterable(every) if _is_needed(one.attention, attentions))
    fitted = curves_of(needed, tokens)
    for curves in every:
        group = _group(curves, tokens, attentions, refusals, fitted)
        if group.predictions:
            groups.append(group)
    refused = refusals.lines()
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


def _is_needed(attention: str, attentions: Sequence[str]) -> bool:
    """Whether an attention is asked for, or is what speed-ups are over."""
    return not attentions or attention in attentions or is_baseline(attention)


def _group(
    curves: Sequence[Measured],
    tokens: int,
    attentions: Sequence[str],
    refusals: Refusals,
    fitted: ManyCurves,
) -> Group:
    """Predict the curves under one set of conditions, always including dense for the baseline."""
    found: list[Prediction] = []
    dense_is_known = True
    for curve in curves:
        attention = curve.attention
        asked = not attentions or attention in attentions
        if not _is_needed(attention, attentions):
            continue
        latency, refused = latency_curve(curve, tokens, fitted)
        if refused and asked:
            refusals.add(curve, refused)
        if refused and refused.is_poor and is_baseline(attention):
            dense_is_known = False
        if prediction := _prediction(curve, tokens, latency, fitted):
            found.append(prediction)
    baseline = _fastest_dense(found) if dense_is_known else None
    shown = [p for p in found if not attentions or p.attention in attentions]
    return Group(
        conditions=curves[0].conditions,
        baseline=baseline.implementation if baseline else None,
        baseline_label=baseline.label if baseline else "",
        predictions=tuple(_with_speed_up(p, baseline) for p in shown),
    )


def _fastest_dense(found: Iterable[Prediction]) -> Prediction | None:
    dense = [p for p in found if is_baseline(p.attention) and p.latency_s is not None]
    return fastest(dense, lambda p: inf if p.latency_s is None else p.latency_s.value)


def _prediction(
    rows: Measured, tokens: int, latency: Curve | None, fitted: ManyCurves
) -> Prediction | None:
    """Everything except the speed-up, from one mechanism's cells in ascending order of tokens.

    None if neither latency nor memory can be predicted.
    """
    known = rows.where(rows.memory_bytes > 0)
    memory = memory_curve(known, tokens, fitted)
    if latency is None and memory is None:
        return None
    behind = known if latency is None else rows.sure
    left_out = left_out_note(rows.poor.sizes) if latency else ""
    return Prediction(
        label=rows.label,
        implementation=rows.implementation_key,
        attention=rows.attention,
        impl=rows.impl,
        options=rows.options,
        latency_s=latency.at(tokens) if latency else None,
        latency_terms_s=latency.coefficients if latency else None,
        memory_bytes=memory.at(tokens) if memory else None,
        memory_terms_bytes=memory.coefficients if memory else None,
        speedup=None,
        tokens=tuple(behind.sizes),
        note="; ".join(filter(None, (_misfit(latency), left_out))),
    )


def _misfit(curve: Curve | None) -> str:
    """A note if measured latencies lie far off the curve, which widens the interval."""
    if curve is None or curve.worst_error < WORTH_SAYING:
        return ""
    return f"measured latencies are up to {curve.worst_error:.0%} off the curve"


def _with_speed_up(prediction: Prediction, baseline: Prediction | None) -> Prediction:
    """Add the latency of dense ÷ that of the mechanism, and a note if it is not known."""
    speedup = _speed_up(prediction, baseline)
    if speedup is None or not is_vague(speedup):
        return replace(prediction, speedup=speedup)
    vague = f"no speed-up: its interval would span more than a factor of {WIDEST:g}"
    return replace(prediction, note="; ".join(filter(None, (prediction.note, vague))))


def _speed_up(prediction: Prediction, baseline: Prediction | None) -> Estimate | None:
    """Latency of dense ÷ latency of the mechanism; the baseline over itself is exactly 1."""
    if baseline is None or baseline.latency_s is None or prediction.latency_s is None:
        return None
    dense, own = baseline.latency_s, prediction.latency_s
    value = dense.value / own.value
    if prediction.implementation == baseline.implementation:
        return Estimate(value=value, low=value, high=value)
    highest = dense.high / own.low if own.low > 0 else inf
    return Estimate(value=value, low=dense.low / own.high, high=highest)
