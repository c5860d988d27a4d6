"""Settings as plain values: for JSON, for hashes, and to tell whether two are the same."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any

from attnbench.spec.workload import AnyWorkload


def as_plain(spec: object) -> dict[str, Any]:
    """The fields of a dataclass that holds none, ready for JSON or a hash.

    A whole number of seconds is written as any other: 1 and 1.0 are one cell.
    """
    cls: type = type(spec)
    plain = {name: getattr(spec, name) for name in _names(cls)}
    for name in _floats(cls):
        plain[name] = float(plain[name])
    return plain


@cache
def _names(cls: type) -> tuple[str, ...]:
    return tuple(known.name for known in fields(cls))


@cache
def _floats(cls: type) -> tuple[str, ...]:
    return tuple(known.name for known in fields(cls) if known.type in (float, "float"))


def identity(workload: AnyWorkload, impl: str | None = None) -> Hashable:
    """What tells a workload from others: equal for those that are; with another `impl` if given."""
    plain = as_plain(workload)
    if impl is not None:
        plain["impl"] = impl
    options = plain.pop("options")
    return workload.kind, json_in_order(options) if options else "", *plain.values()


json_in_order = json.JSONEncoder(sort_keys=True).encode
"""JSON with sorted keys; to make an encoder for each call takes longer than to encode."""


def describe(values: Mapping[str, Any]) -> str:
    """Options as text: "num_anchors=30"; those of a part stand among the others."""
    parts = (
        describe(value) if isinstance(value, Mapping) else f"{key}={value}"
        for key, value in sorted(values.items())
    )
    return ", ".join(part for part in parts if part)
