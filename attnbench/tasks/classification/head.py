"""A linear classifier on the mean of a backbone's last map."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

INIT_STD = 0.02
"""Of the weights, as in the trunks (timm's `trunc_normal_`)."""


class PooledLinear(nn.Module):
    """Mean over the last map, then a linear layer."""

    def __init__(self, channels: int, num_classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, num_classes)
        nn.init.trunc_normal_(self.linear.weight, std=INIT_STD)
        nn.init.zeros_(self.linear.bias)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Logits (batch, classes) from maps (batch, channels, height, width), finest first."""
        return self.linear(maps[-1].mean((2, 3)))
