"""An executor by name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from attnbench.errors import UserError
from attnbench.executors.base import Executor
from attnbench.executors.rayed import Rayed
from attnbench.executors.submitted import Submitted

PACKAGES = {"slurm": "submitit", "ray": "ray"}


def require(name: str) -> None:
    """Refuse an engine whose package is not installed, before any work.

    Args:
        name: "slurm" or "ray".

    Raises:
        UserError: the extra that has it is named.
    """
    if find_spec(PACKAGES[name]) is None:
        raise UserError(
            f"--executor {name} needs {PACKAGES[name]}: pip install 'attnbench[{name}]'"
        )


def executor_named(name: str, folder: Path, options: Mapping[str, Any]) -> Executor:
    """The executor of that name.

    Args:
        name: "slurm" or "ray".
        folder: for its files.
        options: `cluster` and `at_once` of `Submitted`, `address` of `Rayed`; all others are handed
            to the engine.

    Raises:
        UserError: the engine is not here, or it does not take an option.
    """
    rest = dict(options)
    own = {key: rest.pop(key) for key in OWN[name] if key in rest}
    _check(own)
    if name == "slurm":
        return Submitted(folder, rest, **own)
    return Rayed(rest, **own)


OWN = {"slurm": ("cluster", "at_once"), "ray": ("address",)}
"""Executors that are not in this process, and the options that are not the engine's."""

CLUSTERS = ("slurm", "local")


def _check(own: Mapping[str, Any]) -> None:
    if own.get("cluster", "slurm") not in CLUSTERS:
        raise UserError(
            f"--executor-option cluster: expected {' or '.join(CLUSTERS)}, got {own['cluster']!r}"
        )
    at_once = own.get("at_once", 1)
    if type(at_once) is not int or at_once < 1:
        raise UserError(f"--executor-option at_once: expected 1 or more jobs, got {at_once!r}")
