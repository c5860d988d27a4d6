"""How much accuracy is left when the attention of a trained model is swapped?

Trains a small DeiT of timm with dense attention on real digits (1,437 to train on, 360 held out),
swaps its attention with `attnbench.convert`, and fine-tunes the result. Prints a Markdown table
with these rows:

dense               nothing is swapped: the effect of fine-tuning alone
dense-shared-qk     only the queries are left out: the loss of any mechanism without W^Q
anchor …            anchors drawn at random, or at k-means centres of the model's queries
anchor, from new    the same model with new weights, trained as long in total: shows whether the
                    old weights help

    python scripts/convert_experiment.py --epochs 20 --finetune 5 --seeds 3

Takes about 8 minutes of processor time per seed, on one core. At 95 % accuracy, 360 images have a
standard error of about one point; smaller differences mean nothing.
"""

# ruff: noqa: T201, TID253 - a script prints, and needs timm at once

from __future__ import annotations

import argparse
from collections.abc import Callable
from statistics import mean
from typing import Any

import timm
import torch
from rich.console import Console
from torch import nn

import attnbench
from attnbench.data.augment import normalise
from attnbench.data.images import ImageData
from attnbench.data.opening import open_data
from attnbench.profiling.counting.macs import count_forward_macs
from attnbench.tasks.factory import create_task
from attnbench.training.evaluate import evaluate
from attnbench.training.loop import train
from attnbench.training.recipe import recipe_for

TASK = create_task("classification")
BATCH = 16
FINETUNE_LR = 5e-4
"""Half of the recipe's."""
SWAPS: dict[str, tuple[str, dict[str, Any], bool]] = {
    # row of the table: mechanism, its options, whether k-means places the anchors
    "dense": ("dense", {}, False),
    "dense-shared-qk": ("dense-shared-qk", {}, False),
    "anchor, m = 10, random": ("anchor", {"num_anchors": 10}, False),
    "anchor, m = 30, random": ("anchor", {"num_anchors": 30}, False),
    "anchor, m = 30, k-means": ("anchor", {"num_anchors": 30}, True),
    "anchor, m = 30 a head, k-means": ("anchor", {"num_anchors": 30, "per_head": True}, True),
    "anchor, m = 50, k-means": ("anchor", {"num_anchors": 50}, True),
}


def build() -> nn.Module:
    """DeiT of width 96 and depth 4, on 8 × 8 patches of 4 px."""
    return timm.create_model(
        "deit_tiny_patch16_224",
        img_size=32,
        patch_size=4,
        embed_dim=96,
        depth=4,
        num_heads=3,
        num_classes=10,
    )


def train_on(model: nn.Module, data: ImageData, seed: int, epochs: int, **changes: Any) -> float:
    """Train with the project's own recipe for digits; returns top-1 on the held-out images."""
    recipe = recipe_for(data, epochs=epochs, batch_size=BATCH, seed=seed, **changes)
    train(model, data, TASK, recipe, device="cpu")
    return top1(model, data)


def top1(model: nn.Module, data: ImageData) -> float:
    """Share of the held-out images that are classified correctly."""
    recipe = recipe_for(data, batch_size=64)
    share = evaluate(model, data, TASK, recipe, device="cpu").values["top1"]
    assert share is not None
    return share


def giga_macs(model: nn.Module) -> float:
    """GMACs of one image."""
    images = torch.empty(1, 3, 32, 32, device="meta")
    return count_forward_macs(model.to("meta"), (images,)).products_macs / 1e9


def run_seed(
    seed: int, arguments: argparse.Namespace, data: ImageData, say: Callable[[str], None]
) -> dict[str, list[float]]:
    """One seed: for each row top-1 before, right after, and after fine-tuning."""
    torch.manual_seed(seed)
    original = build()
    say(f"seed {seed}: training dense")
    before = train_on(original, data, seed, arguments.epochs)
    batches = data.train.batches(64, seed=seed, device="cpu")
    images = [normalise(pixels) for pixels, _ in batches][:4]
    rows = {}
    for row, (attention, options, clusters) in SWAPS.items():
        say(f"seed {seed}: {row}")
        model = attnbench.convert(original, attention, data=images if clusters else None, **options)
        after = top1(model, data)
        tuned = train_on(model, data, seed, arguments.finetune, lr=FINETUNE_LR)
        rows[row] = [before, after, tuned, giga_macs(model)]
    say(f"seed {seed}: anchor, from new")
    torch.manual_seed(seed)
    fresh = attnbench.convert(build(), "anchor", num_anchors=30)
    tuned = train_on(fresh, data, seed, arguments.epochs + arguments.finetune)
    rows["anchor, m = 30, from new"] = [float("nan"), float("nan"), tuned, giga_macs(fresh)]
    return rows


def show(results: list[dict[str, list[float]]], arguments: argparse.Namespace) -> None:
    """The table: means over the seeds, and the range of the last column."""
    print(
        f"top-1 on 360 held-out digits (8×8 enlarged to 32 px); timm {timm.__version__} DeiT, "
        f"width 96, depth 4, 65 tokens; {arguments.epochs} epochs with dense attention, "
        f"{arguments.finetune} of fine-tuning at lr {FINETUNE_LR:g}, batch {BATCH}; mean of "
        f"{len(results)} seed(s), in brackets the lowest and the highest\n"
    )
    print("| attention | before | right after | after fine-tuning | GMACs |")
    print("|---|---:|---:|---:|---:|")
    for row in results[0]:
        before, after, tuned, macs = zip(*(result[row] for result in results), strict=True)
        shown = ["–" if mean(v) != mean(v) else f"{mean(v):.1%}" for v in (before, after)]
        ends = f"{mean(tuned):.1%} [{min(tuned):.1%}, {max(tuned):.1%}]"
        print(f"| {row} | {shown[0]} | {shown[1]} | {ends} | {macs[0]:.4f} |")


def main() -> None:
    """Parse, run, print."""
    parser = argparse.ArgumentParser(description="what accuracy survives a swap of attention")
    parser.add_argument("--epochs", type=int, default=20, help="of training with dense attention")
    parser.add_argument("--finetune", type=int, default=5, help="epochs after the swap")
    parser.add_argument("--seeds", type=int, default=1, help="how many, from 0")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = open_data("digits")
    with Console(stderr=True).status("") as status:
        results = [
            run_seed(seed, arguments, data, status.update) for seed in range(arguments.seeds)
        ]
    show(results, arguments)


if __name__ == "__main__":
    main()
