"""Workloads, protocols and recipes as plain values: for JSON, hashes and comparison."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any

from attnbench.spec.workload import AnyWorkload


def as_plain(spec: object) -> dict[str, Any]:
    """The fields of a flat dataclass, ready for JSON or a hash.

    Float fields become floats, so that 1 and 1.0 give the same cell.
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
    """A hashable value that is equal for equal workloads; `impl`, if given, replaces its own."""
    options = json_in_order(workload.options) if workload.options else ""
    code = workload.impl if impl is None else impl
    cls: type = type(workload)
    return workload.kind, options, code, _apart_from_code(cls)(workload)


@cache
def _apart_from_code(cls: type) -> Callable[[AnyWorkload], Hashable]:
    """What gives the fields of a workload other than its options and its implementation."""
    return attrgetter(*(name for name in _names(cls) if name not in ("options", "impl")))


json_in_order = json.JSONEncoder(sort_keys=True).encode
"""JSON with sorted keys. Making an encoder for each call would take longer than encoding."""


def describe(values: Mapping[str, Any]) -> str:
    """Options as text, such as "depth=12, rank=8"; nested options are flattened."""
    parts = (
        describe(value) if isinstance(value, Mapping) else f"{key}={value_text(value)}"
        for key, value in sorted(values.items())
    )
    return ", ".join(part for part in parts if part)


def value_text(value: Any) -> str:
    """An option's value as text; a text that reads as something else is in quotes: rank='8'."""
    if isinstance(value, str) and _reads_as_something_else(value):
        return repr(value)
    return str(value)


def _reads_as_something_else(text: str) -> bool:
    if text in ("", "True", "False", "None") or any(sign in text for sign in ",=()[]{}'"):
        return True
    try:
        float(text)
    except ValueError:
        return not text.isprintable()
    return True
