"""Whatever is imported is declared with a lower bound, and the pinned versions agree with it."""

import ast
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

tomllib = pytest.importorskip("tomllib", reason="needs Python 3.11, which reads TOML")

ROOT = Path(__file__).parent.parent
DISTRIBUTIONS = {
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "pynvml": "nvidia-ml-py",
    "yaml": "pyyaml",
}
"""Packages whose modules have another name."""
OPTIONAL = {"nvidia-ml-py", "effdet", "faster-coco-eval", "ray", "submitit", "datasets"}
"""What a user may lack: the extras that are imported when they are asked for."""
OF_PANDAS = {"pyarrow"}
"""An extra that pandas imports."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def requirements(lines):
    return {canonicalize_name(found.name): found for found in map(Requirement, lines)}


NEEDED = requirements(PROJECT["dependencies"])
EXTRAS = {
    name: requirements(lines) for name, lines in PROJECT["optional-dependencies"].items()
}  # fmt: skip
ALL = NEEDED | {name: found for extra in EXTRAS.values() for name, found in extra.items()}


def files_in(*folders):
    return [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]


def imported(files, own=()):
    """The distributions that files import, at their top or inside functions."""
    modules = {module.partition(".")[0] for file in files for module in modules_in(file)}
    outside = modules - {"attnbench", "baselines", *own} - sys.stdlib_module_names
    return {DISTRIBUTIONS.get(name, canonicalize_name(name)) for name in outside}


def modules_in(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module


def lower_bound(requirement):
    return next((Version(s.version) for s in requirement.specifier if s.operator == ">="), None)


def test_what_the_packages_import_is_declared_and_nothing_else_is():
    found = imported(files_in("attnbench", "baselines"))
    assert found - OPTIONAL == set(NEEDED)
    assert (found & OPTIONAL) | OF_PANDAS == {
        name for extra, found in EXTRAS.items() if extra not in ("dev", "docs") for name in found
    }


def test_what_tests_scripts_and_examples_import_is_declared():
    files = files_in("tests", "scripts", "examples")
    own = {part for f in files for part in f.relative_to(ROOT).with_suffix("").parts}
    undeclared = imported(files, own) - set(ALL)
    # A plug-in that a test writes; what timm needs itself; and a port that a bench compares with.
    assert undeclared <= {"their-file", "huggingface-hub", "libreyolo"}


@pytest.mark.parametrize("name", sorted(ALL))
def test_each_requirement_has_a_lower_bound_and_no_address(name):
    assert lower_bound(ALL[name]) is not None
    assert ALL[name].url is None


def test_the_pinned_versions_satisfy_the_requirements():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = requirements(line for line in lines if not line.startswith("#"))
    assert set(ALL) <= set(pins)
    for name, requirement in ALL.items():
        (pin,) = pins[name].specifier
        assert pin.operator == "=="
        assert requirement.specifier.contains(pin.version), name
