"""Recipes by name: what they set over the defaults of the data set.

Numbers are those of the papers, but where a comment says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attnbench.bounds import shortened
from attnbench.errors import UserError

QUICK = "quick"
"""Sets nothing: minutes instead of days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A named recipe."""

    task: str
    """The only task that it is for; "" for all."""
    summary: str
    settings: Mapping[str, Any]
    """Fields of `Recipe`."""


PRESETS: Mapping[str, Preset] = {
    QUICK: Preset(
        task="", summary="the defaults of the kind of data: minutes instead of days", settings={}
    ),
    # Table 9 of https://arxiv.org/abs/2012.12877, and its code for what the table leaves out. Its
    # average of the weights has no start of its own; here it follows quickly at first.
    "deit": Preset(
        task="classification",
        summary="300 epochs as DeiT's on ImageNet-1k",
        settings={
            "epochs": 300, "batch_size": 1024, "lr": 1e-3, "min_lr": 1e-5, "weight_decay": 0.05,
            "warmup_epochs": 5.0, "clip_grad": 0.0, "label_smoothing": 0.1, "crop_padding": 0,
            "crop_scale": (0.08, 1.0), "flip": True, "rand_augment": "rand-m9-mstd0.5-inc1",
            "mixup": 0.8, "cutmix": 1.0, "erasing": 0.25, "repeats": 3, "drop_path": 0.1,
            "ema_decay": 0.99996,
        },
    ),
    # As CCT is trained from scratch on CIFAR-10 (https://arxiv.org/abs/2104.05704 and its code),
    # whose mixing ends at epoch 175; here it goes on.
    "cifar": Preset(
        task="classification",
        summary="300 epochs for photographs of 32 pixels, as CCT's on CIFAR-10",
        settings={
            "epochs": 300, "batch_size": 128, "lr": 5.5e-4, "min_lr": 1e-5, "weight_decay": 0.06,
            "warmup_epochs": 10.0, "clip_grad": 0.0, "label_smoothing": 0.1, "crop_padding": 0,
            "crop_scale": (0.8, 1.0), "flip": True, "rand_augment": "rand-m9-mstd0.5-inc1",
            "mixup": 0.8, "cutmix": 1.0, "erasing": 0.25, "drop_path": 0.1,
        },
    ),
    # Epochs and average as PicoDet's (https://arxiv.org/abs/2111.00902), which trains with SGD.
    "detection": Preset(
        task="detection",
        summary="300 epochs with an average of the weights",
        settings={
            "epochs": 300, "batch_size": 32, "lr": 2e-3, "min_lr": 2e-5, "warmup_epochs": 5.0,
            "flip": True, "ema_decay": 0.9998,
        },
    ),
    # Decay and drop path as Swin's UperNet (https://arxiv.org/abs/2103.14030), whose 160,000 steps
    # are 127 epochs of ADE20K; the rate is that of models without pre-training.
    "segmentation": Preset(
        task="segmentation",
        summary="127 epochs with drop path and an average of the weights",
        settings={
            "epochs": 127, "batch_size": 16, "lr": 1e-3, "weight_decay": 0.01,
            "warmup_epochs": 5.0, "flip": True, "drop_path": 0.1, "ema_decay": 0.9998,
        },
    ),
}  # fmt: skip


def preset(name: str, task: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """What a preset sets for a task, as fields of `Recipe`.

    Args:
        name: of `PRESETS`.
        task: of the data.
        overrides: what the caller sets himself; the learning rate of a preset follows his batch
            size in proportion (https://arxiv.org/abs/1706.02677).

    Raises:
        UserError: no such preset, or it is for another task.
    """
    if name not in PRESETS:
        raise UserError(f"--recipe must be one of {', '.join(PRESETS)}; got {shortened(name)}")
    found = PRESETS[name]
    if found.task not in ("", task):
        fitting = ", ".join(n for n, one in PRESETS.items() if one.task in ("", task))
        raise UserError(f"--recipe {name} is for {found.task}, the data are for {task}: {fitting}")
    settings = dict(found.settings)
    if "lr" in settings and "batch_size" in overrides:
        share = overrides["batch_size"] / settings["batch_size"]
        settings |= {n: settings[n] * share for n in ("lr", "min_lr") if n in settings}
    return settings
