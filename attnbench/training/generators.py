"""The random numbers of a training, which a stopped run draws again as if it had never stopped.

torch's own generators, which models draw from (dropout), and that of the augmentation are seeded
when an epoch begins. In the middle of one their states are part of a checkpoint. The generators of
Python and NumPy, which parts of other packages draw from, are seeded at every step instead.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

import torch
from torch import Tensor

from attnbench.errors import UserError


class Generators:
    """Every source of random numbers of a training, in the whole process."""

    def __init__(self, seed: int, device: torch.device) -> None:
        """Seed nothing yet.

        Args:
            seed: of the recipe.
            device: where the model is; on a GPU its generator belongs to the state.
        """
        self._seed = seed
        self._device = device
        self.augmentation = torch.Generator()
        """The only source of random numbers of the transforms, on the CPU."""

    def order(self, epoch: int) -> int:
        """The seed of the order of an epoch's images."""
        return _seed(self._seed, f"{epoch}/order")

    def begin_epoch(self, epoch: int, state: Mapping[str, Tensor] | None = None) -> None:
        """Seed torch and the augmentation, or put them where they were in the middle of the epoch.

        Args:
            epoch: counted from 1.
            state: what `state` gave; None or empty at the start of the epoch.

        Raises:
            UserError: the state is none of these generators.
        """
        torch.manual_seed(_seed(self._seed, f"{epoch}/model"))
        self.augmentation.manual_seed(_seed(self._seed, f"{epoch}/augmentation"))
        if not state:
            return
        try:
            torch.set_rng_state(state["model"])
            self.augmentation.set_state(state["augmentation"])
            if self._device.type == "cuda":
                torch.cuda.set_rng_state(state["cuda"], self._device)
        except (KeyError, RuntimeError, TypeError) as error:
            raise UserError(
                "the checkpoint's random numbers cannot be restored: it was saved on another "
                "device or by another version of torch; go on where it was saved, or train again"
            ) from error

    def begin_step(self, step: int) -> None:
        """Seed the generators of Python and NumPy.

        Args:
            step: counted from 0 over the whole run.
        """
        import numpy as np

        seed = _seed(self._seed, f"{step}/step")
        random.seed(seed)
        np.random.seed(seed % 2**32)

    def state(self) -> dict[str, Tensor]:
        """The state of torch's generators and of the augmentation's, uint8, on the CPU."""
        found = {"model": torch.get_rng_state(), "augmentation": self.augmentation.get_state()}
        if self._device.type == "cuda":
            found["cuda"] = torch.cuda.get_rng_state(self._device)
        return found


def _seed(seed: int, purpose: str) -> int:
    """Independent 63-bit seeds for each purpose; the same on every machine."""
    return random.Random(f"{seed}/{purpose}").getrandbits(63)
