"""What data frames are grouped and joined by: facts compared by value, never printed names."""

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
    """Keys are equal where their facts are. A frame hashes them often, so the hash is stored."""

    _identity: Hashable = field(init=False, repr=False)
    _hash: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        identity = self._facts()
        object.__setattr__(self, "_identity", identity)
        object.__setattr__(self, "_hash", hash(identity))

    @abstractmethod
    def _facts(self) -> Hashable:
        """Everything that tells this key from others of its type."""

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Key) and self._identity == other._identity

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class LayerConditions(Key):
    """What layers must share to stand in one figure or on one curve: all but grid and mechanism."""

    mode: str
    """"" where the conditions are those of several modes."""
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
        """The conditions that a forward call and a training step have in common."""
        return replace(self, mode="")

    @property
    def order(self) -> tuple[Any, ...]:
        """Sorts conditions: by mode, dtype and size, then by machine."""
        size = (self.batch, self.dim, self.num_heads)
        return self.mode, self.dtype, *size, machine_order(self.machine), self.seed


def machine_order(machine: Environment) -> tuple[Any, ...]:
    """Sorts machines by name, then by threads and software."""
    software = (machine.torch, machine.cuda, machine.platform)
    return machine.device_name, machine.threads, *software, machine.float32_matmul


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Implementation(Key):
    """A mechanism with its options, and the code behind it."""

    attention: str
    impl: str
    """"" where the key is of all implementations of the mechanism."""
    options: Mapping[str, Any] = field(default_factory=dict)

    def _facts(self) -> Hashable:
        return "implementation", self.attention, self.impl, _text_of(self.options)

    @property
    def swept(self) -> Mapping[str, Any]:
        """The sweepable options that are given, in the order of the mechanism's row."""
        if not self.options:
            return NO_OPTIONS
        names = sweepable_options(self.attention)
        return {name: self.options[name] for name in names if name in self.options}

    @property
    def order(self) -> tuple[Any, ...]:
        """Sorts implementations: by code, then by the values of the sweepable options."""
        values = tuple(_sortable(value) for value in self.swept.values())
        return self.impl, values or ((2,),), _text_of(self.options)

    def without(self, option: str) -> Implementation:
        """The key of all implementations that differ in one option alone."""
        others = {name: value for name, value in self.options.items() if name != option}
        return replace(self, options=others)


def _sortable(value: Any) -> tuple[Any, ...]:
    return (0, value) if type(value) in (int, float) else (1, str(value))


def _text_of(options: Mapping[str, Any]) -> str:
    return json_in_order(options) if options else ""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class OptionSeries(Key):
    """Layers that differ in one option alone, on one grid."""

    rest: Implementation
    """The implementation without the option."""
    grid: Grid

    def _facts(self) -> Hashable:
        return "series", self.rest, self.grid


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ModelVariant(Key):
    """A model with the mechanism inside it and its options."""

    model: str
    attention: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def _facts(self) -> Hashable:
        return "model", self.model, self.attention, _text_of(self.options)

    @property
    def own_options(self) -> Mapping[str, Any]:
        """The options without the attention, which is a field of its own."""
        return {name: value for name, value in self.options.items() if name != "attention"}


def implementation_of(workload: Workload) -> Implementation:
    """The key of what a layer's workload builds."""
    return Implementation(
        attention=workload.attention, impl=workload.impl, options=workload.options
    )


def conditions_of(record: LayerRecord) -> LayerConditions:
    """The key of the conditions that a layer was measured under."""
    workload = record.workload
    return LayerConditions(
        mode=workload.mode, dtype=workload.dtype, batch=workload.batch, dim=workload.dim,
        num_heads=workload.num_heads, machine=record.environment.conditions, seed=workload.seed,
    )  # fmt: skip


def variant_of(workload: ModelWorkload) -> ModelVariant:
    """The key of what a model's workload builds."""
    return ModelVariant(
        model=workload.model, attention=workload.attention, options=workload.options
    )


def machine_of(record: Record) -> Environment:
    """The key of the machine and its software."""
    return record.environment.conditions


def sweepable_options(attention: str) -> tuple[str, ...]:
    """Names of the options that the mechanism's row declares; none if it is not registered."""
    try:
        return tuple(option.name for option in ATTENTIONS.find(attention).sweepable)
    except UserError:
        return ()


AnyKey = TypeVar("AnyKey", bound=Key)


class Shared:
    """One object for equal keys: comparing an object with itself costs nothing."""

    def __init__(self) -> None:
        self._known: dict[Key, Key] = {}

    def one(self, key: AnyKey) -> AnyKey:
        """The first key that was equal to this one."""
        return self._known.setdefault(key, key)  # type: ignore[return-value]
