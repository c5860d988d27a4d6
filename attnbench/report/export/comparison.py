"""A comparison as plain values in base units, ready for JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from attnbench.analysis.compare.poor import commands_for
from attnbench.analysis.compare.score_changes import ScoreChange
from attnbench.analysis.compare.verdict import Change, Comparison, net_peak_of, products_of
from attnbench.records import CostRecord
from attnbench.spec import as_plain


def plain(comparison: Comparison) -> dict[str, Any]:
    """The comparison; a value that was not measured is None."""
    return {
        "before": comparison.before,
        "after": comparison.after,
        "thresholds": asdict(comparison.thresholds),
        "counts": comparison.counts,
        "cells": [_plain_change(change) for change in comparison.changes],
        "only_before": [_plain_workload(record) for record in comparison.only_before],
        "only_after": [_plain_workload(record) for record in comparison.only_after],
        "overtaken": comparison.overtaken,
        "scores": [_plain_score(change) for change in comparison.scores.changes],
    }


def _plain_score(change: ScoreChange) -> dict[str, Any]:
    return {
        "metric": change.metric.key,
        "verdict": change.verdict,
        "basis": change.basis,
        "difference": change.value,
        "interval": change.interval,
        **{
            side: {
                "workload": as_plain(trained.records[0].workload),
                "runs": [record.run for record in trained.records],
                "scores": trained.scores,
            }
            for side, trained in (("before", change.before), ("after", change.after))
        },
    }


def _plain_change(change: Change) -> dict[str, Any]:
    return {
        **_plain_workload(change.after),
        "verdict": change.verdict,
        "reason": change.reason,
        "run": commands_for([change.after] if change.poor else []),
        "ratio": asdict(change.ratio) if change.ratio else None,
        "difference_s": change.difference_s,
        "floor_relative": change.floor,
        "memory": change.memory,
        "macs": change.macs,
        "params": change.params,
        "before": _plain_side(change.before),
        "after": _plain_side(change.after),
    }


def _plain_workload(record: CostRecord) -> dict[str, Any]:
    return {"kind": record.kind, "workload": as_plain(record.workload)}


def _plain_side(record: CostRecord) -> dict[str, Any]:
    latency = record.latency
    return {
        "key": record.key,
        "created": record.created,
        "environment": asdict(record.environment),
        "status": record.status,
        "latency_s": latency.median_s if latency else None,
        "latency_interval_s": latency.interval_s if latency else None,
        "samples": len(latency.samples_s) if latency else None,
        "memory_bytes": net_peak_of(record),
        "macs": products_of(record),
        "params": record.params,
    }
