"""How cost grows and where each overtakes dense, as tables for people: a row a mechanism."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from attnbench.report.columns import MISSING, Column, Table, table_of
from attnbench.report.crossover import COSTS
from attnbench.report.scaling import LEAST_SPAN
from attnbench.units import METRICS

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
    return _wide(shown, "How cost grows", _SCALING_CAPTION, ("conditions", "metric"), columns)


def crossover_table(crossovers: pd.DataFrame) -> Table:
    """One row for each mechanism and setting; the kinds of cost side by side."""
    columns = tuple(_looked_up(cost.name, cost.name, _crossover_text) for cost in COSTS)
    over = " or ".join(sorted({b for bs in crossovers["baseline"] for b in bs.split(" or ") if b}))
    caption = f"{_CROSSOVER_CAPTION} Dense here: {over}." if over else _CROSSOVER_CAPTION
    return _wide(crossovers, "Where each overtakes dense", caption, ("setting", "cost"), columns)


def _looked_up(key: str, head: str, text: Callable[[pd.Series], str]) -> Column:
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
) -> Table:
    """Join the rows of one mechanism; conditions shared by all are said in the caption."""
    place, key = names
    shared, own = _parted(list(dict.fromkeys(frame[place])))
    heads = [Column(head="attention", text=lambda row: row[""]["label"])]
    if any(own.values()):
        heads.append(Column(head="conditions", text=lambda row: own[row[""][place]]))
    notes = Column(head="notes", text=_joined_notes, optional=True)
    rows = [
        {row[key]: row for _, row in members.iterrows()} | {"": members.iloc[0]}
        for _, members in frame.groupby([place, "label"], sort=False)
    ]
    caption = f"{shared}. {caption}" if shared else caption
    return table_of(title, caption, (*heads, *columns, notes), rows)


def _parted(places: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The facts that all conditions share, and what is left of each without them."""
    facts = {place: place.split(", ") for place in places}
    shared = [fact for fact in facts[places[0]] if all(fact in other for other in facts.values())]
    own = {
        place: ", ".join(fact for fact in parts if fact not in shared)
        for place, parts in facts.items()
    }
    return ", ".join(shared), own


def _exponent_text(row: pd.Series) -> str:
    low, high = row["exponent_low"], row["exponent_high"]
    return f"{row['exponent']:.2f} [{low:.2f} to {high:.2f}]"


def _range_text(joined: dict[str, pd.Series]) -> str:
    """The range of each exponent, said once where they share it."""
    texts = {key: _range_of(row) for key, row in joined.items() if key}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return "; ".join(f"{METRICS[key].label}: {text}" for key, text in texts.items())


def _range_of(row: pd.Series) -> str:
    return f"{row['from_tokens']:,} … {row['to_tokens']:,} tokens ({row['sizes']} sizes)"


def _crossover_text(row: pd.Series) -> str:
    of_mode = " (forward+backward)" if row["mode"] == "forward+backward" else ""
    return row["text"] + of_mode


def _joined_notes(joined: dict[str, pd.Series]) -> str:
    """The notes of all columns; one that several share is said once, with their heads."""
    heads: dict[str, list[str]] = {}
    for key, row in joined.items():
        for note in row["notes"].split("; ") if key and row["notes"] else ():
            heads.setdefault(note, []).append(METRICS[key].label if key in METRICS else key)
    return "; ".join(f"{', '.join(keys)}: {note}" for note, keys in heads.items()) or MISSING
