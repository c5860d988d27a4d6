"""Measure how fast the anchor layer is on this machine; a part of `make bench`.

At each size these are sampled in turn: timm's dense attention, the anchor layer as six eager
operators (`reference`), its other implementations that run here, and a square product, whose rate
is this machine's limit. Each aim is printed with its outcome.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from bench_rows import met
from rich.console import Console
from torch import nn

from attnbench.attention.anchor import AnchorAttention
from attnbench.kernels.availability import conditions_of, reason_against
from attnbench.profiling.latency.sampling import measure_latencies
from attnbench.profiling.latency.timer import Call, timer_for
from attnbench.profiling.machine.environment import choose_device, describe_environment
from attnbench.profiling.memory.allocations import measure_memory
from attnbench.records import now
from attnbench.records.latency import Latency, Ratio, speed_up
from attnbench.report.tables.markdown import table_lines
from attnbench.spec import Grid, Protocol
from attnbench.units import format_percent, format_ratio

ANCHORS = 30
SQUARE = 1024
"""Side of the product whose rate is the limit."""
OVER_EAGER_AIM = {196: 1.0}
"""Least speed-up over the six operators, by tokens; 1.3 at all others."""
RATE_AIM = 0.8
HEADS = ("width", "tokens", "batch", "fastest", "over timm's dense", "over six operators",
         "aim", "of the matrix rate", "six operators' rate", "peak memory ÷ theirs")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Size:
    """One comparison."""

    dim: int
    grid: Grid
    batch: int

    @property
    def num_heads(self) -> int:
        """Heads are 64 wide, as in DeiT."""
        return self.dim // 64

    @property
    def num_tokens(self) -> int:
        """Tokens of an image."""
        return self.grid[0] * self.grid[1]


SIZES = tuple(
    Size(dim=dim, grid=(side, side), batch=batch)
    for dim in (192, 384)
    for side, batch in ((14, 8), (32, 2), (64, 1), (128, 1))
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of one comparison."""

    size: Size
    latencies: Mapping[str, Latency]
    macs: Mapping[str, int]
    peak_bytes: Mapping[str, int]

    @property
    def best(self) -> str:
        """The fastest implementation of the anchor layer."""
        return min(self.macs, key=lambda impl: self.latencies[impl].median_s)

    def over(self, baseline: str) -> Ratio:
        """Speed-up of the best over another call, round by round."""
        return speed_up(self.latencies[baseline], self.latencies[self.best])

    def share_of_rate(self, impl: str) -> float:
        """Multiply-adds a second, as a share of those of the square product."""
        ratio = speed_up(self.latencies["square"], self.latencies[impl]).value
        return ratio * self.macs[impl] / SQUARE**3


def compare(size: Size, device: torch.device, protocol: Protocol) -> Outcome:
    """Measure one size; all calls get the same tokens and compute no gradients."""
    x = torch.randn(size.batch, size.num_tokens, size.dim, device=device)
    layers = anchor_layers(size, x)
    calls: dict[str, Call] = {"timm": _forward(timm_attention(size).to(device), x)}
    calls |= {name: _forward(layer, x, size.grid) for name, layer in layers.items()}
    square = torch.randn(SQUARE, SQUARE, device=device)
    calls["square"] = lambda: square @ square
    with torch.inference_mode():
        latencies = measure_latencies(calls, protocol, timer_for(device), rounds_with="one")
        peaks = {name: measure_memory(calls[name], device).peak_net_bytes for name in layers}
    return Outcome(
        size=size,
        latencies=latencies,
        macs={name: layer.macs(size.grid, size.batch) for name, layer in layers.items()},
        peak_bytes=peaks,
    )


def anchor_layers(size: Size, x: torch.Tensor) -> dict[str, AnchorAttention]:
    """The anchor layer in every implementation that runs on the device of `x`, same weights."""
    conditions = conditions_of(x, size.dim // size.num_heads, num_anchors=ANCHORS)
    names = [impl for impl in AnchorAttention.impls if reason_against(impl, conditions) is None]
    layers = {
        name: AnchorAttention(size.dim, size.num_heads, num_anchors=ANCHORS, impl=name).eval()
        for name in names
    }
    for layer in layers.values():
        layer.load_state_dict(layers["reference"].state_dict())
        layer.to(x.device)
    return layers


def timm_attention(size: Size) -> nn.Module:
    """The attention of DeiT: fused and dense, with biases on queries, keys and values."""
    from timm.layers import Attention

    layer: nn.Module = Attention(size.dim, num_heads=size.num_heads, qkv_bias=True)
    return layer.eval()


def _forward(module: nn.Module, *arguments: Any) -> Call:
    def call() -> None:
        module(*arguments)

    return call


def row(outcome: Outcome) -> tuple[str, ...]:
    """One line of the table."""
    size, best = outcome.size, outcome.best
    aim = OVER_EAGER_AIM.get(size.num_tokens, 1.3)
    over_eager, rate = outcome.over("reference"), outcome.share_of_rate(best)
    aims = [f"≥ {aim}: {met(over_eager.value >= aim)}"]
    aims += [f"≥ {RATE_AIM:.0%} of rate: {met(rate >= RATE_AIM)}"]
    return (
        str(size.dim),
        f"{size.num_tokens:,}",
        str(size.batch),
        best,
        _ratio(outcome.over("timm")),
        _ratio(over_eager),
        "; ".join(aims),
        format_percent(rate),
        format_percent(outcome.share_of_rate("reference")),
        f"{outcome.peak_bytes[best] / outcome.peak_bytes['reference']:.2f}",
    )


def _ratio(ratio: Ratio) -> str:
    if ratio.interval is None:
        return f"{format_ratio(ratio.value)} (too few samples for an interval)"
    low, high = ratio.interval
    return f"{format_ratio(ratio.value)} [{format_ratio(low)} – {format_ratio(high)}]"


def plain(outcome: Outcome) -> dict[str, Any]:
    """The numbers, in base units; samples with the same index are of the same round."""
    size = outcome.size
    return {
        "dim": size.dim, "num_heads": size.num_heads, "tokens": size.num_tokens,
        "batch": size.batch, "anchors": ANCHORS, "best": outcome.best,
        "samples_s": {name: latency.samples_s for name, latency in outcome.latencies.items()},
        "macs": dict(outcome.macs), "square_macs": SQUARE**3,
        "peak_net_bytes": dict(outcome.peak_bytes),
    }  # fmt: skip


def main() -> None:
    """Measure, and print."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the memory profiler logs
    parser = argparse.ArgumentParser(description="How fast the anchor layer is on this machine.")
    parser.add_argument("--device", default="auto", help="auto (GPU if there is one), cpu or cuda")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there too")
    chosen = parser.parse_args()
    device, outcomes = choose_device(chosen.device), []
    with Console(stderr=True).status("starting") as status:
        for size in SIZES:
            status.update(f"anchor layer: {size.num_tokens:,} tokens, width {size.dim}")
            outcomes.append(compare(size, device, Protocol(time_budget_s=1.5)))
    environment, created = describe_environment(device), now()
    conditions = f"- {environment.label}, float32, {ANCHORS} anchors, heads of 64, {created}"
    lines = ["# The anchor layer on this machine", "", conditions, ""]
    lines += table_lines(HEADS, (True,) * 3 + (False,) * 7, [row(o) for o in outcomes])
    sys.stdout.write("\n".join(lines) + "\n")
    if chosen.json is not None:
        sizes = [plain(outcome) for outcome in outcomes]
        found = {"environment": asdict(environment), "created": created, "sizes": sizes}
        chosen.json.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
