"""The code that a cell's numbers depend on, as a hash: a cell is stale when its own code changed.

The hash covers the module that defines a mechanism or model, and what that module imports of ours,
transitively; of a plug-in it covers the whole file or package. Neighbours do not count: a new
mechanism makes no cell of another stale. Nor do comments, docstrings, layout and module names:
the hash is taken of the syntax tree. Vocabulary, tables and the code that measures compute nothing
that is timed, and are left out (`NOT_TIMED`).
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import attnbench

ROOT = Path(attnbench.__file__).resolve().parent.parent
OURS = ("attnbench", "baselines")
"""Packages whose modules are followed import by import."""
_NOT_TIMED = (
    "cores errors impls isolation kernels.table plugins profiling records registry spec units"
)
NOT_TIMED = tuple(f"attnbench.{name}" for name in _NOT_TIMED.split())
"""Modules that say what is asked for, or measure: they compute nothing that is timed."""
VERSIONED = ("timm",)
"""Packages that bring whole models: where they are imported, their version counts."""


def code_hash(*owners: Any) -> str:
    """Hash of the code behind some classes or functions: 12 hexadecimal digits."""
    return files_hash(Path(inspect.getfile(owner)).resolve() for owner in owners)


def files_hash(files: Iterable[Path]) -> str:
    """The same for the files that define them."""
    sources = [_source_of(file) for file in closure_of(files)]
    parts = sorted(source.digest for source in sources)
    parts += _versions(sources)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def closure_of(files: Iterable[Path]) -> set[Path]:
    """The files, and all that they import of ours or beside themselves, transitively."""
    found: set[Path] = set()
    waiting = [file for start in files for file in _with_package(start)]
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting += _imported_files(file)
    return found


def _with_package(file: Path) -> list[Path]:
    """The file; of a plug-in that is a package all of its files, those of sub-folders too."""
    folder = file.parent
    if ROOT in file.parents and file.relative_to(ROOT).parts[0] in OURS:
        return [file]
    if not (folder / "__init__.py").exists():
        return [file]
    while (folder.parent / "__init__.py").exists():
        folder = folder.parent
    return sorted(folder.rglob("*.py"))


def _imported_files(file: Path) -> Iterator[Path]:
    for name in _source_of(file).imported:
        if name.split(".")[0] in OURS:
            yield from _file_of(name)
        elif (beside := file.parent / f"{name.split('.')[0]}.py").exists():
            yield beside


def _imported_names(tree: ast.Module) -> Iterator[str]:
    """Dotted names that a module imports, wherever in its code; relative ones from its folder."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or node.level):
            prefix = f"{node.module}." if node.module else ""
            yield from (prefix + alias.name for alias in node.names)


@cache
def _file_of(name: str) -> list[Path]:
    """The file behind a dotted name of ours: a module, or what holds the attribute."""
    if name in (f"attnbench.{public}" for public in attnbench.__all__):
        name = attnbench.module_of(name.removeprefix("attnbench."))
    if any(name == word or name.startswith(f"{word}.") for word in NOT_TIMED):
        return []
    path = ROOT.joinpath(*name.split("."))
    candidates = (path.with_suffix(".py"), path.parent.with_suffix(".py"))
    module = next((file for file in candidates if file.is_file()), path.parent / "__init__.py")
    return [module] if module.is_file() and module.parent != ROOT / "attnbench" else []


@dataclass(frozen=True, slots=True)
class _Source:
    """What is asked of a file again and again: a sweep asks for each of its cells."""

    digest: str
    """Hash of its syntax tree without docstrings and imports of ours."""
    imported: tuple[str, ...]


def _source_of(file: Path) -> _Source:
    return _parsed(file, file.stat().st_mtime_ns)


@cache
def _parsed(file: Path, changed_ns: int) -> _Source:
    tree = ast.parse(file.read_bytes())
    imported = tuple(dict.fromkeys(_imported_names(tree)))
    bare = ast.dump(_Bare().visit(tree))
    return _Source(hashlib.sha256(bare.encode()).hexdigest(), imported)


class _Bare(ast.NodeTransformer):
    """Drops what does not change the numbers; imports of ours are followed instead."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Drop strings that stand alone: docstrings."""
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        """Drop imports of our modules, whose names may change."""
        return None if node.level or (node.module or "").split(".")[0] in OURS else node


def _versions(sources: Iterable[_Source]) -> list[str]:
    names = {name.split(".")[0] for source in sources for name in source.imported}
    return [f"{name} {importlib.metadata.version(name)}" for name in VERSIONED if name in names]
