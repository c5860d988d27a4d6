"""attnbench: benchmark and profile efficient attentions for vision transformers.

Public names are loaded at first use, so importing the package loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "Attention": "attnbench.attention.base",
    "ModelWorkload": "attnbench.spec",
    "Workload": "attnbench.spec",
    "Protocol": "attnbench.spec",
    "Recipe": "attnbench.spec",
    "Record": "attnbench.records",
    "Recorder": "attnbench.benchmark.recorder",
    "UserError": "attnbench.errors",
    "convert": "attnbench.models.convert.swap",
    "Experiment": "attnbench.experiments.experiment",
    "create_attention": "attnbench.attention.factory",
    "create_backbone": "attnbench.models.factory",
    "create_model": "attnbench.models.factory",
    "SweepOption": "attnbench.registry",
    "register_attention": "attnbench.registry",
    "register_macs_formula": "attnbench.profiling.macs",
    "register_model": "attnbench.registry",
    "load": "attnbench.analysis.frame.load",
    "profile": "attnbench.benchmark.runner",
}
_MODULES = ("plot",)
"""Public modules, loaded at first use too."""

__all__ = [
    "Attention",
    "Experiment",
    "ModelWorkload",
    "Protocol",
    "Recipe",
    "Record",
    "Recorder",
    "SweepOption",
    "UserError",
    "Workload",
    "__version__",
    "convert",
    "create_attention",
    "create_backbone",
    "create_model",
    "load",
    "plot",
    "profile",
    "register_attention",
    "register_macs_formula",
    "register_model",
]

if TYPE_CHECKING:
    from attnbench import plot
    from attnbench.analysis.frame.load import load
    from attnbench.attention.base import Attention
    from attnbench.attention.factory import create_attention
    from attnbench.benchmark.recorder import Recorder
    from attnbench.benchmark.runner import profile
    from attnbench.errors import UserError
    from attnbench.experiments.experiment import Experiment
    from attnbench.models.convert.swap import convert
    from attnbench.models.factory import create_backbone, create_model
    from attnbench.profiling.macs import register_macs_formula
    from attnbench.records import Record
    from attnbench.registry import SweepOption, register_attention, register_model
    from attnbench.spec import ModelWorkload, Protocol, Recipe, Workload


def module_of(name: str) -> str:
    """The module that defines a public name."""
    return _PUBLIC.get(name, "attnbench")


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"attnbench.{name}")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'attnbench' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
