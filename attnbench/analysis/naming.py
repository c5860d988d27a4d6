"""Display names of implementations, models, conditions and machines.

Terminal, page, CSV and messages all take their names from here. Names are for people; code groups
and joins by `analysis.keys`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from functools import singledispatch
from itertools import islice
from typing import Any, TypeVar

from attnbench.analysis.keys import (
    Implementation,
    LayerConditions,
    ModelVariant,
    OptionSeries,
    implementation_of,
)
from attnbench.records import Environment, Record
from attnbench.spec import AnyWorkload, ModelWorkload, Workload, describe
from attnbench.spec.plain import json_in_order, value_text

USUAL_TASK = "classification"
AnyName = TypeVar("AnyName", bound=Hashable)


def implementation_name(key: Implementation, between: str = " ") -> str:
    """Mechanism with its first sweepable option, `impl` and further options: "anchor-30 (sdpa)".

    Args:
        key: the implementation to name.
        between: the text between the mechanism and the brackets.
    """
    return _in_brackets(mechanism_name(key), key.impl, _further(key), between=between)


def mechanism_name(key: Implementation) -> str:
    """The mechanism with the value of its first sweepable option: "anchor-30"."""
    first = islice(key.swept.values(), 1)
    return "-".join((key.attention, *(value_text(value) for value in first)))


def _further(key: Implementation) -> str:
    """The options that `mechanism_name` leaves out."""
    if not key.options:
        return ""
    first = next(iter(key.swept), None)
    return describe({name: value for name, value in key.options.items() if name != first})


def _in_brackets(name: str, *parts: str, between: str = " ") -> str:
    inside = ", ".join(part for part in parts if part)
    return f"{name}{between}({inside})" if inside else name


def series_name(key: OptionSeries) -> str:
    """The name of a line over an option's values: "anchor (sdpa), 14 × 14"."""
    height, width = key.grid
    return f"{implementation_name(key.rest)}, {height} × {width}"


@singledispatch
def name_of(workload: AnyWorkload, between: str = " ") -> str:
    """The name of a layer, "anchor-30 (sdpa)", or of a model, "pyramid-t (anchor)"."""
    raise TypeError(f"no name for a {type(workload).__name__}")


@name_of.register
def _(workload: Workload, between: str = " ") -> str:
    return implementation_name(implementation_of(workload), between)


@name_of.register
def _(workload: ModelWorkload, between: str = " ") -> str:
    return _in_brackets(workload.model, workload.attention, between=between)


@singledispatch
def subject_name(workload: AnyWorkload) -> str:
    """The name with the size: "anchor-30 (sdpa) at 196 tokens", "vit-t at 224 × 224 px"."""
    raise TypeError(f"no name for a {type(workload).__name__}")


@subject_name.register
def _(workload: Workload) -> str:
    return f"{name_of(workload)} at {workload.num_tokens} tokens"


@subject_name.register
def _(workload: ModelWorkload) -> str:
    height, width = workload.img_size
    return f"{model_name(workload)} at {height} × {width} px"


def model_name(workload: ModelWorkload) -> str:
    """A model with its options: "vit-t (attention=anchor)"."""
    return _in_brackets(workload.model, describe(workload.options))


def facts_of(record: Record) -> list[str]:
    """Size, batch, dtype and mode of a cell, one text each."""
    workload = record.workload
    facts = [*_size_facts(workload), f"batch {workload.batch}", workload.dtype, workload.mode]
    return [fact for fact in (*facts, *_seed_facts(workload.seed)) if fact]


def _seed_facts(seed: int) -> list[str]:
    """The seed of weights and input, where it is not the usual one."""
    return [f"seed {seed}"] if seed else []


def full_name(record: Record) -> str:
    """Name and facts of a cell on one line."""
    return ", ".join((name_of(record.workload), *facts_of(record)))


@singledispatch
def _size_facts(workload: AnyWorkload) -> list[str]:
    raise TypeError(f"no facts of a {type(workload).__name__}")


@_size_facts.register
def _(workload: Workload) -> list[str]:
    height, width = workload.grid
    return [f"{height} × {width} tokens", f"dim {workload.dim}", f"{workload.num_heads} heads"]


@_size_facts.register
def _(workload: ModelWorkload) -> list[str]:
    height, width = workload.img_size
    size = f"{height} × {width} px"
    task = "" if workload.task == USUAL_TASK else workload.task
    return [size, task, describe(workload.options), f"{workload.num_classes} classes"]


