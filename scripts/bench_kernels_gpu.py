"""Measure how near the Triton kernels of anchor attention are to the GPU's limit: four minutes.

Measures the core operator alone (no projections) in bfloat16, with head width 64 and 30 anchors:
its speed-up over the eager operators and over FlashAttention on all tokens, its share of the
bandwidth of a plain copy, and its memory beyond inputs and outputs. The candidates are sampled in
turn, one call each a round, with cold caches. Prints Markdown; `--out FILE` also writes JSON lines.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from rich.console import Console
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from attnbench.attention.anchor import bipartite_attention, markov_step
from attnbench.profiling.latency.sampling import measure_latencies
from attnbench.profiling.latency.timer import Call, Timer, timer_for
from attnbench.profiling.machine.ceilings import trials
from attnbench.profiling.memory.allocations import measure_memory
from attnbench.records.latency import Latency, Ratio, speed_up
from attnbench.report.tables.markdown import table_lines
from attnbench.spec import Protocol

HEAD_DIM = 64
ANCHORS = 30
HEADS = ((1, 3), (1, 12), (8, 12), (32, 12))
"""Sequences, and heads of each."""
TOKENS = (196, 1024, 4096, 16_384, 65_536)
LONGEST_DENSE_S = 0.02
"""Dense attention is left out if it would take longer than this."""
DENSE_FLOPS_PER_S = 5e14
"""About the rate of FlashAttention on an H200; used only to decide what is left out."""
PROTOCOL = Protocol(warmup_s=0.03, precision=0.01, time_budget_s=0.3)

Kernels = tuple[Callable[..., tuple[Tensor, ...]], Callable[..., tuple[Tensor, ...]]]
"""Forward and backward of the fused operator."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """Sizes of one call of the operator."""

    batch: int
    heads: int
    tokens: int

    @property
    def tensor_bytes(self) -> int:
        """Bytes of K; V, H and their gradients have the same size."""
        return self.batch * self.heads * self.tokens * HEAD_DIM * torch.bfloat16.itemsize

    @property
    def dense_s(self) -> float:
        """Estimated seconds of a forward pass of dense attention."""
        products = 2 * self.batch * self.heads * self.tokens**2 * HEAD_DIM
        return 2 * products / DENSE_FLOPS_PER_S


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Results of one mode at one size; a ratio is time of the other ÷ time of the fused one."""

    size: Size
    mode: str
    """forward, backward, or train: both."""
    fused_s: float
    fused_interval_s: tuple[float, float] | None
    is_launch_bound: bool
    """Whether the host launched kernels more slowly than the GPU ran them."""
    copy_share: float
    """Bytes that must move (each tensor once), per second, over those of a copy."""
    over_eager: Ratio | None
    over_dense: Ratio | None
    extra_share: float
    """Peak memory beyond inputs and outputs, over the bytes of the inputs."""


MUST_MOVE = {"forward": 3, "backward": 5, "train": 8}
"""Number of tensors: K, V, H; K, V, dH, dK, dV; and both."""
INPUTS = {"forward": 2, "backward": 3, "train": 3}
OUTPUTS = {"forward": 1, "backward": 2, "train": 3}


def sizes() -> Iterator[Size]:
    """All sizes, small ones first."""
    for batch, heads in HEADS:
        for tokens in TOKENS:
            yield Size(batch=batch, heads=heads, tokens=tokens)


def copy_bytes_per_s(device: torch.device, timer: Timer, protocol: Protocol) -> float:
    """Bandwidth of the largest copy, counted as the ceilings are: read and written bytes."""
    copy = [trial for trial in trials("bfloat16", device) if trial.operation == "copy"][-1]
    latency = measure_latencies({"": copy.build()}, protocol, timer, rounds_with="")[""]
    return copy.moved_bytes / latency.median_s


def calls_of(size: Size, device: torch.device, kernels: Kernels) -> dict[str, dict[str, Call]]:
    """The candidates of each mode, by name."""
    heads = (size.heads, HEAD_DIM)
    both = torch.randn(size.batch, size.tokens, 2 * size.heads * HEAD_DIM, device=device)
    key, value = (t.unflatten(-1, heads).transpose(1, 2) for t in both.bfloat16().chunk(2, dim=-1))
    grad_out = torch.randn_like(key).transpose(1, 2).contiguous().transpose(1, 2)
    anchors = (2 * torch.randn(1, ANCHORS, HEAD_DIM, device=device)).bfloat16()
    scale = HEAD_DIM**-0.5
    forward, backward = kernels
    _, *saved = forward(key, value, anchors, scale)
    fused_backward = partial(backward, grad_out, key, value, anchors, scale)

    def fused() -> object:
        out, *kept = forward(key, value, anchors, scale)
        return out, fused_backward(*kept)

    eager = partial(_eager, key, value, anchors, scale)
    found: dict[str, dict[str, Call]] = {
        "forward": {
            "fused": partial(forward, key, value, anchors, scale),
            "eager": torch.no_grad()(eager),
        },
        "backward": {"fused": partial(fused_backward, *saved)},
        "train": {"fused": fused, "eager": partial(_train, eager, (key, value, anchors), grad_out)},
    }
    if device.type == "cuda" and size.dense_s <= LONGEST_DENSE_S:
        dense = partial(_dense, key, value)
        found["forward"]["dense"] = torch.no_grad()(dense)
        found["train"]["dense"] = partial(_train, dense, (key, value), grad_out)
    return found


