"""Parameters and multiply-adds of whole models, in half of the time of both counters.

That fvcore agrees with torch's counter is a law of every mechanism (`tests/attention`), of timm's
families and of the smallest model of each kind (`tests/baselines`).
"""

import torch

from attnbench.profiling.counting.torch_count import count_by_torch


def parameters_of(model):
    return sum(parameter.numel() for parameter in model.parameters())


def giga_macs_of(model, height, width):
    """10⁹ multiply-adds for one image, by torch's counter; the model is on the meta device."""
    images = torch.empty(1, 3, height, width, device="meta")
    return count_by_torch(model, (images,), ()).products_macs / 1e9


def size_by_torch(build, name, height=224, width=224):
    """Parameters, and 10⁹ multiply-adds, of a model that is built by name."""
    with torch.device("meta"):
        model = build(name).eval()
    return parameters_of(model), giga_macs_of(model, height, width)
