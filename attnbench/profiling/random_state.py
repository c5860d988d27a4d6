"""The state of the random numbers that a call may draw, so that a twin draws the same ones."""

from __future__ import annotations

import pickle
import random
import sys
from typing import Any

import torch


class RandomState:
    """The generators that all code shares: torch's, Python's, and numpy's where it is imported."""

    def __init__(self, device: torch.device) -> None:
        self._torch = torch.get_rng_state()
        self._python = random.getstate()
        self._numpy = _numpy_random().get_state() if _numpy_random() else None
        self._device = device
        self._cuda = torch.cuda.get_rng_state(device) if device.type == "cuda" else None

    def put_back(self) -> None:
        """Draw the same numbers again from here on."""
        torch.set_rng_state(self._torch)
        random.setstate(self._python)
        if self._numpy is not None:
            _numpy_random().set_state(self._numpy)
        if self._cuda is not None:
            torch.cuda.set_rng_state(self._cuda, self._device)

    def was_drawn_from(self, before: RandomState) -> bool:
        """Whether torch's or numpy's numbers were drawn since.

        Python's do not count: checkers of types draw from them.
        """
        both = self._numpy is not None and before._numpy is not None  # it may be imported since
        if both and pickle.dumps(self._numpy) != pickle.dumps(before._numpy):
            return True
        pairs = [(self._torch, before._torch), (self._cuda, before._cuda)]
        return any(
            now is not None and then is not None and not torch.equal(now, then)
            for now, then in pairs
        )


def _numpy_random() -> Any:
    numpy = sys.modules.get("numpy")
    return getattr(numpy, "random", None)
