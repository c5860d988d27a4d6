"""The tables of `mechanisms_page.py`: a row for each mechanism, from frames of records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
from scipy.stats import binomtest

from attnbench.analysis.keys import Implementation, LayerConditions
from attnbench.analysis.naming import mechanism_name
from attnbench.analysis.speedup.baseline import is_baseline
from attnbench.analysis.speedup.crossover import crossovers
from attnbench.benchmark.largest import Largest, largest_map
from attnbench.errors import UserError
from attnbench.registry import ATTENTIONS
from attnbench.report.tables.columns import or_missing
from attnbench.report.tables.crossover_text import text_of
from attnbench.report.tables.markdown import table_lines
from attnbench.spec import Workload
from attnbench.units import METRICS, format_seconds_beside

FORWARD, TRAIN = "forward", "train"
BUDGET_BYTES = 8 * 2**30
COUNTED = "*"
"""Stands behind a largest map where convolutions take much scratch that only was measured."""
MUCH = 1.1

Row = Any


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """One mechanism by its implementation that is the fastest forward at the largest size."""

    key: Implementation
    cells: Mapping[tuple[str, int], Row]
    """By mode and number of tokens."""

    def cell(self, mode: str, tokens: int) -> Row | None:
        """None where it was not measured."""
        return self.cells.get((mode, tokens))

    @property
    def name(self) -> str:
        """Such as "anchor-30, folded"; the reference is not named."""
        impl = "" if self.key.impl == "reference" else f", {self.key.impl}"
        return mechanism_name(self.key) + impl

    def largest(self, mode: str) -> Largest | None:
        """The largest map within the budget; None without a measured peak."""
        measured = [row for (of, _), row in self.cells.items() if of == mode]
        measured = [row for row in measured if row.memory_bytes > 0]
        if not measured:
            return None
        row = max(measured, key=lambda one: one.tokens)
        return largest_map(_workload(row), int(row.memory_bytes), BUDGET_BYTES)


def _workload(row: Row) -> Workload:
    key, where = row.implementation_key, row.conditions_key
    return Workload(
        attention=key.attention, impl=key.impl, options=key.options, grid=(row.height, row.width),
        mode=row.mode, dtype=where.dtype, batch=where.batch, dim=where.dim,
        num_heads=where.num_heads,
    )  # fmt: skip


class Layers:
    """The layers of one machine at one width."""

    def __init__(self, frame: pd.DataFrame) -> None:
        """Take a frame of layers.

        Raises:
            UserError: it holds none, or several conditions.
        """
        conditions = {key.of_any_mode for key in frame["conditions_key"]}
        if len(conditions) != 1:
            raise UserError(f"expected layers under one set of conditions, got {len(conditions)}")
        self.frame = frame
        self.conditions: LayerConditions = conditions.pop()
        self.sizes: list[int] = sorted(set(frame["tokens"].tolist()))

    @cached_property
    def mechanisms(self) -> list[Mechanism]:
        """In the order of the registry."""
        names = [name for name in ATTENTIONS.names() if name in set(self.frame["attention"])]
        return [self._mechanism(name) for name in names]

    def _mechanism(self, name: str) -> Mechanism:
        rows = rows_of(self.frame[self.frame["attention"] == name])
        timed = [row for row in rows if row.mode == FORWARD and not pd.isna(row.latency_s)]
        best = min(timed or rows, key=lambda row: (-row.tokens, row.latency_s))
        key = best.implementation_key
        own = {(r.mode, r.tokens): r for r in rows if r.implementation_key == key}
        return Mechanism(key=key, cells=own)

    @cached_property
    def overtakes(self) -> Mapping[tuple[Implementation, str], str]:
        """From which size on each costs less than dense, by kind of cost."""
        found = crossovers(self.frame)
        columns = (found[name] for name in ("implementation_key", "cost", "judged"))
        return {(key, cost): text_of(judged) for key, cost, judged in zip(*columns, strict=True)}

    def costs(self) -> list[str]:
        """Lines of the table of parameters, MACs and latency."""
        heads = ["attention", "parameters", *(f"GMACs, {n:,}" for n in self.sizes)]
        heads += [f"latency, {n:,}" for n in self.sizes]
        return _table(heads, [self._costs_of(one) for one in self.mechanisms])

    def _costs_of(self, one: Mechanism) -> list[str]:
        cells = [one.cell(FORWARD, size) for size in self.sizes]
        return [
            one.name,
            of_metric("params", cells[-1]),
            *(of_metric("macs", cell).removesuffix(" G") for cell in cells),
            *(latency_text(cell) for cell in cells),
        ]

    def memory_and_training(self) -> list[str]:
        """Lines of the table of memory, training steps, largest maps and crossovers."""
        most = self.sizes[-1]
        heads = ["attention", f"memory, {most:,}", *(f"training step, {n:,}" for n in self.sizes)]
        heads += [f"memory of a step, {most:,}", "largest n in 8 GiB", "in a training step"]
        heads += ["faster than dense", "in a training step"]
        return _table(heads, [self._training_of(one, most) for one in self.mechanisms])

    def _training_of(self, one: Mechanism, most: int) -> list[str]:
        return [
            one.name,
            of_metric("memory_bytes", one.cell(FORWARD, most)),
            *(latency_text(one.cell(TRAIN, size)) for size in self.sizes),
            of_metric("memory_bytes", one.cell(TRAIN, most)),
            *(largest_text(one.largest(mode)) for mode in (FORWARD, TRAIN)),
            *(self._overtakes(one.key, cost) for cost in ("latency", "training step")),
        ]

    def _overtakes(self, key: Implementation, cost: str) -> str:
        return "baseline" if is_baseline(key.attention) else self.overtakes.get((key, cost), "–")


def rows_of(frame: pd.DataFrame) -> list[Row]:
    """The rows of a frame, with its columns as attributes."""
    return list(frame.itertuples(index=False))


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return table_lines(heads, [False, *(True for _ in heads[1:])], rows)


def of_metric(key: str, row: Row | None) -> str:
    """A metric of a row in its usual format; a dash where it is not known."""
    form: Callable[[Any], str] = METRICS[key].format
    return or_missing(None if row is None else getattr(row, key), form)


def latency_text(row: Row | None) -> str:
    """Median, 95 % interval and grade: "1.20 ms [1.18 – 1.23] A"; else why there is none."""
    if row is None:
        return "–"
    if pd.isna(row.latency_s):
        return str(row.status.replace("_", " "))
    text = METRICS["latency_s"].format(row.latency_s)
    if not pd.isna(row.latency_low_s):
        ends = (row.latency_low_s, row.latency_high_s)
        text += f" [{' – '.join(format_seconds_beside(end, row.latency_s) for end in ends)}]"
    return f"{text} {row.trust}"


def largest_text(found: Largest | None) -> str:
    """Tokens of the largest map in thousands or millions, a range where count and scale differ."""
    if found is None:
        return "–"
    ends = dict.fromkeys(_tokens_text(one) for one in (found.low, found.high))
    mark = COUNTED if found.scale > MUCH else ""
    return ("" if found.is_bounded else "over ") + " – ".join(ends) + mark


def _tokens_text(tokens: int) -> str:
    return f"{tokens / 1e6:.2f} M" if tokens >= 1e6 else f"{tokens / 1e3:,.1f} k"


def top1_interval(row: Row) -> tuple[float, float]:
    """The 95 % interval (Wilson) of a share of the held-out images."""
    right = round(row.top1 * row.scored)
    interval = binomtest(right, row.scored).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def trained(models: pd.DataFrame, to_dense: Mapping[str, str]) -> list[str]:
    """Lines of the table of trained models, the highest top-1 first, and how many are missing.

    Args:
        models: the trained models.
        to_dense: by attention, how far its top-1 is from that of dense attention.
    """
    heads = ["attention", "top-1 [95 %]", "to dense, points", "loss", "parameters", "GMACs"]
    ordered = models.sort_values(["top1", "attention"], ascending=[False, True])
    missing = len(set(ATTENTIONS.names()) - set(models["attention"]))
    lines = _table(heads, [_trained(row, to_dense) for row in rows_of(ordered)])
    return [*lines, "", f"Not trained yet: {missing} mechanisms."] if missing else lines


def _trained(row: Row, to_dense: Mapping[str, str]) -> list[str]:
    low, high = top1_interval(row)
    return [
        row.attention,
        f"{100 * row.top1:.1f} % [{100 * low:.1f} – {100 * high:.1f}]",
        to_dense.get(row.attention, "–"),
        f"{row.loss:.3f}",
        of_metric("params", row),
        of_metric("macs", row).removesuffix(" G"),
    ]
