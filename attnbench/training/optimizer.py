"""AdamW (arXiv:1711.05101), with weight decay on matrices only."""

from __future__ import annotations

from torch import nn
from torch.optim import AdamW

from attnbench.spec import Recipe


def make_optimizer(model: nn.Module, recipe: Recipe) -> AdamW:
    """AdamW over the trainable parameters of a model.

    The fused implementation is a third of the time of the default one on the CPU too.
    """
    exempt = exempt_from_decay(model)
    trainable = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    groups = [
        {
            "params": [parameter for name, parameter in trainable if name not in exempt],
            "weight_decay": recipe.weight_decay,
        },
        {
            "params": [parameter for name, parameter in trainable if name in exempt],
            "weight_decay": 0.0,
        },
    ]
    return AdamW([group for group in groups if group["params"]], lr=recipe.lr, fused=True)


def exempt_from_decay(model: nn.Module) -> set[str]:
    """Names of the parameters without decay: biases, norms and what a module declares.

    A module declares, as in timm, by a method `no_weight_decay()` that returns names of its own
    parameters, such as {"pos_embed"}.
    """
    exempt = {name for name, parameter in model.named_parameters() if parameter.ndim <= 1}
    for prefix, module in model.named_modules():
        declare = getattr(module, "no_weight_decay", None)
        if callable(declare):
            exempt |= {f"{prefix}.{name}" if prefix else name for name in declare()}
    return exempt
