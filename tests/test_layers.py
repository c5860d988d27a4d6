"""Import rules (CONTRIBUTING.md): no package imports upwards, and light ones load no torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
VOCABULARY = {
    "ambient", "bounds", "clocks", "cores", "errors", "files", "impls", "nameless", "plugins",
    "registry", "spec", "together", "units", "visible", "waiting",
}  # fmt: skip
_LOW = {"records", "isolation", "executors", "kernels", "data", "scoring"}
_MIDDLE = {"analysis", "attention", "profiling", "models", "tasks", "training"}
_HIGH = VOCABULARY | _LOW | _MIDDLE | {"benchmark"}
MAY_IMPORT = {
    **dict.fromkeys(VOCABULARY, VOCABULARY),
    "records": VOCABULARY,
    "isolation": VOCABULARY | {"records"},
    "executors": VOCABULARY | {"records", "isolation"},
    "kernels": VOCABULARY,
    "data": VOCABULARY,
    "scoring": VOCABULARY,
    "analysis": VOCABULARY | {"records", "scoring"},
    "attention": VOCABULARY | {"records", "kernels"},
    "profiling": VOCABULARY | {"records", "isolation"},
    "models": VOCABULARY | {"attention"},
    "report": VOCABULARY | {"records", "analysis"},
    "tasks": VOCABULARY | {"records", "data", "models", "scoring"},
    "training": VOCABULARY | {"records", "data", "tasks"},
    "benchmark": VOCABULARY | _LOW | _MIDDLE,
    "explain": VOCABULARY
    | {"records", "scoring", "data", "attention", "models", "tasks", "training", "report"},
    "experiments": _HIGH,
    "reproduce": _HIGH | {"explain"},
    "doctor": _HIGH,
    "plot": VOCABULARY | {"records", "analysis", "report"},
    "cli": _HIGH | {"report", "experiments", "reproduce", "doctor", "explain"},
    "__main__": {"cli"},
    "baselines": VOCABULARY | {"records", "data", "attention", "models", "tasks"},
}
"""Rooms of the house, and the other rooms that each may import."""
ALLOWED_THIRD_PARTY = {
    "records": {"msgspec"},
    "kernels": {"torch", "jaxtyping", "triton"},
    "data": {"torch", "torchvision", "PIL", "numpy", "msgspec"},
    "scoring": {"numpy"},
    "analysis": {"numpy", "pandas", "scipy"},
    "attention": {"torch", "jaxtyping"},
    "profiling": {"torch", "psutil", "numpy"},
    "models": {"torch", "torchvision", "jaxtyping"},
    "report": {"pandas", "seaborn", "matplotlib", "jinja2", "numpy", "msgspec"},
    "tasks": {"torch", "torchvision", "jaxtyping", "numpy"},
    "training": {"torch"},
    "benchmark": {"torch"},
    "experiments": {"torch"},
    "doctor": {"torch"},
    "explain": {"torch", "numpy", "jaxtyping"},
    "reproduce": {"torch", "jaxtyping"},
    "plot": {"pandas", "matplotlib"},
    "cli": {"typer", "rich"},
    "baselines": {"torch", "torchvision", "jaxtyping"},
}
"""Packages that a file of a room may import when it is imported itself."""
FILES = sorted((ROOT / "attnbench").rglob("*.py")) + sorted((ROOT / "baselines").rglob("*.py"))


def top_level_imports(file):
    """Full names of what a file imports when it is imported itself (TYPE_CHECKING apart)."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def all_imports(file):
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(file):
    """The part of the house that a file is in: a package or a module of attnbench, or baselines."""
    parts = file.relative_to(ROOT).with_suffix("").parts
    return parts[1] if parts[0] == "attnbench" else parts[0]


ROOMS = sorted({part_of(file) for file in FILES})


def names_in(room, imports):
    """Each file of a room with each name that it imports."""
    return [(file, name) for file in FILES if part_of(file) == room for name in imports(file)]


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_downwards(room):
    for file, name in names_in(room, all_imports):
        package, _, rest = name.partition(".")
        assert package != "cli"
        if package == "baselines":
            assert room == "baselines", f"{file} imports {name}"
        other = rest.split(".")[0]
        if package == "attnbench" and other not in (room, "__version__", "") and room != "__init__":
            assert other in MAY_IMPORT[room], f"{file} imports {name}"


