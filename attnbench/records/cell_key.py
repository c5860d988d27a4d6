"""The key of a cell: a hash of workload, code, protocol, conditions and recipe.

A record is stored with its key, so that a reader can tell whether what the key stands for was
changed after it was written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any

from attnbench.records.environment import Environment
from attnbench.spec import (
    AnyWorkload,
    ModelWorkload,
    Protocol,
    Recipe,
    Workload,
    as_plain,
    json_in_order,
)

UNCONDITIONAL = (("python", "attnbench", "code"), ("attnbench", "code"))
"""Fields of an environment that a key leaves out of the conditions; then those of earlier keys."""


def cell_key(
    workload: AnyWorkload,
    protocol: Protocol | None,
    environment: Environment,
    recipe: Recipe | None = None,
) -> str:
    """Hash of workload, code, protocol, conditions and recipe.

    The version of attnbench does not count; a change of the cell's own code does.
    """
    return _hash(workload_text(workload), _shared_text(protocol, environment, recipe))


def workload_text(workload: AnyWorkload) -> str:
    """`json_in_order(as_plain(workload))`; that of a layer is written out, four times as fast."""
    if not isinstance(workload, Workload):
        return json_in_order(as_plain(workload))
    height, width = workload.grid
    options = json_in_order(workload.options) if workload.options else "{}"
    return (
        f'{{"attention": {_quoted(workload.attention)}, "batch": {workload.batch}, '
        f'"dim": {workload.dim}, "dtype": "{workload.dtype}", "grid": [{height}, {width}], '
        f'"impl": {_quoted(workload.impl)}, "mode": "{workload.mode}", '
        f'"num_heads": {workload.num_heads}, "options": {options}, "seed": {workload.seed}}}'
    )


@lru_cache(maxsize=1024)
def _shared_text(protocol: Protocol | None, environment: Environment, recipe: Recipe | None) -> str:
    """The text of what many cells share; it is made once."""
    parts = (protocol, environment.conditions, recipe)
    texts = (json_in_order(part and as_plain(part)) for part in parts)
    return ", ".join((environment.code, *texts))


def _hash(workload: str, shared: str) -> str:
    return hashlib.sha256(f"[{workload}, {shared}]".encode()).hexdigest()[:16]


def is_key_of(key: str, plain: Mapping[str, Any]) -> bool:
    """Whether a stored key may be that of what stands beside it, by the rule of any version.

    The hash is of what the line says, so fields that this version does not know, or that an older
    one did not write, are no obstacle.

    Args:
        key: of a line of the current schema.
        plain: the line, as JSON gives it.
    """
    if any(key == _key_of_plain(plain, left_out) for left_out in UNCONDITIONAL):
        return True
    return _is_of_newer_rule(plain)


def _key_of_plain(plain: Mapping[str, Any], left_out: tuple[str, ...]) -> str:
    parts = {name: _with_floats(plain.get(name), cls) for name, cls in _types(plain).items()}
    environment = plain["environment"]
    conditions = {name: "" if name in left_out else v for name, v in environment.items()}
    texts = map(json_in_order, (parts["protocol"], conditions, parts["recipe"]))
    return _hash(json_in_order(parts["workload"]), ", ".join((environment["code"], *texts)))


def _with_floats(part: dict[str, Any] | None, cls: type) -> dict[str, Any] | None:
    """The part with whole numbers of float fields as floats, as keys are made of them."""
    if part is None:
        return None
    floats = {known.name for known in fields(cls) if known.type in (float, "float")}
    return {name: float(v) if name in floats else v for name, v in part.items()}


def _is_of_newer_rule(plain: Mapping[str, Any]) -> bool:
    """Whether a newer version wrote the line: it has all fields known here, and more.

    What that version's keys are made of is not known here.
    """
    parts = {part: cls for part, cls in _types(plain).items() if plain.get(part) is not None}
    known = {part: {field.name for field in fields(cls)} for part, cls in parts.items()}
    given = {part: set(plain[part]) for part in parts}
    return known != given and all(known[part] <= given[part] for part in parts)


def _types(plain: Mapping[str, Any]) -> dict[str, type]:
    workload = Workload if plain["kind"] == "layer" else ModelWorkload
    return {
        "workload": workload, "protocol": Protocol, "environment": Environment, "recipe": Recipe,
    }  # fmt: skip
