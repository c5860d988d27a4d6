"""The learning rate of each step: linear warm-up, then half a cosine (arXiv:1608.03983).

timm's `CosineLRScheduler` is not used. Its warm-up starts at a given rate at step 0 and reaches the
peak one step later, and it keeps state that a resumed run would have to restore. Here the rate is
a function of the step. The cosine is timm's: a test compares the two.
"""

from __future__ import annotations

from math import cos, pi

from attnbench.spec import Recipe


def learning_rate(step: int, steps_per_epoch: int, recipe: Recipe) -> float:
    """Rate of one step: rises to `recipe.lr` at the last step of the warm-up, then falls.

    Args:
        step: counted from 0 over the whole run.
        steps_per_epoch: batches an epoch.
        recipe: gives the peak, the end, the epochs and the epochs of warm-up.
    """
    warmup = recipe.warmup_epochs * steps_per_epoch
    if step < warmup:
        return recipe.lr * min(1.0, (step + 1) / warmup)
    progress = (step - warmup) / (recipe.epochs * steps_per_epoch - warmup)
    return recipe.min_lr + (recipe.lr - recipe.min_lr) * (1 + cos(pi * progress)) / 2
