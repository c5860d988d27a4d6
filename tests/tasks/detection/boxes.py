"""Random objects for the tests of detection."""

import torch

from attnbench.data.targets import Objects


def objects(count, size=(64, 96), classes=3, crowds=0, seed=0, least=4):
    """Boxes of `least` pixels and more inside a picture; the last `crowds` of them are crowds."""
    generator = torch.Generator().manual_seed(seed)
    height, width = size
    low = torch.rand(count, 2, generator=generator) * torch.tensor(
        [width - 2 * least, height - 2 * least]
    )
    room = torch.tensor([width, height]) - low
    high = low + least + (room - least) * torch.rand(count, 2, generator=generator)
    boxes = torch.cat([low, high], dim=1)
    crowd = torch.arange(count) >= count - crowds
    return Objects(
        picture=str(seed), size=size, boxes=boxes, crowd=crowd,
        labels=torch.randint(classes, (count,), generator=generator),
        areas=(high - low).prod(1),
    )  # fmt: skip
