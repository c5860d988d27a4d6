"""Loading plug-ins: Python code of strangers that registers attentions, models and more.

A plug-in may do anything while it is imported. What it changes for all code is put back and
named. What ends the program, `sys.exit` or `os._exit`, ends the import instead, with an error that
names the plug-in. A copy of the process that it forks and forgets is ended.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from attnbench.ambient.watch import unchanged_by_import
from attnbench.errors import UserError

Loaded = TypeVar("Loaded")

ENTRY_POINT_GROUP = "attnbench.plugins"
PLUGIN_MODULE = "attnbench_plugin_"
"""How the module names of plug-in files begin."""

_installed_plugins_loaded = False
_loaded_plugins: list[str] = []
_changed_by: dict[str, str] = {}
_changes: list[str] = []


def load_installed_plugins() -> None:
    """Register what installed packages declare in the entry-point group `attnbench.plugins`.

    An entry point names a table of `Entry` rows (nothing heavy is imported) or a module with
    decorators. One that fails gives a warning; the others are still registered.
    """
    global _installed_plugins_loaded
    if _installed_plugins_loaded:
        return
    _installed_plugins_loaded = True
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        try:
            guarded(point.name, lambda: _register_loaded(point.load()))  # noqa: B023 - at once
        except (UserError, ImportFailedError) as error:
            warnings.warn(
                f"plug-in {point.name!r} ({point.value}) was skipped: {error}", stacklevel=2
            )


def load_plugin(source: str) -> None:
    """Import a plug-in (a Python file or a module name) and register what it declares.

    Raises:
        UserError: there is no such file, or the import fails or ends the program.
    """
    path = Path(source)
    if path.suffix == ".py" and not path.is_file():
        raise UserError(f"--plugin {source}: no such file; give a Python file or a module name")
    try:
        guarded(path.name, lambda: _register_loaded(_import(source)))
    except ImportFailedError as error:
        raise UserError(f"--plugin {source}: importing it {error}") from error.__cause__
    if source not in _loaded_plugins:
        _loaded_plugins.append(source)


def loaded_plugins() -> tuple[str, ...]:
    """The sources given to `load_plugin` so far, which worker processes load too."""
    return tuple(_loaded_plugins)


def changes_by_plugins() -> tuple[str, ...]:
    """What importing plug-ins has changed in the process; a text for each plug-in."""
    return tuple(_changes)


def changes_by_import(name: str) -> str:
    """What importing the plug-in of an entry changed in the process; "" for nothing."""
    return _changed_by.get(name, "")


class ImportFailedError(Exception):
    """Why an import failed, as the end of a sentence about the plug-in."""


class _EndedError(BaseException):
    """In place of `os._exit`. No `except Exception` of the plug-in may swallow it."""


def guarded(plugin: str, work: Callable[[], Loaded]) -> Loaded:
    """Run an import of a stranger's code, which changes and ends nothing here.

    Args:
        plugin: what to call it in texts.
        work: imports it, and returns something of it.

    Raises:
        UserError: it registers what cannot be registered.
        ImportFailedError: it raised, or would have ended the program.
    """
    with _told_from_ctrl_c() as pressed, _noting_changes(plugin), _surviving():
        try:
            return work()
        except UserError:
            raise
        except Exception as error:
            raise ImportFailedError(f"failed with {_shown(error)}") from error
        except KeyboardInterrupt as error:
            if pressed():
                raise
            raise ImportFailedError(f"failed with {_shown(error)}") from error
        except BaseException as error:  # SystemExit, and what else no program expects
            raise ImportFailedError(
                f"would have ended the program ({_shown(error)}); remove that, or put it under "
                'if __name__ == "__main__"'
            ) from error


def _shown(error: BaseException) -> str:
    if isinstance(error, _EndedError):
        return str(error)
    return ": ".join(filter(None, [type(error).__name__, str(error)]))


@contextmanager
def _surviving() -> Iterator[None]:
    """Turn `os._exit` into an exception; a copy of the process does not leave this block."""
    process, really_exit = os.getpid(), os._exit

    def exit_or_raise(code: int = 0) -> None:
        if os.getpid() != process:  # a copy that the plug-in forked, and ends as it should
            really_exit(code)
        raise _EndedError(f"os._exit({code})")

    os._exit = exit_or_raise  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = really_exit
        if os.getpid() != process:  # a copy that was left to go on would run the command twice
            really_exit(1)


@contextmanager
def _told_from_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Tells whether a KeyboardInterrupt is the user's Ctrl-C, or was raised by the plug-in."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: True  # signals come to the main thread alone
        return
    signals: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        signals.append(number)
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # ignored in workers, or somebody's own
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield lambda: bool(signals)
    finally:
        if before is signal.default_int_handler:
            signal.signal(signal.SIGINT, before)


@contextmanager
def _noting_changes(plugin: str) -> Iterator[None]:
    """Put back what a plug-in changes for all code, and remember it with the entries it adds."""
    known = _known_names()
    with unchanged_by_import() as changes:
        yield
    if changes:
        text = f"plug-in {plugin} {', '.join(changes)} when it was imported; put back"
        _changes.append(text)
        _changed_by.update(dict.fromkeys(_known_names() - known, text))


def _known_names() -> set[str]:
    from attnbench.registry import registries

    return {name for registry in registries() for name in registry.names()}


def _import(source: str) -> Any:
    path = Path(source)
    return _import_file(path) if path.is_file() else importlib.import_module(source)


def _import_file(path: Path) -> Any:
    """Import a file once; its module name has a hash of the path, so two `mine.py` differ."""
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    name = f"{PLUGIN_MODULE}{path.stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"--plugin {path}: not a Python file; give a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _register_loaded(loaded: Any) -> None:
    """Register a table, or a module's table `ENTRIES`; importing it has run its decorators."""
    from attnbench.registry import register_entries

    register_entries(
        loaded if isinstance(loaded, (tuple, list)) else getattr(loaded, "ENTRIES", ())
    )
