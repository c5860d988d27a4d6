"""Small layers in float64, and their queries, keys and values, for plain forms of equations."""

import torch

from attnbench.attention.factory import create_attention

DIM, HEADS, WIDTH = 12, 2, 6
GRIDS = [(3, 5), (1, 4), (6, 6)]


def layer(name, **options):
    torch.manual_seed(0)
    built = create_attention(name, DIM, HEADS, **options).double()
    for parameter in built.parameters():  # far from the nearly even weights of the start
        torch.nn.init.normal_(parameter, std=0.5)
    return built


def tokens(grid, batch=2):
    return torch.randn(batch, grid[0] * grid[1], DIM, dtype=torch.float64)


def split(x):
    return x.unflatten(-1, (HEADS, WIDTH)).transpose(1, 2)


def query_key_value(attention, x):
    return (split(t) for t in attention.qkv(x).chunk(3, dim=-1))
