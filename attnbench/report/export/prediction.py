"""Predictions as plain values in base units, ready for JSON."""

from __future__ import annotations

from math import isfinite
from typing import Any

from attnbench.analysis.growth.polynomial import Estimate
from attnbench.analysis.growth.prediction import Group, Prediction, Predictions


def plain(predictions: Predictions) -> dict[str, Any]:
    """The predictions; missing values and unbounded ends of intervals are None."""
    return {
        "tokens": predictions.tokens,
        "groups": [_group(group) for group in predictions.groups],
        "refused": list(predictions.refused),
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "conditions": group.conditions,
        "baseline": group.baseline_label or None,
        "predictions": [_prediction(prediction) for prediction in group.predictions],
    }


def _prediction(prediction: Prediction) -> dict[str, Any]:
    return {
        "label": prediction.label,
        "attention": prediction.attention,
        "impl": prediction.impl,
        "options": prediction.options,
        **_estimate("latency", "_s", prediction.latency_s),
        "latency_terms_s": prediction.latency_terms_s,
        **_estimate("memory", "_bytes", prediction.memory_bytes),
        "memory_terms_bytes": prediction.memory_terms_bytes,
        **_estimate("speedup", "", prediction.speedup),
        "measured_tokens": prediction.tokens,
        "note": prediction.note,
    }


def _estimate(name: str, unit: str, estimate: Estimate | None) -> dict[str, Any]:
    """A value and its interval; the unit ends their names."""
    if estimate is None:
        return {f"{name}{unit}": None, f"{name}_interval{unit}": None}
    ends = [end if isfinite(end) else None for end in (estimate.low, estimate.high)]
    return {f"{name}{unit}": estimate.value, f"{name}_interval{unit}": ends}