def test_every_room_has_its_rules_and_every_rule_its_room():
    assert set(ROOMS) - {"__init__"} == set(MAY_IMPORT)


@pytest.mark.parametrize("room", ROOMS)
def test_third_party_packages_are_imported_where_they_belong(room):
    allowed = ALLOWED_THIRD_PARTY.get(room, set())
    for file, name in names_in(room, top_level_imports):
        package = name.split(".")[0]
        if package not in sys.stdlib_module_names and package not in ("attnbench", "baselines"):
            assert package in allowed, f"{file} imports {package} when it is imported"


def run(code):
    """Run code in a fresh interpreter; returns what it printed."""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    return result.stdout


HEAVY = (
    "torch", "torchvision", "triton", "timm", "fvcore", "pandas", "numpy", "scipy", "sklearn",
    "seaborn", "matplotlib", "jinja2", "PIL",
)  # fmt: skip
LISTS_HEAVY = f"; print([m for m in {HEAVY} if m in sys.modules])"


RESULTS = "tests/fixtures/schema1.jsonl"


def test_only_the_screen_draws_on_terminals():
    """All other code hands it text, which it makes visible, spells and wraps."""
    drawing = {
        file.stem for file in FILES if any(n.split(".")[0] == "rich" for n in all_imports(file))
    }
    assert drawing == {"columns", "progress", "screen"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["list"],
        ["list", "models"],
        ["train", "--help"],
        ["data", "--help"],
        ["doctor", "--help"],
        ["reproduce", "--help"],
        ["ceilings", "--help"],
        ["explain", "--help"],
        ["compare", RESULTS, RESULTS],
        ["compare", RESULTS, RESULTS, "--json"],
        ["compare", RESULTS, RESULTS, "--markdown"],
    ],
)
def test_help_lists_and_comparisons_load_no_torch(arguments):
    code = (
        "import sys; from attnbench.cli import app\n"
        f"try: app({arguments!r})\n"
        "except SystemExit: pass\n" + LISTS_HEAVY.removeprefix("; ")
    )
    assert run(code).splitlines()[-1] == "[]"


def test_the_help_of_every_command_loads_what_draws_it_and_nothing_that_measures():
    code = (
        "import sys; from attnbench.cli import app\n"
        "for command in app.registered_commands:\n"
        "    try: app([command.name, '--help'])\n"
        "    except SystemExit as stop: assert not stop.code\n"
        "light = ('bounds', 'cli', 'cores', 'errors', 'nameless', 'spec', 'together', 'visible',\n"
        "         'waiting', 'benchmark', 'benchmark.recorder')\n"
        "parts = [m.partition('.')[2] for m in sys.modules if m.startswith('attnbench.')]\n"
        "print([m for m in parts if m not in light and not m.startswith(('cli.', 'spec.'))])\n"
        "print('msgspec' in sys.modules)" + LISTS_HEAVY
    )
    assert run(code).splitlines()[-3:] == ["[]", "False", "[]"]


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_predicting_loads_no_torch(flags):
    arguments = ["predict", "--n-tokens", "16384", "results/measured", *flags]
    code = (
        "import sys; from attnbench.cli import app\n"
        f"try: app({arguments!r})\n"
        "except SystemExit as stop: assert not stop.code\n"
        "print('torch' in sys.modules)"
    )
    assert run(code).splitlines()[-1] == "False"


def test_importing_the_package_and_its_tables_loads_no_torch():
    code = "import sys, attnbench, attnbench.attention, attnbench.models, attnbench.data, baselines"
    assert run(code + LISTS_HEAVY).strip() == "[]"


def test_reports_load_no_torch():
    code = "import sys, attnbench.report.page.page; print('torch' in sys.modules)"
    assert run(code).strip() == "False"


def test_public_names_are_there():
    import attnbench

    for name in attnbench.__all__:
        assert getattr(attnbench, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = attnbench.nothing
