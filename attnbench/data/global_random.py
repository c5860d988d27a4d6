"""Random numbers for code of others that draws from the generators that all code shares.

timm's augmentation draws from Python's, numpy's and torch's. Within `drawing_from` all three are
seeded, so what is drawn depends on the seed alone; afterwards they are as they were, so nothing
else draws other numbers for it. Not for threads: they share these generators.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

SEEDS = 2**32
"""numpy takes 32 bits."""


@contextmanager
def drawing_from(seed: int) -> Iterator[None]:
    """Seed the shared generators of the CPU, and put them back at the end.

    Args:
        seed: from 0 to 2**32 - 1.
    """
    python, numbers = random.getstate(), np.random.get_state()
    cpu = torch.default_generator
    tensors = cpu.get_state()
    random.seed(seed)
    np.random.seed(seed)
    cpu.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numbers)
        cpu.set_state(tensors)


def drawn_seed(generator: torch.Generator) -> int:
    """A seed for `drawing_from`, from a generator of the CPU."""
    return int(torch.randint(SEEDS, (), generator=generator))
