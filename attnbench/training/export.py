"""The weights of a trained model as a safetensors file, which many other programs read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from attnbench.errors import UserError
from attnbench.files.reading import shown
from attnbench.files.writing import replace_bytes


def save_weights(path: Path, weights: Mapping[str, Tensor], about: Mapping[str, str]) -> None:
    """Write weights by name, whole or not at all.

    Args:
        path: of the file.
        weights: a state dictionary; weights that share memory are written one by one.
        about: what the file says of them in its head.

    Raises:
        UserError: the file cannot be written.
    """
    from safetensors.torch import save

    own = {name: value.detach().cpu().contiguous().clone() for name, value in weights.items()}
    try:
        replace_bytes(path, save(own, metadata={"format": "pt", **about}))
    except OSError as error:
        raise UserError(
            f"cannot write the weights {shown(path)}: {error.strerror or error}; free some space"
        ) from error
