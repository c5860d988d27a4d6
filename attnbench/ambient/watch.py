"""Functions and settings of the process, put back after a stranger's code has run."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from attnbench.ambient.functions import FIRST_LOADED, Functions
from attnbench.ambient.settings import Settings
from attnbench.ambient.threads import Threads


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

    What the import itself is the first to load, torch above all, is remembered at that moment.
    """
    kept, threads = [Ambient()], Threads()
    changes: list[str] = []
    finder = _Finder(FIRST_LOADED - sys.modules.keys(), lambda: kept.append(Ambient()))
    sys.meta_path.insert(0, finder)
    try:
        yield changes
    finally:
        sys.meta_path.remove(finder)
        for ambient in reversed(kept):
            changes += ambient.put_back()
        changes += threads.threads_left()


class _Finder(MetaPathFinder):
    """Finds some modules as the others do, and acts at the end of the import of each."""

    def __init__(self, names: Set[str], act: Callable[[], object]) -> None:
        self._names = set(names)
        self._act = act

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None for every other module, and for one that cannot be watched."""
        if fullname not in self._names:
            return None
        self._names.remove(fullname)  # it is looked for once more, by the others
        spec = importlib.util.find_spec(fullname)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            self._act()

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
