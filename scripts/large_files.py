"""Invented results files of many records, for measuring how the tool deals with them.

Each kind is hard for another part of a report:

- `plain`: layers of all mechanisms and sizes under hundreds of sets of conditions;
- `tied`: the same, and many models whose cost and accuracy are equal;
- `ladder`: the same, and many models none of which beats another;
- `poor`: layers that are all graded C;
- `scattered`: layers that each have conditions of their own.

The same kind and number give the same file.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count, islice, product
from pathlib import Path
from typing import Any

from attnbench.records import Environment, LayerRecord, Macs, Memory, ModelRecord, Scores, store
from attnbench.records.disturbance import Contention
from attnbench.records.latency import Latency
from attnbench.records.line_sum import with_sum
from attnbench.records.schema import decode
from attnbench.spec import ModelWorkload, Protocol, Recipe, Workload

SAMPLES = 30
MODELS_SHARE = 0.055
"""Share of models in files that have them."""
SIDES = (8, 14, 16, 24, 32, 48, 64)
MECHANISMS = (("dense", "reference"), ("dense", "sdpa"), ("window", "reference"),
              ("sparse", "reference"), ("anchor", "reference"), ("anchor", "folded"))  # fmt: skip
ENVIRONMENT = Environment(
    device="cpu", device_name="Invented CPU", threads=2, torch="2.15.0", cuda="", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip
_CREATED = "2026-01-01T00:00:00+00:00"
_NOISE, _POOR_NOISE = 0.02, 0.5
"""Standard deviation of the samples, as a share of their median."""


def write(path: Path, records: int, kind: str = "plain") -> None:
    """Write a results file of that many different cells, of a kind of this module."""
    with path.open("wb") as file:
        for line in islice(KINDS[kind](records), records):
            text = json.dumps({**line, "key": getattr(decode(line), "key", "")}, ensure_ascii=False)
            file.write(with_sum(text).encode() + b"\n")


def _layers(noise: float = _NOISE, per_conditions: int | None = None) -> Iterator[dict[str, Any]]:
    """Cells of all mechanisms and sizes, then the same with other batches and widths.

    Args:
        noise: of the samples.
        per_conditions: cells after which the conditions change; None for all there are.
    """
    chance = random.Random(0)
    cells = [store.encode(_layer(*cell)) for cell in product(SIDES, MECHANISMS)]
    for number in count():
        turn = number // (per_conditions or len(cells))
        cell = cells[number % len(cells)]
        batch, dim = 1 + turn % 40, 192 * (1 + turn // 40)
        samples = [abs(chance.gauss(1, noise)) * batch + 1e-9 for _ in range(SAMPLES)]
        yield {
            **cell,
            "workload": {**cell["workload"], "batch": batch, "dim": dim},
            "latency": {**cell["latency"], "rounds_with": f"{batch}-{dim}", "samples_s": samples},
        }


def _with_models(model: Callable[[int], ModelRecord]) -> Callable[[int], Iterator[dict[str, Any]]]:
    def lines(records: int) -> Iterator[dict[str, Any]]:
        models = int(MODELS_SHARE * records)
        yield from islice(_layers(), records - models)
        yield from (store.encode(model(number)) for number in range(models))

    return lines


def _layer(side: int, mechanism: tuple[str, str]) -> LayerRecord:
    attention, impl = mechanism
    options = {"num_anchors": 30} if attention == "anchor" else {}
    macs = 192 * side**4 if attention == "dense" else 192 * 49 * side**2
    return LayerRecord(
        workload=Workload(attention=attention, grid=(side, side), impl=impl, options=options),
        environment=ENVIRONMENT, created=_CREATED, protocol=Protocol(),
        params=148_224, traffic_bytes=2**20 * side, least_bytes=2**16 * side, operators=8,
        first_call_s=0.25, asked_by="sweep",
        macs=_macs(macs),
        latency=_latency(),
        memory=Memory(peak_net_bytes=2**16 * side, peak_total_bytes=None, method="cpu profiler"),
    )  # fmt: skip


def _macs(products: int) -> Macs:
    return Macs(
        products_macs=products, norms_ops=0,
        by_operator_macs={"linear": products // 2, "matmul": products},
        uncounted=("mul", "softmax"), training_macs=3 * products,
    )  # fmt: skip


def _latency() -> Latency:
    return Latency(
        samples_s=(1.0,) * SAMPLES, stopped_by="precision", cache="warm", warmup_s=1.5,
        contention=Contention(own_cores=1.75, other_cores=0.0125, stolen_cores=0.0),
    )  # fmt: skip


def _tied_model(number: int) -> ModelRecord:
    """A trained model; all of them cost and score the same."""
    return ModelRecord(
        workload=ModelWorkload(
            model=f"model-{number}", attention="dense", img_size=(224, 224), num_classes=10,
        ),
        environment=ENVIRONMENT, created=_CREATED, protocol=Protocol(), run=f"run-{number}",
        recipe=Recipe(data="invented", img_size=(224, 224), epochs=10),
        params=5_000_000, macs=_macs(10**9), latency=_latency(),
        memory=Memory(peak_net_bytes=2**26, peak_total_bytes=None, method="cpu profiler"),
        scores=Scores(
            task="classification", values={"top1": 0.75, "top5": 0.95, "loss": 1.0}, count=1000,
            forward_s=2.0,
        ),
    )  # fmt: skip


def _ladder_model(number: int) -> ModelRecord:
    """A trained model that costs and scores a little more than the one before."""
    tied = _tied_model(number)
    assert tied.scores is not None
    values = {**tied.scores.values, "top1": 0.25 + number / 2**15}
    return replace(
        tied, macs=_macs(10**9 + 10**5 * number), scores=replace(tied.scores, values=values)
    )


KINDS: dict[str, Callable[[int], Iterator[dict[str, Any]]]] = {
    "plain": lambda records: _layers(),
    "tied": _with_models(_tied_model),
    "ladder": _with_models(_ladder_model),
    "poor": lambda records: _layers(noise=_POOR_NOISE),
    "scattered": lambda records: _layers(per_conditions=1),
}
"""The lines of each kind, for a number of records."""
