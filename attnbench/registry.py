"""Registries of attentions, models, data sets and tasks by name.

A registry is a table of `Entry` rows. The target of a row is an import string that is imported at
first use, so listing a table loads no torch.

Entries come from four sources: the project's own tables, the entry-point group
`attnbench.plugins`, `--plugin FILE_OR_MODULE`, and the decorators `register_attention` and
`register_model`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal, TypeVar

from attnbench.errors import UserError
from attnbench.plugins import (
    PLUGIN_MODULE,
    ImportFailedError,
    changes_by_import,
    changes_by_plugins,
    guarded,
    load_installed_plugins,
    load_plugin,
    loaded_plugins,
)

__all__ = [
    "ATTENTIONS",
    "DATASETS",
    "MODELS",
    "PLUGIN_MODULE",
    "TASKS",
    "Entry",
    "Registry",
    "SweepOption",
    "changes_by_import",
    "changes_by_plugins",
    "load_installed_plugins",
    "load_plugin",
    "loaded_plugins",
    "register_attention",
    "register_entries",
    "register_model",
]

Kind = Literal["attention", "model", "dataset", "task"]
Target = TypeVar("Target", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOption:
    """A numeric option of a mechanism that a sweep may vary."""

    name: str
    """The keyword of the mechanism's constructor."""
    default: float
    """The constructor's default. If it is a whole number, the option takes whole numbers only."""
    least: float = 1
    """The smallest value that the constructor accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of a table: what a name stands for, its source and its cost."""

    kind: Kind
    name: str
    target: str | Callable[..., Any]
    """Import string "package.module:attribute", or the object itself from a decorator."""
    family: str
    """Attention: dense, window, sparse, anchor, linear …; model: its trunk; dataset: its source;
    task: what it labels."""
    summary: str = ""
    cost: str = ""
    """Asymptotic cost in tokens n, for attentions."""
    paper: str = ""
    link: str = ""
    task: str = "classification"
    """What a model does: the name of a task."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword options that this name fixes; they cannot be overridden."""
    sweepable: tuple[SweepOption, ...] = ()
    """The options of an attention that a sweep may vary."""

    def load(self) -> Callable[..., Any]:
        """Import the target.

        Raises:
            UserError: it is a stranger's, and importing it fails.
        """
        target = self.target
        if not isinstance(target, str):
            return target
        module = target.partition(":")[0]
        if module in sys.modules or module.split(".")[0] == "attnbench":
            return _imported(target)
        try:
            return guarded(module, lambda: _imported(target))
        except ImportFailedError as error:
            raise UserError(
                f"{self.kind} {self.name!r}: importing {target} {error}"
            ) from error.__cause__


class Registry:
    """The entries of one kind, in order of declaration."""

    def __init__(self, kind: Kind, table: str, libraries: Mapping[str, str] | None = None) -> None:
        """Declare the source of the rows, which are read at first use.

        Args:
            kind: the kind of all rows.
            table: import string of the project's own rows.
            libraries: prefix → import string of a function that makes the row of a name such as
                "timm:resnet18".
        """
        self.kind = kind
        self._libraries = libraries or {}
        self._table = table
        self._entries: dict[str, Entry] = {}
        self._opened = False

    def list(self) -> list[Entry]:
        """Every entry, the project's own first."""
        self._open()
        return list(self._entries.values())

    def names(self) -> Sequence[str]:
        """Every name, in the order of `list`."""
        return [entry.name for entry in self.list()]

    def find(self, name: str) -> Entry:
        """The entry of that name.

        Raises:
            UserError: the name is unknown; the message lists similar names.
        """
        self._open()
        library, _, rest = name.partition(":")
        if library in self._libraries and rest:
            entry: Entry = _imported(self._libraries[library])(rest)
            return entry
        if name not in self._entries:
            raise UserError(self._unknown(name))
        return self._entries[name]

    def load(self, name: str) -> Callable[..., Any]:
        """Import the target of that name."""
        return self.find(name).load()

    def register(self, entry: Entry) -> None:
        """Add a row.

        Raises:
            UserError: another row has the same name.
        """
        self._open()
        self._add(entry)

    def _open(self) -> None:
        """Read the project's table and the installed plug-ins, once."""
        if self._opened:
            return
        for entry in _imported(self._table):
            self._add(entry)
        # Set after the import: a table that failed to import must fail again, not look empty.
        self._opened = True
        load_installed_plugins()

    def _add(self, entry: Entry) -> None:
        taken = self._entries.setdefault(entry.name, entry)
        if taken != entry:
            raise UserError(
                f"{self.kind} {entry.name!r} is already registered ({_where(taken)}); "
                f"choose another name for the one in {_where(entry)}"
            )

    def _unknown(self, name: str) -> str:
        near = get_close_matches(name, self._entries, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "no similar name exists."
        return f"unknown {self.kind} {name!r}: {hint} `attnbench list {self.kind}s` shows all"


def _imported(target: str) -> Any:
    """The object of an import string "package.module:attribute"."""
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _where(entry: Entry) -> str:
    if isinstance(entry.target, str):
        return entry.target
    return f"{entry.target.__module__}:{entry.target.__qualname__}"


ATTENTIONS = Registry("attention", table="attnbench.attention:MECHANISMS")
MODELS = Registry(
    "model",
    table="attnbench.models:MODELS",
    libraries={
        "timm": "attnbench.models.from_timm.names:entry_of",
        "picodet": "attnbench.tasks.detection.picodet.model:picodet_over",
        "semantic-fpn": "attnbench.tasks.segmentation.models:semantic_fpn_over",
        "uper-net": "attnbench.tasks.segmentation.models:uper_net_over",
    },
)
DATASETS = Registry("dataset", table="attnbench.data:DATASETS")
TASKS = Registry("task", table="attnbench.tasks:TASKS")
_REGISTRIES: dict[Kind, Registry] = {r.kind: r for r in (ATTENTIONS, MODELS, DATASETS, TASKS)}


def registries() -> Iterable[Registry]:
    """The registry of each kind."""
    return _REGISTRIES.values()


def register_entries(entries: Iterable[Entry]) -> None:
    """Add rows of any kind, each to its own registry."""
    for entry in entries:
        _REGISTRIES[entry.kind].register(entry)


def register_attention(
    name: str,
    *,
    family: str,
    cost: str = "",
    paper: str = "",
    link: str = "",
    summary: str = "",
    sweepable: Sequence[SweepOption] = (),
) -> Callable[[Target], Target]:
    """Decorator: register an attention class under `name` (the README has an example)."""

    def register(target: Target) -> Target:
        ATTENTIONS.register(
            Entry(kind="attention", name=name, target=target, family=family, cost=cost,
                  paper=paper, link=link, summary=summary, sweepable=tuple(sweepable))
        )  # fmt: skip
        return target

    return register


def register_model(
    name: str, *, family: str, paper: str = "", link: str = "", summary: str = ""
) -> Callable[[Target], Target]:
    """Decorator: register a model builder `(num_classes, img_size, **options)` under `name`."""

    def register(target: Target) -> Target:
        MODELS.register(
            Entry(kind="model", name=name, target=target, family=family, paper=paper, link=link,
                  summary=summary)
        )  # fmt: skip
        return target

    return register