def distinct(names: Mapping[AnyName, str]) -> dict[AnyName, str]:
    """The names, with a number behind each that is not the first of its kind: "dense #2".

    Names are for people, so two things may read alike. A table or figure must still tell them
    apart.
    """
    times: Counter[str] = Counter()
    told: dict[AnyName, str] = {}
    for key, name in names.items():
        times[name] += 1
        told[key] = name if times[name] == 1 else f"{name} #{times[name]}"
    return told


def implementation_names(keys: Iterable[Implementation]) -> dict[Implementation, str]:
    """A name for each implementation, none twice."""
    return distinct({key: implementation_name(key) for key in dict.fromkeys(keys)})


def option_texts(options: Sequence[Mapping[str, Any]]) -> list[str]:
    """The options of each row as text; unlike options have unlike texts."""
    keys = [json_in_order(one) if one else "" for one in options]
    texts = distinct({key: describe(one) for key, one in zip(keys, options, strict=True)})
    return [texts[key] for key in keys]


def variant_names(variants: Iterable[ModelVariant]) -> dict[ModelVariant, str]:
    """A name for each model, with attention and options only where they tell models apart."""
    found = list(dict.fromkeys(variants))
    attentions = {(key.model, key.attention) for key in found}
    of_model = Counter(model for model, _ in attentions)
    of_attention = Counter((key.model, key.attention) for key in found)
    return distinct(
        {
            key: _in_brackets(
                key.model,
                key.attention if of_model[key.model] > 1 else "",
                describe(key.own_options) if of_attention[key.model, key.attention] > 1 else "",
            )
            for key in found
        }
    )


class MachineNames:
    """Names of the machines in a report, and of the conditions on them."""

    def __init__(self, machines: Iterable[Environment] = ()) -> None:
        """Take all machines of the report; those with equal short names get longer ones."""
        short = {machine: _machine_facts(machine) for machine in machines}
        times = Counter(tuple(facts) for facts in short.values())
        self._facts = {
            machine: facts if times[tuple(facts)] == 1 else [*facts, *_more_facts(machine)]
            for machine, facts in short.items()
        }
        self._names = distinct({key: ", ".join(facts) for key, facts in self._facts.items()})
        for machine, name in self._names.items():
            if name != ", ".join(self._facts[machine]):  # numbered
                self._facts[machine] = [name]

    def machine(self, machine: Environment) -> str:
        """The name of a machine with its software."""
        return self._names[machine]

    def conditions(self, key: LayerConditions) -> str:
        """Mode, dtype, size and machine on one line."""
        return ", ".join(self.facts(key))

    def facts(self, key: LayerConditions) -> list[str]:
        """The same, as a list of facts."""
        size = [f"batch {key.batch}", f"width {key.dim}", f"{key.num_heads} heads"]
        mode = [key.mode] if key.mode else []
        return [*mode, key.dtype, *size, *_seed_facts(key.seed), *self._facts[key.machine]]

    def parted(self, keys: Sequence[LayerConditions]) -> tuple[str, Mapping[LayerConditions, str]]:
        """The facts that all of these conditions share, and the remaining facts of each."""
        facts = {key: self.facts(key) for key in keys}
        first = next(iter(facts.values()), [])
        shared = [fact for fact in first if all(fact in other for other in facts.values())]
        own = {
            key: ", ".join(fact for fact in parts if fact not in shared)
            for key, parts in facts.items()
        }
        return ", ".join(shared), own


def _machine_facts(machine: Environment) -> list[str]:
    cuda = [f"CUDA {machine.cuda}"] if machine.cuda else []
    return [machine.label, *cuda]


def _more_facts(machine: Environment) -> list[str]:
    used = "GPU" if machine.device == "cuda" else "CPU"
    waiting = [f"waiting {machine.wait_policy}"] if machine.wait_policy else []
    return [machine.platform, used, f"{machine.threads} host threads", *waiting]


def texts_of(values: Iterable[Any]) -> str:
    """Names joined by "or", sorted, without repeats: "dense (reference) or dense (sdpa)"."""
    return " or ".join(sorted(set(values)))


def with_sizes(cells: Iterable[tuple[str, int]]) -> str:
    """Names with their token counts: "window at 196 and 576 tokens, dense at 49 tokens"."""
    sizes: dict[str, dict[int, None]] = {}
    for name, tokens in cells:
        sizes.setdefault(name, {})[tokens] = None
    return ", ".join(
        f"{name} at {joined_by_and([f'{size:,}' for size in sorted(found)])} tokens"
        for name, found in sizes.items()
    )


def joined_by_and(texts: Sequence[str]) -> str:
    """A list in words: "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, (", ".join(texts[:-1]), *texts[-1:])))
