"""A cell is stale only if its own code changed: its module or a module that this imports."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from our_mechanisms import NAMES

from attnbench.attention.factory import attention_class
from attnbench.benchmark.sources import ROOT, closure_of, code_hash
from attnbench.registry import MODELS

PROGRAM = (
    "from attnbench.benchmark.sources import ROOT, files_hash\n"
    "from attnbench.registry import ATTENTIONS, MODELS\n"
    "def file(entry): return ROOT / (entry.target.partition(':')[0].replace('.', '/') + '.py')\n"
    "entries = [*ATTENTIONS.list(), MODELS.find('vit-t'), MODELS.find('pyramid-t')]\n"
    "print({entry.name: files_hash([file(entry)]) for entry in entries})"
)


@pytest.fixture
def house(tmp_path):
    """A copy of the packages, whose files a test may change."""
    for name in ("attnbench", "baselines"):
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignore)
    return tmp_path


def hashes(house):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=house, capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(house), "PATH": ""},
    )  # fmt: skip
    return eval(done.stdout)


def stale_after(house, before):
    after = hashes(house)
    return {name for name in WATCHED if after[name] != before[name]}


def edit(file: Path, old: str, new: str):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_the_kernels_of_a_mechanism_are_among_its_files():
    files = {file.name for file in closure_of([ROOT / "attnbench/attention/dense.py"])}
    assert {"dense.py", "softmax.py", "flex.py"} <= files
    assert "window.py" not in files


SOFTMAX = {
    "dense", "dense-shared-qk", "window", "sparse", "manhattan", "manhattan-axial", "deformable",
    "focal", "cswin", "biformer",
}  # fmt: skip
WATCHED = SOFTMAX | {"anchor", "anchor-select", "identity", "linear", "vit-t", "pyramid-t"}
"""Some that share code, and some that do not."""


def test_only_those_are_stale_whose_own_code_changed(house):
    before = hashes(house)
    package = house / "attnbench"
    window = package / "attention/window.py"

    window.write_text(
        "# a remark\n\n" + window.read_text().replace('"""Cut maps', '"""We cut maps')
    )
    assert stale_after(house, before) == set(), "comments and docstrings"

    table = package / "attention/__init__.py"
    (package / "attention/mean.py").write_text("from attnbench.attention.base import Attention\n")
    edit(table, "MECHANISMS: tuple[Entry, ...] = (", "EXTRA = 1\nMECHANISMS: tuple[Entry, ...] = (")
    assert stale_after(house, before) == set(), "a new neighbour and its row"

    edit(window, "shift: bool = False", "shift: bool = True")
    made_of_it = {"window", "focal", "cswin", "biformer"}
    assert stale_after(house, before) == made_of_it, "the mechanism and what is made of it"

    edit(package / "attention/softmax.py", "(query * scale)", "(scale * query)")
    assert stale_after(house, before) == SOFTMAX, "what several import"

    edit(package / "models/block.py", "NORM_EPS = 1e-6", "NORM_EPS = 1e-5")
    assert stale_after(house, before) == SOFTMAX | {"vit-t", "pyramid-t"}, "a trunk's block"


def test_a_renamed_module_makes_nothing_stale(house):
    before = hashes(house)
    attention = house / "attnbench/attention"
    (attention / "tensor_cache.py").rename(attention / "kept_tensors.py")
    for file in attention.glob("*.py"):
        file.write_text(
            file.read_text().replace("attention.tensor_cache", "attention.kept_tensors")
        )
    assert stale_after(house, before) == set()


def plugin(folder: Path, name: str):
    spec = importlib.util.spec_from_file_location(name, folder / "__init__.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module.Theirs


def test_a_plug_in_counts_as_a_whole_package_with_its_sub_folders(tmp_path):
    package = tmp_path / "theirs"
    (package / "inner").mkdir(parents=True)
    (package / "inner/__init__.py").write_text("")
    (package / "inner/deep.py").write_text("FACTOR = 1\n")
    (package / "__init__.py").write_text(
        "from attnbench.attention.anchor import AnchorAttention\n"
        "class Theirs(AnchorAttention):\n    'Text.'\n"
    )
    theirs = plugin(package, "theirs_for_test")
    before = code_hash(theirs)
    assert before != code_hash(attention_class("anchor"))
    (package / "inner/deep.py").write_text("# why\nFACTOR = 1\n")
    assert code_hash(theirs) == before
    (package / "inner/deep.py").write_text("FACTOR = 2\n")
    assert code_hash(theirs) != before


def test_a_plug_in_file_counts_with_the_files_that_it_imports_beside_itself(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "their_parts.py").write_text("FACTOR = 1\n")
    (tmp_path / "unrelated.py").write_text("FACTOR = 1\n")
    (tmp_path / "their_file.py").write_text("import their_parts\ndef build(): pass\n")
    import their_file

    before = code_hash(their_file.build)
    (tmp_path / "unrelated.py").write_text("FACTOR = 2\n")
    assert code_hash(their_file.build) == before
    (tmp_path / "their_parts.py").write_text("FACTOR = 2\n")
    assert code_hash(their_file.build) != before


def test_whole_models_of_timm_depend_on_its_version(monkeypatch):
    builder = MODELS.load("timm-deit-t")
    before = code_hash(builder)
    monkeypatch.setattr("importlib.metadata.version", lambda name: "0.0")
    assert code_hash(builder) != before


def test_every_mechanism_and_model_has_a_hash():
    owners = [attention_class(name) for name in NAMES]
    owners += [MODELS.load(name) for name in MODELS.names()]
    assert all(len(code_hash(owner)) == 12 for owner in owners)
