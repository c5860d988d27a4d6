"""Tables of scaling exponents and crossovers, one row per mechanism and set of conditions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice
from typing import Any

import pandas as pd

from attnbench.analysis.growth.curves import together
from attnbench.analysis.growth.exponent import LEAST_SPAN
from attnbench.analysis.keys import Implementation
from attnbench.analysis.naming import MachineNames, implementation_name, texts_of
from attnbench.analysis.quotable import POOR
from attnbench.analysis.speedup.crossover import COSTS
from attnbench.report.tables.columns import MISSING, MOST_ROWS, Column, Table, table_of
from attnbench.report.tables.crossover_text import text_of
from attnbench.units import METRICS

_Row = Mapping[Hashable, Any]
_SCALING_CAPTION = (
    "Exponent p of cost ∝ tokens^p with its 95 % interval: the log-log slope over the largest "
    f"sizes, at least four that span at least a factor of {LEAST_SPAN:g}. Small sizes are left out "
    "because their overhead would look like slow growth. The interval covers the residuals and the "
    "noise of the samples. 1 is linear, 2 quadratic. Compare with the exponent of the MACs, which "
    "include the backward pass if the mode does. Latencies graded C are left out."
)
_CROSSOVER_CAPTION = (
    "The token count from which a mechanism costs less than the fastest dense cell of the same "
    "size and conditions, and the side of a square image with that many patches of 16 × 16 pixels. "
    "Values are interpolated in log-log between measured sizes. The 95 % interval reaches from the "
    "last measured size that is clearly behind to the first that is clearly ahead; it holds for "
    "all sizes at once. Latencies graded C are left out. MACs and memory are counted, so they "
    "cross between the two sizes given."
)


def scaling_table(scaling: pd.DataFrame, machines: MachineNames) -> Table:
    """One row per mechanism and set of conditions, one column per metric."""
    shown = scaling.assign(metric=scaling["metric"].replace("training_macs", "macs"))
    heads = {"latency_s": "latency", "memory_bytes": "net peak memory", "macs": "MACs"}
    columns = (
        *(_looked_up(metric, head, exponent_text) for metric, head in heads.items()),
        Column(head="fitted to", text=_range_text),
    )
    made = _wide(shown, "metric", columns, machines)
    return made.table("How cost grows", _SCALING_CAPTION, "scaling.csv")


def with_texts(crossovers: pd.DataFrame, machines: MachineNames) -> pd.DataFrame:
    """The crossovers with conditions, baselines and outcomes as text instead of objects."""
    told = crossovers.drop(columns=["judged", "baseline_keys"]).assign(
        baseline=_each(_names, crossovers["baseline_keys"]),
        text=[text_of(judged) for judged in crossovers["judged"]],
    )
    conditions = _each(machines.conditions, told["conditions_key"])
    told.insert(list(told.columns).index("mode"), "conditions", conditions)
    return told


def _each(text: Callable[[Any], str], keys: Iterable[Any]) -> list[str]:
    """The text of each key; many rows share one."""
    return list(map(cache(text), keys))


def crossover_table(crossovers: pd.DataFrame, machines: MachineNames) -> Table:
    """One row per mechanism and set of conditions, one column per kind of cost."""
    columns = tuple(_looked_up(cost.name, cost.name, _crossover_text) for cost in COSTS)
    over = _names(frozenset().union(*crossovers["baseline_keys"]))
    caption = f"{_CROSSOVER_CAPTION} Dense baselines: {over}." if over else _CROSSOVER_CAPTION
    made = _wide(crossovers, "cost", columns, machines)
    return made.table("Where each mechanism overtakes dense", caption, "crossover.csv")


def _names(baselines: frozenset[Implementation]) -> str:
    return texts_of(implementation_name(key) for key in baselines)


def _looked_up(key: str, head: str, text: Callable[[_Row], str]) -> Column:
    """A column that shows one of the rows joined into a row of the table."""
    return Column(
        head=head, text=lambda row: text(row[key]) if key in row else MISSING, optional=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wide:
    """The rows of each mechanism joined into one, and the conditions that all of them share."""

    columns: tuple[Column, ...]
    rows: Sequence[Mapping[str, _Row]]
    total: int
    shared: str

    def table(self, title: str, caption: str, csv: str) -> Table:
        """The table; its caption starts with the conditions that all rows share."""
        caption = f"{self.shared}. {caption}" if self.shared else caption
        return table_of(title, caption, self.columns, self.rows, total=self.total, csv=csv)


def _wide(
    frame: pd.DataFrame, key: str, columns: tuple[Column, ...], machines: MachineNames
) -> _Wide:
    conditions = frame["conditions_key"].tolist()
    shared, own = machines.parted(list(dict.fromkeys(conditions)))
    heads = [Column(head="attention", text=lambda row: row[""]["label"])]
    if any(own.values()):
        heads.append(Column(head="conditions", text=lambda row: own[row[""]["conditions_key"]]))
    notes = Column(head="notes", text=_joined_notes, optional=True)
    groups = together(conditions, frame["implementation_key"].tolist())
    shown = groups[:MOST_ROWS]
    members = iter(frame.iloc[list(chain(*shown))].to_dict("records"))
    return _Wide(
        columns=(*heads, *columns, notes),
        rows=[_joined(list(islice(members, len(group))), key) for group in shown],
        total=len(groups),
        shared=shared,
    )


def _joined(members: Sequence[_Row], key: str) -> dict[str, _Row]:
    """The rows by their value of `key`; the first one also by "", for shared values."""
    return {row[key]: row for row in members} | {"": members[0]}


def exponent_text(row: _Row) -> str:
    """The exponent with its interval, or that it was not measured well enough."""
    low, high = row["exponent_low"], row["exponent_high"]
    if pd.isna(row["exponent"]):
        return POOR
    return f"{row['exponent']:.2f} [{low:.2f} to {high:.2f}]"


def _range_text(joined: Mapping[str, _Row]) -> str:
    """The range of sizes of each exponent, written once if all share it."""
    texts = {key: _range_of(row) for key, row in joined.items() if key and row["sizes"]}
    if not texts:
        return MISSING
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"{METRICS[key].label}: {text}" for key, text in texts.items())


def _range_of(row: _Row) -> str:
    return f"{row['from_tokens']:,.0f} … {row['to_tokens']:,.0f} tokens ({row['sizes']} sizes)"


def _crossover_text(row: _Row) -> str:
    of_mode = " (forward+backward)" if row["mode"] == "forward+backward" else ""
    return text_of(row["judged"]) + of_mode


def _joined_notes(joined: Mapping[str, _Row]) -> str:
    """The notes of all columns; a note that several share is written once, with their heads."""
    heads: dict[str, list[str]] = {}
    for key, row in joined.items():
        for note in row["notes"].split("; ") if key and row["notes"] else ():
            heads.setdefault(note, []).append(METRICS[key].label if key in METRICS else key)
    return "; ".join(f"{', '.join(keys)}: {note}" for note, keys in heads.items()) or MISSING
