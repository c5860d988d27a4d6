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

    def differs_from(self, other: RandomState) -> bool:
        """Whether numbers were drawn between the two."""
        if not torch.equal(self._torch, other._torch) or self._python != other._python:
            return True
        if pickle.dumps(self._numpy) != pickle.dumps(other._numpy):
            return True
        cuda = self._cuda is not None and other._cuda is not None
        return cuda and not torch.equal(self._cuda, other._cuda)  # type: ignore[arg-type]


def _numpy_random() -> Any:
    numpy = sys.modules.get("numpy")
    return getattr(numpy, "random", None)
