"""Measure our mechanisms beside the best public form of each; a part of `make bench`.

Prints Markdown. One layer of 4,096 tokens, 192 channels and 3 heads, forward: ours (each
implementation that runs everywhere) and theirs are sampled in turn. The aim is at most 1.5 times
the latency of the public form. timm's forms come with the `timm` of this project. The others are in
packages of PyPI under the MIT licence, which nothing else here needs; a row says what is missing:

    pip install --no-deps performer-pytorch nystrom-attention linformer agent-attention-pytorch \
        axial-attention isab-pytorch einops hyper-connections local-attention \
        axial-positional-embedding
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import torch
from bench_rows import met
from torch import Tensor, nn

from attnbench.attention.factory import attention_class, create_attention
from attnbench.impls import default_impls
from attnbench.profiling.latency.sampling import measure_latencies
from attnbench.profiling.latency.timer import Call, timer_for
from attnbench.profiling.machine.environment import describe_environment
from attnbench.records import now
from attnbench.records.latency import Latency, speed_up
from attnbench.report.tables.markdown import table_lines
from attnbench.spec import Protocol
from attnbench.units import format_ratio, format_seconds

DIM, HEADS = 192, 3
AIM = 1.5
HEADINGS = ("attention", "public form", "ours", "theirs", "ours ÷ theirs [95 %]", "aim")
Built = Callable[[int], Callable[[Tensor], Any]]
"""From the side of the map, what is called with tokens (1, side², DIM)."""


@dataclass(frozen=True, kw_only=True)
class Public:
    """The public form of a mechanism."""

    name: str
    module: str
    """Where it is imported from."""
    build: Callable[[Any, int], Callable[[Tensor], Any]]
    """From that module and the side of the map."""
    differs: str = ""
    """Where it does other work than ours."""


def _linear(package: Any, side: int) -> Callable[[Tensor], Any]:
    qkv, out = nn.Linear(DIM, 3 * DIM), nn.Linear(DIM, DIM)

    def call(x: Tensor) -> Tensor:
        parts = qkv(x).unflatten(-1, (3, HEADS, DIM // HEADS)).permute(2, 0, 3, 1, 4)
        query, key, value = parts[0], parts[1], parts[2]
        mixed = package.linear_attention(
            nn.functional.elu(query) + 1, nn.functional.elu(key) + 1, value
        )
        return out(mixed.transpose(1, 2).flatten(2))

    return call


def _agent(package: Any, side: int) -> Callable[[Tensor], Any]:
    layer = package.AgentSelfAttention(
        DIM, num_agent_tokens=49, dim_head=DIM // HEADS, heads=HEADS, talking_heads=False,
        gate=False,
    )  # fmt: skip
    agents = torch.randn(1, 49, DIM)
    return lambda x: layer.eval()(x, agent_tokens=agents)


def _on_map(layer: nn.Module, side: int) -> Callable[[Tensor], Any]:
    return lambda x: layer.eval()(x.mT.unflatten(2, (side, side)))


def _axial(package: Any, side: int) -> Callable[[Tensor], Any]:
    layer = package.AxialAttention(DIM, heads=HEADS, dim_index=3, sum_axial_out=False)
    return lambda x: layer.eval()(x.unflatten(1, (side, side)))


def _pooled(package: Any, side: int) -> Callable[[Tensor], Any]:
    layer = package.MultiScaleAttention(
        DIM, DIM, (side, side), num_heads=HEADS, kernel_kv=(5, 5), stride_kv=(4, 4),
        has_cls_token=False, rel_pos_type="none",
    )  # fmt: skip
    return lambda x: layer.eval()(x, (side, side))


PUBLIC: dict[str, Public] = {
    "xca": Public(
        name="timm, XCA", module="timm.models.xcit",
        build=lambda package, side: package.XCA(DIM, HEADS, qkv_bias=True).eval(),
    ),
    "msla": Public(
        name="timm, LiteMLA", module="timm.models.efficientvit_mit",
        build=lambda package, side: _on_map(
            package.LiteMLA(DIM, DIM, heads=HEADS, dim=DIM // HEADS), side
        ),
        differs="its projections have no bias, and a normalisation",
    ),
    "pooled": Public(
        name="timm, MultiScaleAttention", module="timm.models.mvitv2", build=_pooled,
        differs="without relative positions",
    ),
    "performer": Public(
        name="performer-pytorch", module="performer_pytorch.performer_pytorch",
        build=lambda package, side: package.SelfAttention(
            DIM, heads=HEADS, dim_head=DIM // HEADS, nb_features=64
        ).eval(),
    ),
    "linear": Public(
        name="performer-pytorch, linear_attention", module="performer_pytorch.performer_pytorch",
        build=_linear, differs="projections and elu + 1 are ours",
    ),
    "nystrom": Public(
        name="nystrom-attention", module="nystrom_attention",
        build=lambda package, side: package.NystromAttention(
            DIM, dim_head=DIM // HEADS, heads=HEADS, num_landmarks=32, residual=False
        ).eval(),
    ),
    "linformer": Public(
        name="linformer", module="linformer",
        build=lambda package, side: package.LinformerSelfAttention(
            DIM, side**2, k=32, heads=HEADS
        ).eval(),
    ),
    "agent": Public(
        name="agent-attention-pytorch", module="agent_attention_pytorch.agent_transformer",
        build=_agent,
        differs="its agents are given, ours are pooled; without a convolution or biases",
    ),
    "inducing": Public(
        name="isab-pytorch", module="isab_pytorch",
        build=lambda package, side: package.ISAB(dim=DIM, heads=HEADS, num_latents=30).eval(),
        differs="without biases",
    ),
    "axial": Public(name="axial-attention", module="axial_attention", build=_axial),
}  # fmt: skip

WITHOUT: dict[str, tuple[str, ...]] = {
    "no package of it was found on PyPI": (
        "cswin", "biformer", "slide", "autoformer", "castling", "sparsifiner", "combiner",
        "clusterformer", "focused-linear",
    ),
    "natten comes as source code for CUDA's compiler, and was not tried": ("neighborhood",),
    "controls of this project": ("identity", "mean", "anchor-untied"),
}  # fmt: skip
"""Mechanisms without a public form to compare with, by the reason."""


def ours(name: str, side: int) -> dict[str, Call]:
    """Calls of a mechanism of ours by each implementation that runs everywhere."""
    impls = [impl for impl in default_impls() if impl in attention_class(name).impls]
    calls: dict[str, Call] = {}
    for impl in impls:
        layer = create_attention(name, DIM, HEADS, impl=impl).eval()
        calls[impl] = _call(partial(layer, grid=(side, side)), side)
    return calls


def _call(layer: Callable[[Tensor], Any], side: int) -> Call:
    x = torch.randn(1, side**2, DIM)

    @torch.inference_mode()
    def call() -> None:
        layer(x)

    return call


def row(name: str, side: int, protocol: Protocol) -> tuple[str, ...]:
    """The texts of a row; a public form that is not installed, or fails, is a reason."""
    public = PUBLIC[name]
    form = public.name + (f" ({public.differs})" if public.differs else "")
    try:
        theirs = _call(public.build(import_module(public.module), side), side)
        theirs()
    except ImportError as error:
        return (name, form, "–", "–", f"not installed: {error.name}", "–")
    calls = {"theirs": theirs, **ours(name, side)}
    found = measure_latencies(calls, protocol, timer_for(torch.device("cpu")), rounds_with="turns")
    latency = found.pop("theirs")
    impl = min(found, key=lambda one: found[one].median_s)
    return (name, form, f"{_text(found[impl])} ({impl})", _text(latency),
            *_ratio(found[impl], latency))  # fmt: skip


def _text(latency: Latency) -> str:
    return format_seconds(latency.median_s)


def _ratio(own: Latency, their: Latency) -> tuple[str, str]:
    ratio = speed_up(own, their)  # ours ÷ theirs: above 1 ours is slower
    ends = [format_ratio(end) for end in ratio.interval or ()]
    text = format_ratio(ratio.value) + (f" [{' – '.join(ends)}]" if ends else "")
    return text, met(ratio.value <= AIM)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description="Our mechanisms beside public ones.")
    parser.add_argument("--side", type=int, default=64, help="of the map, in tokens")
    parser.add_argument("--seconds", type=float, default=4, help="of sampling a row")
    chosen = parser.parse_args()
    protocol = Protocol(warmup_s=0.1, min_samples=10, time_budget_s=chosen.seconds / 2)
    rows = [row(name, chosen.side, protocol) for name in PUBLIC]
    lines = [
        "# Mechanisms beside public forms", "",
        f"- {describe_environment(torch.device('cpu'), '').label}, {now()}",
        f"- {chosen.side**2:,} tokens, width {DIM}, {HEADS} heads, batch 1, float32, forward, "
        f"in turn; aim: at most {format_ratio(AIM)}",
        "", *table_lines(HEADINGS, (False, False, True, True, True, False), rows), "",
        "Not compared:", "",
        *(f"- {', '.join(names)}: {reason}." for reason, names in WITHOUT.items()),
    ]  # fmt: skip
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
