"""Typed keys to group and join data frames by. They compare facts, never printed names."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from attnbench.errors import UserError
from attnbench.records import Environment, LayerRecord, Record
from attnbench.registry import ATTENTIONS
from attnbench.spec import Grid, ModelWorkload, Workload
from attnbench.spec.plain import json_in_order

NO_OPTIONS: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Key(ABC):
    """Base of all keys: two are equal if their facts are. The hash is stored, for speed."""

    _identity: Hashable = field(init=False, repr=False)
    _hash: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        identity = self._facts()
        object.__setattr__(self, "_identity", identity)
        object.__setattr__(self, "_hash", hash(identity))

    @abstractmethod
    def _facts(self) -> Hashable:
        """Everything that distinguishes this key from others of its type."""

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Key) and self._identity == other._identity

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LayerConditions(Key):
    """What the layers in one figure share: everything except grid and mechanism."""

    mode: str
    """"" if the key covers several modes."""
    dtype: str
    batch: int
    dim: int
    num_heads: int
    machine: Environment
    """`Environment.conditions` of the records."""
    seed: int = 0

    def _facts(self) -> Hashable:
        size = (self.batch, self.dim, self.num_heads)
        return "conditions", self.mode, self.dtype, *size, self.machine, self.seed

    @property
    def of_any_mode(self) -> LayerConditions:
        """The same conditions without the mode, as forward calls and training steps share them."""
        return replace(self, mode="")

    @property
    def order(self) -> tuple[Any, ...]:
        """Sort key: mode, dtype, size, then machine."""
        size = (self.batch, self.dim, self.num_heads)
        return self.mode, self.dtype, *size, machine_order(self.machine), self.seed


def machine_order(machine: Environment) -> tuple[Any, ...]:
    """Sort key of machines: name, threads, then software."""
    software = (machine.torch, machine.cuda, machine.platform)
    set_by_user = (machine.float32_matmul, machine.wait_policy, machine.pinned, machine.allocator)
    return machine.device_name, machine.threads, *software, *set_by_user


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Implementation(Key):
    """A mechanism with its options, and the implementation (`impl`) that runs it."""

    attention: str
    impl: str
    """"" if the key covers all implementations of the mechanism."""
    options: Mapping[str, Any] = field(default_factory=dict)

    def _facts(self) -> Hashable:
        return "implementation", self.attention, self.impl, _text_of(self.options)

    @property
    def swept(self) -> Mapping[str, Any]:
        """The sweepable options that were given, in the order of the mechanism's registration."""
        if not self.options:
            return NO_OPTIONS
        names = sweepable_options(self.attention)
        return {name: self.options[name] for name in names if name in self.options}

    @property
    def order(self) -> tuple[Any, ...]:
        """Sort key: `impl`, then the values of the sweepable options."""
        values = tuple(_sortable(value) for value in self.swept.values())
        return self.impl, values or ((2,),), _text_of(self.options)

    def without(self, option: str) -> Implementation:
        """The same key without one option: shared by everything that differs in it only."""
        others = {name: value for name, value in self.options.items() if name != option}
        return replace(self, options=others)


def _sortable(value: Any) -> tuple[Any, ...]:
    return (0, value) if type(value) in (int, float) else (1, str(value))


def _text_of(options: Mapping[str, Any]) -> str:
    return json_in_order(options) if options else ""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OptionSeries(Key):
    """Layers on one grid that differ in one option only."""

    rest: Implementation
    """The implementation without the option."""
    grid: Grid

    def _facts(self) -> Hashable:
        return "series", self.rest, self.grid


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ModelVariant(Key):
    """A model with its attention mechanism and its options."""

    model: str
    attention: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def _facts(self) -> Hashable:
        return "model", self.model, self.attention, _text_of(self.options)

    @property
    def own_options(self) -> Mapping[str, Any]:
        """The options without the attention, which has its own field."""
        return {name: value for name, value in self.options.items() if name != "attention"}


def implementation_of(workload: Workload) -> Implementation:
    """The key of the implementation in a layer's workload."""
    return Implementation(
        attention=workload.attention, impl=workload.impl, options=workload.options
    )


def conditions_of(record: LayerRecord) -> LayerConditions:
    """The key of the conditions under which a layer was measured."""
    workload = record.workload
    return LayerConditions(
        mode=workload.mode, dtype=workload.dtype, batch=workload.batch, dim=workload.dim,
        num_heads=workload.num_heads, machine=record.environment.conditions, seed=workload.seed,
    )  # fmt: skip


def variant_of(workload: ModelWorkload) -> ModelVariant:
    """The key of the model in a workload."""
    return ModelVariant(
        model=workload.model, attention=workload.attention, options=workload.options
    )


def machine_of(record: Record) -> Environment:
    """The key of a record's machine and software."""
    return record.environment.conditions


def sweepable_options(attention: str) -> tuple[str, ...]:
    """The sweepable options that the mechanism is registered with; none if unregistered."""
    try:
        return tuple(option.name for option in ATTENTIONS.find(attention).sweepable)
    except UserError:
        return ()


AnyKey = TypeVar("AnyKey", bound=Key)


class Shared:
    """Replaces equal keys by one object, since comparing an object with itself is fast."""

    def __init__(self) -> None:
        self._known: dict[Key, Key] = {}

    def one(self, key: AnyKey) -> AnyKey:
        """The first key seen that equals this one."""
        return self._known.setdefault(key, key)  # type: ignore[return-value]
