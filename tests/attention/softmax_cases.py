"""Inputs of softmax attention, float64 reference values, and bounds of the rounding error."""

import torch


def inputs(n, k, d, batch=2, heads=3, dtype=torch.float32, device="cpu", seed=0):
    """Queries, keys and values, rounded to a dtype."""
    torch.manual_seed(seed)
    shapes = [(batch, heads, size, d) for size in (n, k, k)]
    return [torch.randn(shape).to(device=device, dtype=dtype) for shape in shapes]


def exact(query, key, value, scale, bias=None):
    """The attention in float64."""
    scores = scale * query.double() @ key.double().mT
    if bias is not None:
        scores = scores + bias.double()
    return scores.softmax(-1) @ value.double()


def tolerance(query, key, value, scale, bias=None, rounding=None):
    """The most that a correct kernel is off, in absolute terms.

    A score is a sum of d products, added up in float32 at least and rounded; an error e of the
    scores changes each weight by a share of 2 e at most. Adding up the k weights, and the k values
    that they weigh, each loses k roundings at worst, and a few more go into exp, the division and
    the output.
    """
    unit = torch.finfo(torch.float64 if query.dtype == torch.float64 else torch.float32).eps
    rounding = rounding or torch.finfo(query.dtype).eps
    largest = (scale * query.double().abs() @ key.double().abs().mT).max()
    if bias is not None:
        largest = largest + bias.double().nan_to_num(neginf=0).abs().max()
    of_scores = (query.shape[-1] * unit + 2 * rounding) * largest
    of_sums = 2 * key.shape[-2] * unit + 4 * rounding
    return (2 * of_scores + of_sums) * value.double().abs().max()
