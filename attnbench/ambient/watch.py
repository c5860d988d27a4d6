"""Functions and settings of the process, put back after a stranger's code has run."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from attnbench.ambient.functions import Functions
from attnbench.ambient.settings import Settings


class Ambient:
    """The functions and settings that all code shares, as they are now."""

    def __init__(self) -> None:
        self._functions = Functions()
        self._settings = Settings()

    def put_back(self) -> list[str]:
        """Undo every change; returns a text about each, without a subject."""
        return [*self._functions.put_back(), *self._settings.put_back()]


@contextmanager
def unchanged_by_import() -> Iterator[list[str]]:
    """Put back what an import changes; the list holds a text about each change afterwards.

    If the import is the first to load torch, torch's settings are read at that moment.
    """
    kept = [Ambient()]
    changes: list[str] = []
    with _once_imported("torch", lambda: kept.append(Ambient())):
        try:
            yield changes
        finally:
            for ambient in reversed(kept):
                changes += ambient.put_back()


@contextmanager
def _once_imported(name: str, act: Callable[[], object]) -> Iterator[None]:
    """Act when a module that is not imported yet has been, before its importer goes on."""
    finder = _Finder(name, act)
    if name not in sys.modules:
        sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        if finder in sys.meta_path:
            sys.meta_path.remove(finder)


class _Finder(MetaPathFinder):
    """Finds one module as the others do, and has its loader act at the end of the import."""

    def __init__(self, name: str, act: Callable[[], object]) -> None:
        self._name = name
        self._act = act

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None for every other module, and for one that cannot be watched."""
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            self._act()

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
