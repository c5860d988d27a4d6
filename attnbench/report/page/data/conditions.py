"""The sets of conditions of the layers: names, roofs, poor cells, and where curves cross."""

from __future__ import annotations

from typing import Any

import pandas as pd

from attnbench.analysis.growth.curves import together
from attnbench.analysis.naming import MachineNames
from attnbench.analysis.quotable import poor
from attnbench.analysis.remeasure import cells_of, commands
from attnbench.report.page import limits
from attnbench.report.page.data.columns import rounded
from attnbench.report.tables.crossover_text import text_of
from attnbench.report.tables.growth import exponent_text
from attnbench.units import METRICS, format_bandwidth, format_mac_rate

ROOFS = {"roof_bytes_per_s": "memory", "roof_cache_bytes_per_s": "cache"}
NEEDED = [
    "conditions", "conditions_key", "implementation_key", "height", "width", "latency_s",
    "quotable", "baseline", "roof_macs_per_s", *ROOFS,
]  # fmt: skip


def conditions(layers: pd.DataFrame, machines: MachineNames) -> list[dict[str, Any]]:
    """Each set of conditions, in the order of these layers."""
    groups = together(layers["conditions_key"].tolist())
    needed = layers[NEEDED]  # the others would take most of the time
    return [_one(needed.iloc[group], machines) for group in groups]


def _one(rows: pd.DataFrame, machines: MachineNames) -> dict[str, Any]:
    first, bad = rows.iloc[0], poor(rows)
    return {
        "name": first["conditions"],
        "facts": machines.facts(first["conditions_key"]),
        "timed": int(rows["latency_s"].notna().sum()),
        "poor": len(bad),
        "again": commands(cells_of(bad))[: limits.COMMANDS_AT_ONCE],
        "baselines": sorted(set(rows["baseline"]) - {""}),
        "roofs": _roofs(first),
    }


def _roofs(row: pd.Series) -> dict[str, Any] | None:
    """The flat roof and the slanted ones, in MACs and bytes per second."""
    if pd.isna(row["roof_macs_per_s"]):
        return None
    slanted = {ROOFS[name]: row[name] for name in ROOFS if pd.notna(row[name])}
    return {
        "macs_per_s": rounded(row["roof_macs_per_s"]),
        "products": format_mac_rate(row["roof_macs_per_s"]),
        "bytes_per_s": {name: rounded(rate) for name, rate in slanted.items()},
        "copies": {name: format_bandwidth(rate) for name, rate in slanted.items()},
    }


def growth(
    layers: pd.DataFrame, crossovers: pd.DataFrame, scaling: pd.DataFrame
) -> list[dict[str, Any]]:
    """How each series of these layers grows, and where it overtakes dense, in words."""
    series = _places(layers["implementation_key"])
    places = _places(layers["conditions_key"])
    in_any_mode: dict[Any, list[int]] = {}
    for key, place in places.items():
        in_any_mode.setdefault(key.of_any_mode, []).append(place)
    found: dict[tuple[int, int], dict[str, str]] = {}
    known = crossovers["conditions_key"].isin(in_any_mode)
    for row in crossovers[known & crossovers["implementation_key"].isin(series)].to_dict("records"):
        for place in in_any_mode.get(row["conditions_key"], ()):
            texts = found.setdefault((place, series[row["implementation_key"]]), {})
            texts[f"overtakes: {row['cost']}"] = text_of(row["judged"])
    for row in scaling[scaling["conditions_key"].isin(places)].to_dict("records"):
        if (own := series.get(row["implementation_key"])) is not None:
            texts = found.setdefault((places[row["conditions_key"]], own), {})
            metric = METRICS[row["metric"].replace("training_macs", "macs")].label
            texts[f"exponent: {metric}"] = exponent_text(row)
    return [{"conditions": at, "series": own, "texts": t} for (at, own), t in found.items()]


def _places(keys: pd.Series) -> dict[Any, int]:
    return {key: at for at, key in enumerate(dict.fromkeys(keys))}
