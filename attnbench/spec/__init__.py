"""What is asked for: workloads, and the protocols and recipes they are measured under.

All of them are frozen, and checked when they are made.
"""

from attnbench.spec.grid import Grid, grid_of, grid_of_image
from attnbench.spec.plain import as_plain, describe, identity, json_in_order
from attnbench.spec.protocol import CACHES, Cache, Protocol
from attnbench.spec.recipe import Recipe
from attnbench.spec.workload import DTYPES, MODES, AnyWorkload, DType, Mode, ModelWorkload, Workload

__all__ = [
    "CACHES",
    "DTYPES",
    "MODES",
    "AnyWorkload",
    "Cache",
    "DType",
    "Grid",
    "Mode",
    "ModelWorkload",
    "Protocol",
    "Recipe",
    "Workload",
    "as_plain",
    "describe",
    "grid_of",
    "grid_of_image",
    "identity",
    "json_in_order",
]
