"""Part of `bench.py`: agreement with torch's own timer, and comparisons with known answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from math import ceil
from statistics import median

import torch
from bench_rows import Effort, Row, Section, met
from torch import nn
from torch.utils.benchmark import Timer as TorchTimer

from attnbench.analysis.compare.verdict import Change
from attnbench.doctor.comparisons import HALF_WAY, PLANTED, compare_same, compare_slowed
from attnbench.doctor.resolution_floor import resolution, within
from attnbench.doctor.timed_operator import REPEATS, TimedOperator, operator_of
from attnbench.profiling.latency.sampling import measure_latencies
from attnbench.profiling.latency.timer import Call, timer_for
from attnbench.records import CostRecord
from attnbench.records.median import median_interval
from attnbench.spec import Workload
from attnbench.units import format_percent, format_ratio, format_seconds

AGREEMENT = 0.05
RIGHT_SHARE = 19 / 20
FOUND_SHARE = 18 / 20
"""The aims."""


def operators(device: torch.device) -> dict[str, Call]:
    """Five operators that take between a tenth of a millisecond and some milliseconds."""
    layers = {
        "dense (sdpa), 576 tokens": Workload(attention="dense", grid=(24, 24), impl="sdpa"),
        "anchor-30, 576 tokens": Workload(
            attention="anchor", grid=(24, 24), options={"num_anchors": 30}
        ),
    }
    calls = {name: operator_of(layer, device).call for name, layer in layers.items()}
    x, square = torch.randn(576, 768, device=device), torch.randn(512, 512, device=device)
    linear, norm = nn.Linear(768, 768).to(device), nn.LayerNorm(768).to(device)
    return calls | {
        "Linear, 576 × 768 × 768": _without_gradients(partial(linear, x)),
        "LayerNorm, 576 × 768": _without_gradients(partial(norm, x)),
        "matmul, 512 × 512 × 512": _without_gradients(partial(torch.matmul, square, square)),
    }


def _without_gradients(call: Call) -> Call:
    return torch.inference_mode()(call)


def agreement(calls: Mapping[str, Call], device: torch.device, effort: Effort) -> Section:
    """Compare our median with that of torch's own timer."""
    return Section(
        title="Agreement with torch.utils.benchmark",
        conditions="median of ours ÷ median of theirs (`Timer.adaptive_autorange`, the same "
        f"threads), in {effort.turns} turns; in brackets the 95 % intervals of both medians.",
        rows=[_agreement_row(name, call, device, effort) for name, call in calls.items()],
    )


def _agreement_row(name: str, call: Call, device: torch.device, effort: Effort) -> Row:
    timer = timer_for(device)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(effort.turns):
        ours += measure_latencies({"": call}, effort.ours, timer, rounds_with="")[""].samples_s
        theirs += _their_times(call, *effort.theirs_s)
    ratio = median(ours) / median(theirs)
    return Row(
        what=name,
        measured=f"{format_ratio(ratio)}: {_time(ours)}, theirs {_time(theirs)}",
        aim=f"within {format_percent(AGREEMENT)}",
        outcome=met(max(ratio, 1 / ratio) <= 1 + AGREEMENT),
        numbers={
            "ours_s": median(ours), "ours_interval_s": median_interval(ours),
            "theirs_s": median(theirs), "theirs_interval_s": median_interval(theirs),
            "ratio": ratio,
        },
    )  # fmt: skip


def _their_times(call: Call, least_s: float, most_s: float) -> list[float]:
    """Seconds per call, each averaged over a block of calls."""
    timer = TorchTimer("call()", globals={"call": call}, num_threads=torch.get_num_threads())
    return timer.adaptive_autorange(min_run_time=least_s, max_run_time=most_s).times


def _time(samples: Sequence[float]) -> str:
    interval = median_interval(samples)
    bounds = " – ".join(map(format_seconds, interval)) if interval else "too few samples"
    return f"{format_seconds(median(samples))} [{bounds}]"


def comparisons(operator: TimedOperator, effort: Effort) -> Section:
    """How often a comparison says what is known, and what the machine resolves meanwhile."""
    same, slowed, runs = [], [], []
    for _ in range(effort.comparisons):
        same.append(compare_same(operator, effort.comparison))
        slowed.append(compare_slowed(operator, effort.comparison))
        runs.append(operator.measure_alone(effort.run))
    in_turn = within([change.ratio.value for change in same if change.ratio])
    apart = resolution([record.latency for record in runs if record.latency])
    return Section(
        title="Comparisons whose answer is known",
        conditions=f"{_operator(operator, runs)}; the slow-down calls it {REPEATS + 1} times; "
        f"sampled in turn; threshold {format_percent(HALF_WAY.relative)}.",
        rows=[
            same_row(same),
            *slowed_rows(slowed),
            _floor_row("in turn", in_turn),
            _floor_row("apart in time", apart),
        ],
    )


def _operator(operator: TimedOperator, runs: Sequence[CostRecord]) -> str:
    layer, typical_s = operator.workload, median(r.latency.median_s for r in runs if r.latency)
    return (
        f"dense (sdpa) layer of {layer.num_tokens} tokens, batch {layer.batch}, called {REPEATS} "
        f"times ({format_seconds(typical_s)})"
    )


def _verdicts(changes: Sequence[Change]) -> dict[str, int]:
    return dict(Counter(change.verdict for change in changes))


def _in_words(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items())


def same_row(changes: Sequence[Change]) -> Row:
    """How often an operator was the same as itself."""
    counts = _verdicts(changes)
    least = ceil(RIGHT_SHARE * len(changes))
    return Row(
        what="an operator with itself",
        measured=f"{_in_words(counts)} of {len(changes)}",
        aim=f"at least {least} same",
        outcome=met(counts.get("same", 0) >= least),
        numbers=counts,
    )


def slowed_rows(changes: Sequence[Change]) -> list[Row]:
    """How often a planted slow-down was found, or at least not denied."""
    counts = _verdicts(changes)
    least = ceil(FOUND_SHARE * len(changes))
    outcome = met(counts.get("slower", 0) + counts.get("cannot tell", 0) >= least)
    wrong = counts.get("same", 0) + counts.get("faster", 0)
    return [
        Row(
            what=f"a planted slow-down of {format_percent(PLANTED)}",
            measured=f"{_in_words(counts)} of {len(changes)}",
            aim=f'at least {least} slower or "cannot tell"',
            outcome=outcome,
            numbers=counts,
        ),
        Row(
            what="the same, called same or faster",
            measured=f"{wrong} of {len(changes)}",
            aim="0",
            outcome=met(wrong == 0),
            numbers={"wrong": wrong},
        ),
    ]


def _floor_row(how: str, floor: float) -> Row:
    return Row(
        what=f"resolution floor, {how}",
        measured=format_percent(floor),
        numbers={"relative": floor},
    )
