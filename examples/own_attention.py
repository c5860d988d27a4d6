"""Register an attention of your own, and profile it beside anchor attention.

    python examples/own_attention.py 8       the side of a square of tokens; 32 if left out

The command line takes this file as a plug-in: `--plugin examples/own_attention.py`.
"""

import sys
from typing import Any

from torch import Tensor, nn

from attnbench import Attention, Protocol, Workload, profile, register_attention
from attnbench.units import format_seconds


@register_attention("average", family="linear", cost="O(n)", summary="the mean of all tokens")
class MeanAttention(Attention):
    """Gives every token the projected mean of all tokens."""

    def __init__(self, dim: int, num_heads: int, **options: Any) -> None:
        super().__init__(dim, num_heads, **options)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor, grid: tuple[int, int]) -> Tensor:
        """x: (batch, tokens, dim); grid: (height, width)."""
        return self.proj(x.mean(1, keepdim=True)).expand_as(x)

    def macs(self, grid: tuple[int, int], batch: int = 1) -> int:
        """The closed form; a profile checks it against two counters."""
        return batch * self.dim**2


if __name__ == "__main__":
    side = int(sys.argv[1]) if sys.argv[1:] else 32
    cells = [Workload(attention=name, grid=(side, side)) for name in ("anchor", "average")]
    for record in profile(cells, Protocol(time_budget_s=0.5)):
        assert record.latency is not None, record.reason
        print(record.workload.attention, format_seconds(record.latency.median_s))