def _eager(key: Tensor, value: Tensor, anchors: Tensor, scale: float) -> Tensor:
    return markov_step(bipartite_attention(key, anchors, scale), value)


def _dense(key: Tensor, value: Tensor) -> Tensor:
    with sdpa_kernel(SDPBackend.FLASH_ATTENTION):
        return F.scaled_dot_product_attention(key, key, value)


def _train(call: Callable[[], Tensor], inputs: tuple[Tensor, ...], grad_out: Tensor) -> object:
    for tensor in inputs:
        tensor.requires_grad_()
    try:
        return torch.autograd.grad(call(), inputs, grad_out)
    finally:
        for tensor in inputs:
            tensor.requires_grad_(False)


def measure(
    size: Size,
    device: torch.device,
    kernels: Kernels,
    timer: Timer,
    copied: float,
    protocol: Protocol = PROTOCOL,
) -> Iterator[Cell]:
    """Measure all modes at one size.

    Args:
        size: the sizes of the call.
        device: where.
        kernels: forward and backward of the fused operator.
        timer: the clock.
        copied: bytes per second of a copy.
        protocol: how each is timed.
    """
    for mode, calls in calls_of(size, device, kernels).items():
        for call in calls.values():
            call()  # compiles
        extra = measure_memory(calls["fused"], device).peak_net_bytes
        extra -= OUTPUTS[mode] * size.tensor_bytes
        latencies = measure_latencies(calls, protocol, timer, rounds_with=f"{size} {mode}")
        fused = latencies["fused"]
        yield Cell(
            size=size,
            mode=mode,
            fused_s=fused.median_s,
            fused_interval_s=fused.interval_s,
            is_launch_bound=fused.is_launch_bound,
            copy_share=MUST_MOVE[mode] * size.tensor_bytes / fused.median_s / copied,
            over_eager=_over(latencies, "eager"),
            over_dense=_over(latencies, "dense"),
            extra_share=extra / (INPUTS[mode] * size.tensor_bytes),
        )


def _over(latencies: Mapping[str, Latency], other: str) -> Ratio | None:
    return speed_up(latencies[other], latencies["fused"]) if other in latencies else None


HEADINGS = (
    "batch × heads",
    "tokens",
    "pass",
    "µs",
    "of copy",
    "× eager",
    "× dense",
    "extra memory",
)


def markdown(device_name: str, copied: float, cells: list[Cell]) -> str:
    """The whole run as Markdown."""
    lines = [
        "# Triton kernels of anchor attention",
        "",
        f"{device_name}, torch {torch.__version__}, bfloat16, head width {HEAD_DIM}, "
        f"{ANCHORS} anchors; a copy moves {copied / 1e12:.2f} TB/s; 95 % intervals; "
        "* launch-bound: the host was slower than the GPU",
        "",
    ]
    right = (False, True, False, True, True, True, True, True)
    return "\n".join([*lines, *table_lines(HEADINGS, right, [_row(cell) for cell in cells])])


def _row(cell: Cell) -> tuple[str, ...]:
    size = cell.size
    return (
        f"{size.batch} × {size.heads}",
        f"{size.tokens:,}",
        cell.mode,
        f"{cell.fused_s * 1e6:.1f}" + ("*" if cell.is_launch_bound else ""),
        f"{cell.copy_share:.0%}",
        _ratio(cell.over_eager),
        _ratio(cell.over_dense),
        f"{cell.extra_share:.1%}",
    )


def _ratio(ratio: Ratio | None) -> str:
    if ratio is None:
        return ""
    if ratio.interval is None:
        return f"{ratio.value:.2f}"
    low, high = ratio.interval
    return f"{ratio.value:.2f} ({low:.2f} to {high:.2f})"


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="The Triton kernels against the GPU's limit.")
    parser.add_argument("--out", type=Path, metavar="FILE", help="append JSON lines there, too")
    chosen = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("bench_kernels_gpu: needs a CUDA GPU, and torch sees none")
    from attnbench.kernels.anchor.triton_backward import backward
    from attnbench.kernels.anchor.triton_forward import forward

    device = torch.device("cuda")
    timer = timer_for(device)
    copied = copy_bytes_per_s(device, timer, PROTOCOL)
    cells: list[Cell] = []
    with Console(stderr=True).status("starting") as status:
        for size in sizes():
            status.update(f"{size.batch} × {size.heads} heads, {size.tokens:,} tokens")
            cells += measure(size, device, (forward, backward), timer, copied)
    name = torch.cuda.get_device_name()
    sys.stdout.write(markdown(name, copied, cells) + "\n")
    if chosen.out is not None:
        common = {"device": name, "torch": torch.__version__, "copy_bytes_per_s": copied}
        with chosen.out.open("a") as file:
            file.writelines(json.dumps({**common, **asdict(cell)}) + "\n" for cell in cells)


if __name__ == "__main__":
    main()
