"""The command that measures cells again: what to run where they were not measured well enough.

The command measures at least the given cells, with more time for each. A speed-up is measured
anew only beside its baseline, so layers come with dense attention in the same rounds.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from attnbench.analysis.keys import (
    Implementation,
    LayerConditions,
    conditions_of,
    implementation_of,
)
from attnbench.analysis.speedup.baseline import BASELINE
from attnbench.errors import UserError
from attnbench.impls import default_impls
from attnbench.records import LayerRecord, ModelRecord
from attnbench.registry import ATTENTIONS, PLUGIN_MODULE, loaded_plugins
from attnbench.spec import Grid, grid_of
from attnbench.spec.plain import json_in_order

if TYPE_CHECKING:  # comparisons ask this module, and load no pandas
    import pandas as pd

PATCH = 16
"""Side of a patch in pixels, with which a grid is written as an image size."""
CHECKPOINTS = "results/runs/checkpoints"
"""Where `attnbench train` keeps its checkpoints, unless told otherwise."""
MORE_TIME = "--time-budget 10 --force"
"""Five times the usual time for each cell, also where the file holds the cell already."""
_DEFAULTS = {"--dim": 192, "--heads": 3, "--batch": 1, "--dtype": "float32", "--mode": "forward",
             "--seed": 0}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One layer cell: what was measured, on which grid, under which conditions."""

    implementation: Implementation
    conditions: LayerConditions
    grid: Grid


def cells_of(rows: pd.DataFrame) -> list[Cell]:
    """The cells of a frame of layers."""
    columns = (rows[name] for name in ("implementation_key", "conditions_key", "height", "width"))
    return [
        Cell(implementation=implementation, conditions=conditions, grid=(int(height), int(width)))
        for implementation, conditions, height, width in zip(*columns, strict=True)
    ]


def cell_of(record: LayerRecord) -> Cell:
    """The cell of a record."""
    workload = record.workload
    return Cell(
        implementation=implementation_of(workload), conditions=conditions_of(record),
        grid=workload.grid,
    )  # fmt: skip


def commands(cells: Iterable[Cell], beside_dense: bool = True) -> list[str]:
    """The commands that measure these cells again: one for all that a single command can take.

    Args:
        cells: layers.
        beside_dense: whether dense attention is measured in the same rounds, for speed-ups.
    """
    alike: dict[Hashable, list[Cell]] = {}
    for cell in cells:
        alike.setdefault((cell.conditions, _fixed_text(cell.implementation)), []).append(cell)
    return [_command(group, beside_dense) for group in alike.values()]


def advice(cells: Iterable[Cell], beside_dense: bool = True) -> str:
    """The same as an advice: "run `attnbench sweep …`"; "" without cells."""
    found = commands(cells, beside_dense)
    return f"run {' and '.join(f'`{command}`' for command in found)}" if found else ""


def model_command(record: ModelRecord) -> str:
    """The command that measures the cost of a model again."""
    workload = record.workload
    if record.run:
        return evaluate_command(record.run)
    height, width = workload.img_size
    flags = _flags(
        {"--batch": workload.batch, "--dtype": workload.dtype, "--mode": workload.mode,
         "--seed": workload.seed}
    )  # fmt: skip
    options = [f"--option {shlex.quote(f'{name}={_plain(value)}')}"
               for name, value in _without_nesting(workload.options).items()]  # fmt: skip
    parts = [
        f"attnbench profile --model {shlex.quote(workload.model)} --img-size {height}x{width}",
        f"--num-classes {workload.num_classes}", *options, *flags, "--time-budget 10",
    ]  # fmt: skip
    return " ".join(parts)


def evaluate_command(run: str) -> str:
    """The command that measures a trained model again, from its checkpoint."""
    return f"attnbench evaluate {shlex.quote(f'{CHECKPOINTS}/{run}/last.pt')}"


