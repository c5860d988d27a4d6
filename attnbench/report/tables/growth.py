"""How cost grows and where each overtakes dense, as tables for people: a row a mechanism."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from itertools import chain, islice
from typing import Any

import pandas as pd

from attnbench.analysis.growth.curves import together
from attnbench.analysis.growth.exponent import LEAST_SPAN
from attnbench.analysis.speedup.crossover import COSTS
from attnbench.report.tables.columns import MISSING, MOST_ROWS, Column, Table, table_of
from attnbench.units import METRICS

_Row = Mapping[Hashable, Any]
_SCALING_CAPTION = (
    "Exponent p of cost ∝ tokens^p with its 95 % interval: the slope in log-log over the largest "
    f"sizes that are at least four and span at least a factor of {LEAST_SPAN:g}, so that overhead "
    "at small sizes does not pass for slow growth; the interval knows the residuals and the "
    "samples' noise. 1 is linear, 2 quadratic; MACs are the yardstick (of forward and backward "
    "where the mode goes backward)."
)
_CROSSOVER_CAPTION = (
    "Tokens from which on each costs less than the fastest dense cell of the same size and "
    "conditions, and the side of the square image of that many patches of 16 × 16 pixels. "
    "Values between measured sizes are interpolated in log-log; a 95 % interval reaches from the "
    "last measured size that is surely behind to the first that is surely ahead. MACs and memory "
    "are counted: what is sure of them is that they cross between the two sizes named."
)


def scaling_table(scaling: pd.DataFrame) -> Table:
    """One row for each mechanism and set of conditions; the exponents side by side."""
    shown = scaling.assign(metric=scaling["metric"].replace("training_macs", "macs"))
    heads = {"latency_s": "latency", "memory_bytes": "net peak memory", "macs": "MACs"}
    columns = (
        *(_looked_up(metric, head, _exponent_text) for metric, head in heads.items()),
        Column(head="over", text=_range_text),
    )
    names = ("conditions", "metric")
    return _wide(shown, "How cost grows", _SCALING_CAPTION, names, columns, "scaling.csv")


def crossover_table(crossovers: pd.DataFrame) -> Table:
    """One row for each mechanism and setting; the kinds of cost side by side."""
    columns = tuple(_looked_up(cost.name, cost.name, _crossover_text) for cost in COSTS)
    over = " or ".join(sorted({b for bs in crossovers["baseline"] for b in bs.split(" or ") if b}))
    caption = f"{_CROSSOVER_CAPTION} Dense here: {over}." if over else _CROSSOVER_CAPTION
    title, names = "Where each overtakes dense", ("setting", "cost")
    return _wide(crossovers, title, caption, names, columns, "crossover.csv")


def _looked_up(key: str, head: str, text: Callable[[_Row], str]) -> Column:
    """A column that shows one of the rows that were joined into a row of the table."""
    return Column(
        head=head, text=lambda row: text(row[key]) if key in row else MISSING, optional=True
    )


def _wide(
    frame: pd.DataFrame,
    title: str,
    caption: str,
    names: tuple[str, str],
    columns: tuple[Column, ...],
    csv: str,
) -> Table:
    """Join the rows of one mechanism; conditions shared by all are said in the caption."""
    place, key = names
    shared, own = _parted(list(dict.fromkeys(frame[place])))
    heads = [Column(head="attention", text=lambda row: row[""]["label"])]
    if any(own.values()):
        heads.append(Column(head="conditions", text=lambda row: own[row[""][place]]))
    notes = Column(head="notes", text=_joined_notes, optional=True)
    groups = together(frame[place].tolist(), frame["label"].tolist())
    shown_groups = groups[:MOST_ROWS]
    members = iter(frame.iloc[list(chain(*shown_groups))].to_dict("records"))
    rows = [_joined(list(islice(members, len(places))), key) for places in shown_groups]
    caption = f"{shared}. {caption}" if shared else caption
    shown = (*heads, *columns, notes)
    return table_of(title, caption, shown, rows, total=len(groups), csv=csv)


def _joined(members: Sequence[_Row], key: str) -> dict[str, _Row]:
    """The rows by what `key` says of them; any of them by "", for what they share."""
    return {row[key]: row for row in members} | {"": members[0]}


def _parted(places: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The facts that all conditions share, and what is left of each without them."""
    facts = {place: place.split(", ") for place in places}
    shared = [fact for fact in facts[places[0]] if all(fact in other for other in facts.values())]
    own = {
        place: ", ".join(fact for fact in parts if fact not in shared)
        for place, parts in facts.items()
    }
    return ", ".join(shared), own


def _exponent_text(row: _Row) -> str:
    low, high = row["exponent_low"], row["exponent_high"]
    return f"{row['exponent']:.2f} [{low:.2f} to {high:.2f}]"


def _range_text(joined: dict[str, _Row]) -> str:
    """The range of each exponent, said once where they share it."""
    texts = {key: _range_of(row) for key, row in joined.items() if key}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"{METRICS[key].label}: {text}" for key, text in texts.items())


def _range_of(row: _Row) -> str:
    return f"{row['from_tokens']:,} … {row['to_tokens']:,} tokens ({row['sizes']} sizes)"


def _crossover_text(row: _Row) -> str:
    of_mode = " (forward+backward)" if row["mode"] == "forward+backward" else ""
    return row["text"] + of_mode


def _joined_notes(joined: dict[str, _Row]) -> str:
    """The notes of all columns; one that several share is said once, with their heads."""
    heads: dict[str, list[str]] = {}
    for key, row in joined.items():
        for note in row["notes"].split("; ") if key and row["notes"] else ():
            heads.setdefault(note, []).append(METRICS[key].label if key in METRICS else key)
    return "; ".join(f"{', '.join(keys)}: {note}" for note, keys in heads.items()) or MISSING
