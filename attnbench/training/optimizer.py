"""AdamW (arXiv:1711.05101), with weight decay on matrices only.

timm's `param_groups_weight_decay` sorts the parameters. Two things are done here. timm asks only
the whole model for parameters without decay; here each module of it may declare some. timm puts the
group without decay first; here it is last, where the optimizer state of stored checkpoints has it.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

import torch
from torch import nn
from torch.optim import AdamW, Optimizer

from attnbench.spec import Recipe


def make_optimizer(model: nn.Module, recipe: Recipe) -> AdamW:
    """AdamW over the trainable parameters of a model.

    The fused implementation takes a third of the time of the default one, on the CPU too.
    """
    groups = parameter_groups(model, recipe.weight_decay, recipe.layer_decay)
    return AdamW(groups, lr=recipe.lr, fused=True)


def parameter_groups(
    model: nn.Module, weight_decay: float, layer_decay: float = 1.0
) -> list[dict[str, Any]]:
    """Trainable parameters in at most two groups: with weight decay, then without.

    Biases, norms and what a module declares have none. With a layer decay there are two groups for
    each layer, each with the factor on its rate, `lr_scale`. What a layer is, timm decides: by the
    model's `group_matcher`, or else twelve parameters in a row.
    """
    grouping = timm_optim()
    declared = declared_without_decay(model)
    if layer_decay < 1:
        return grouping.param_groups_layer_decay(
            model, weight_decay, no_weight_decay_list=declared, layer_decay=layer_decay
        )
    groups = grouping.param_groups_weight_decay(model, weight_decay, no_weight_decay_list=declared)
    return sorted(groups, key=lambda group: group["weight_decay"], reverse=True)


def timm_optim() -> ModuleType:
    """`timm.optim`, with the limit of torch's compiler as it was.

    The import raises the limit of variants of a function to a million for the whole process. Layers
    that are measured later would be compiled as no user of them has them compiled.
    """
    config = torch._dynamo.config
    with config.patch(recompile_limit=config.recompile_limit):
        return import_module("timm.optim")


def set_rate(optimizer: Optimizer, rate: float) -> None:
    """Give each group of parameters the rate of the step, by the factor of its layer."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("lr_scale", 1.0)


def declared_without_decay(model: nn.Module) -> set[str]:
    """Names of the parameters that modules declare, at any depth.

    A module declares, as in timm, by a method `no_weight_decay()` that returns names of its own
    parameters, such as {"pos_embed"}.
    """
    declared: set[str] = set()
    for prefix, module in model.named_modules():
        declare = getattr(module, "no_weight_decay", None)
        if callable(declare):
            declared |= {f"{prefix}.{name}" if prefix else name for name in declare()}
    return declared