def _without_nesting(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a model, and those of the attention inside it, as the command line takes them."""
    flat: dict[str, Any] = {}
    for name, value in options.items():
        flat |= value if isinstance(value, Mapping) else {name: value}
    return flat


def _fixed_text(key: Implementation) -> str:
    """The options that one command can give one value only."""
    return json_in_order(_fixed(key))


def _fixed(key: Implementation) -> dict[str, Any]:
    return {name: value for name, value in key.options.items() if name not in key.swept}


def _command(cells: Sequence[Cell], beside_dense: bool) -> str:
    first = cells[0]
    names = list(dict.fromkeys(cell.implementation.attention for cell in cells))
    if beside_dense and BASELINE not in names:
        names.insert(0, BASELINE)
    conditions = first.conditions
    given = {
        "--dim": conditions.dim, "--heads": conditions.num_heads, "--batch": conditions.batch,
        "--dtype": conditions.dtype, "--mode": conditions.mode or "forward",
        "--seed": conditions.seed,
    }  # fmt: skip
    parts = [
        f"attnbench sweep --attention {','.join(map(shlex.quote, names))}",
        _sizes([cell.grid for cell in cells]),
        *_swept([cell.implementation for cell in cells]),
        *(f"--option {shlex.quote(f'{name}={_plain(value)}')}"
          for name, value in _fixed(first.implementation).items()),
        *_impls([cell.implementation.impl for cell in cells], beside_dense),
        *_flags(given),
        *_machine(conditions),
        *_plugins(names),
        MORE_TIME,
    ]  # fmt: skip
    return " ".join(parts)


def _sizes(grids: Sequence[Grid]) -> str:
    """Token counts, or image sizes where a grid is not the squarest of its token count."""
    if all(_is_squarest(grid) for grid in grids):
        return f"--n-tokens {','.join(map(str, sorted({h * w for h, w in grids})))}"
    sides = [f"{PATCH * height}x{PATCH * width}" for height, width in sorted(set(grids))]
    return f"--resolution {','.join(sides)}"


def _is_squarest(grid: Grid) -> bool:
    try:
        return grid_of(grid[0] * grid[1]) == grid
    except UserError:
        return False


def _swept(keys: Sequence[Implementation]) -> list[str]:
    values: dict[str, dict[Any, None]] = {}
    for key in keys:
        for name, value in key.swept.items():
            values.setdefault(name, {})[value] = None
    return [f"--sweep {name}={','.join(map(str, found))}" for name, found in values.items()]


def _impls(impls: Sequence[str], beside_dense: bool) -> list[str]:
    """The implementations, unless the usual ones contain them all."""
    usual = default_impls()
    others = [impl for impl in dict.fromkeys(impls) if impl not in usual]
    if not others:
        return []
    asked = [*usual, *others] if beside_dense else list(dict.fromkeys(impls))
    return [f"--impl {','.join(asked)}"]


def _flags(given: Mapping[str, Any]) -> list[str]:
    return [f"{flag} {value}" for flag, value in given.items() if value != _DEFAULTS[flag]]


def _machine(conditions: LayerConditions) -> list[str]:
    """The threads, which are conditions of a number on the CPU."""
    machine = conditions.machine
    return [f"--threads {machine.threads}"] if machine.device == "cpu" else []


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plugins(attentions: Sequence[str]) -> list[str]:
    """The files of plug-ins; FILE where one is not loaded here, as records do not hold its name."""
    return [f"--plugin {file}" for file in dict.fromkeys(map(_plugin, attentions)) if file]


def _plugin(attention: str) -> str:
    try:
        target = ATTENTIONS.find(attention).target
    except UserError:
        return "FILE"
    module = getattr(target, "__module__", "")
    if module in loaded_plugins():
        return module
    if not module.startswith(PLUGIN_MODULE):
        return ""
    return shlex.quote(str(getattr(sys.modules.get(module), "__file__", None) or "FILE"))
