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

from attnbench import together
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
        torch.manual_seed(_seed(self._seed, f"{epoch}/model{_of_process()}"))
        self.augmentation.manual_seed(_seed(self._seed, f"{epoch}/augmentation"))
        if not state:
            return
        try:
            self.augmentation.set_state(state["augmentation"])
            self._restore_models(state)
        except (KeyError, RuntimeError, TypeError) as error:
            raise UserError(
                "the checkpoint's random numbers cannot be restored: it was saved on another "
                "device or by another version of torch; go on where it was saved, or train again"
            ) from error

    def _restore_models(self, state: Mapping[str, Tensor]) -> None:
        """Of a process that the stopped run did not have, they stay as the epoch seeds them."""
        own = _of_process()
        if own and f"model{own}" not in state:
            return
        torch.set_rng_state(state[f"model{own}"])
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(state[f"cuda{own}"], self._device)

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
        """The states of torch's generators and of the augmentation's, uint8, on the CPU.

        Those of all processes, which call this together.
        """
        own = {f"model{_of_process()}": torch.get_rng_state()}
        if self._device.type == "cuda":
            own[f"cuda{_of_process()}"] = torch.cuda.get_rng_state(self._device)
        found = {"augmentation": self.augmentation.get_state()}
        for each in together.gathered(own):
            found |= each
        return found


def _of_process() -> str:
    """What tells the numbers of a process from those of the first; all draw others (dropout)."""
    return f"/{together.rank()}" if together.rank() else ""


def _seed(seed: int, purpose: str) -> int:
    """Independent 63-bit seeds for each purpose; the same on every machine."""
    return random.Random(f"{seed}/{purpose}").getrandbits(63)
