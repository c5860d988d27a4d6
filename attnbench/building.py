"""Dataclasses from plain values, as JSON gives them: fast enough for files of 100,000 records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, make_dataclass
from functools import cache, lru_cache
from typing import Any, get_args, get_type_hints

from attnbench.records import Environment, Floor
from attnbench.spec import Protocol, Recipe

SHARED = frozenset({Environment, Floor, Protocol, Recipe})
"""What many records have in common: built and checked once, and one object for all of them."""


def build(cls: type, values: Mapping[str, Any]) -> Any:
    """A dataclass from plain values: nested dataclasses and tuples are restored by their types."""
    plan = _plan(cls)
    restored = dict(values)
    for name, value in values.items():
        if type(value) is list or type(value) is dict:
            restored[name] = _restore(plan.parts.get(name), value)
    try:
        return plan.thawed(**restored)
    except TypeError:
        unknown = values.keys() - plan.parts.keys()
        if unknown:
            raise ValueError(f"unknown fields {', '.join(sorted(unknown))}") from None
        raise


def _restore(part: type | None, value: Any) -> Any:
    if type(value) is list:
        return tuple(value) if part is None else tuple(_restore(part, item) for item in value)
    if part is None or type(value) is not dict:
        return value
    return _shared(part, **value) if part in SHARED else build(part, value)


@lru_cache(maxsize=1024, typed=True)  # 1, 1.0 and True are equal, and not the same in a file
def _shared(cls: type, /, **values: Any) -> Any:
    """One object for all lines that say the same."""
    return build(cls, values)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is needed to build objects of a dataclass."""

    thawed: type
    parts: dict[str, type | None]
    """The fields, each with the dataclass that it holds, by itself or in a tuple."""


@cache
def _plan(cls: type) -> _Plan:
    hints = get_type_hints(cls)
    return _Plan(
        thawed=_thawed(cls),
        parts={known.name: _dataclass_in(hints[known.name]) for known in fields(cls)},
    )


def _dataclass_in(hint: Any) -> type | None:
    options = (hint, *get_args(hint))
    return next((o for o in options if isinstance(o, type) and is_dataclass(o)), None)


def _thawed(cls: type) -> type:
    """A class with the fields of a frozen dataclass, whose objects become of that class.

    To fill a frozen object takes a function call for every field, and a line has fifty: this way
    takes a fifth of the time.
    """
    check = getattr(cls, "__post_init__", lambda made: None)

    def freeze(made: Any) -> None:
        made.__class__ = cls  # has the same slots
        check(made)

    own = [
        (known.name, Any, field(default=known.default, default_factory=known.default_factory))
        for known in fields(cls)
    ]
    return make_dataclass(
        cls.__name__, own, slots=True, kw_only=True, eq=False, namespace={"__post_init__": freeze}
    )
