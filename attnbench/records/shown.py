"""What a record says in a notebook and at a prompt: its main facts, each with its unit.

Text comes from anywhere: it is made visible, and in HTML escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from html import escape
from typing import TYPE_CHECKING, Any

from attnbench.units import METRICS, format_seconds, format_seconds_beside
from attnbench.visible import one_line

if TYPE_CHECKING:
    from attnbench.records.record import Record

Fact = tuple[str, str]
LONGEST = 200
"""Characters of one fact."""


def facts(record: Record) -> list[Fact]:
    """Names and values: the workload, the outcome, what was measured, and where."""
    found = [
        *_workload(record),
        ("status", f"{record.status}: {record.reason}" if record.reason else record.status),
        *_costs(record),
        *_scores(record),
        ("environment", record.environment.label),
        ("created", record.created),
        *(("note", note) for note in record.notes),
    ]
    return [(name, _short(text)) for name, text in found]


def html_table(record: Record) -> str:
    """The facts as a table of HTML."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{escape(text)}</td></tr>"
        for name, text in facts(record)
    )
    return f"<table><caption>{escape(type(record).__name__)}</caption><tbody>{rows}</tbody></table>"


def _workload(record: Record) -> Iterator[Fact]:
    """What was measured; what is empty is left out."""
    for field in fields(record.workload):
        value = getattr(record.workload, field.name)
        if value not in (None, "", (), {}):
            yield field.name, _plain(value)


def _costs(record: Any) -> Iterator[Fact]:
    """Those of a `CostRecord` that were measured."""
    params, macs = getattr(record, "params", None), getattr(record, "macs", None)
    latency, memory = getattr(record, "latency", None), getattr(record, "memory", None)
    if params is not None:
        yield "parameters", METRICS["params"].format(params)
    if macs is not None:
        yield "MACs", METRICS["macs"].format(macs.products_macs)
    if latency is not None:
        yield "latency", _latency(latency)
    if memory is not None:
        yield "peak memory", METRICS["memory_bytes"].format(memory.peak_net_bytes)


def _latency(latency: Any) -> str:
    interval = latency.interval_s
    median = format_seconds(latency.median_s)
    if interval is None:
        return median
    low, high = (format_seconds_beside(one, latency.median_s) for one in interval)
    return f"{median} [{low} – {high}]"


def _scores(record: Any) -> Iterator[Fact]:
    scores = getattr(record, "scores", None)
    for name, value in ({} if scores is None else scores.values).items():
        if value is not None:
            yield name, METRICS[name].format(value) if name in METRICS else f"{value:.4g}"


def _plain(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_plain(one)}" for name, one in value.items())
    if isinstance(value, tuple) and all(isinstance(one, int) for one in value):
        return " × ".join(map(str, value))
    return str(value)


def _short(text: str) -> str:
    shown = one_line(text)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 2]} …"
