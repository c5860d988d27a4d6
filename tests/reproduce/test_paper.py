"""The paper's tables equal the given ones, are found when installed, and are validated."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from attnbench.errors import UserError
from attnbench.reproduce import paper

ROOT = Path(__file__).parents[2]
GIVEN = os.environ.get("ATTNBENCH_PAPER_TABLES")
"""A folder with tables that were copied from the paper by others."""
OWN = ("systems", "systems_dense", "claims", "quotes")
COPIED = [name for name in paper.COLUMNS if name not in OWN]
EXTENDED = ("measured",)
"""Copies below which rows of our own follow."""


@pytest.fixture
def tables(tmp_path, monkeypatch):
    """A copy of the tables that a test may spoil."""
    for file in paper.folder().glob("*.csv"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(paper, "folder", lambda: tmp_path)
    return tmp_path


@pytest.mark.skipif(not GIVEN, reason="ATTNBENCH_PAPER_TABLES names no folder to compare with")
@pytest.mark.parametrize("name", COPIED)
def test_copies_equal_the_given_tables(name):
    ours = (paper.folder() / f"{name}.csv").read_bytes()
    given = Path(GIVEN, f"{name}.csv").read_bytes()
    assert ours.startswith(given) if name in EXTENDED else ours == given


@pytest.mark.parametrize("name", paper.COLUMNS)
def test_every_table_has_its_columns_and_is_in_the_dictionary(name):
    dictionary = (paper.folder() / "README.md").read_text(encoding="utf-8")
    rows = paper.table(name)
    assert rows
    assert f"`{name}.csv`" in dictionary
    assert set(rows[0]) == set(paper.COLUMNS[name])  # neither too few nor too many
    assert all(None not in row and None not in row.values() for row in rows)  # none is ragged
    for column in set(paper.COLUMNS[name]) - {"notes", "params_M", "id", "name", "system", "model",
                                              "row", "backbone", "method", "trunk", "anchors",
                                              "variant", "task", "split", "source",
                                              "quote", "where"}:  # fmt: skip
        assert f"`{column}`" in dictionary


def test_a_missing_column_is_named(tables):
    file = tables / "table1.csv"
    file.write_text(file.read_text().replace("flops_G", "flops", 1))
    with pytest.raises(UserError, match=r"table1.csv: expected the columns .*; flops_G is missing"):
        paper.table("table1")


def test_what_is_not_there_is_said(tables):
    with pytest.raises(UserError, match=r"unknown table 'table6'; there are table1, table2"):
        paper.table("table6")
    (tables / "table2.csv").unlink()
    with pytest.raises(UserError, match=r"cannot read .*table2.csv: No such file"):
        paper.table("table2")
    with pytest.raises(UserError, match="expected a row with model 'DeiT-X'"):
        paper.one(paper.table("table1"), model="DeiT-X")


def test_printed_numbers_become_base_units():
    assert paper.scaled("77.1", 1e-2) == 0.771
    assert paper.scaled("-", 1e6) is paper.number("") is None
    assert [paper.last_place(text) for text in ("28", "5.6", "1.25")] == [1, 0.1, 0.01]
    with pytest.raises(UserError, match="expected a number .* got 'a few'"):
        paper.number("a few")


@pytest.mark.slow
def test_an_installed_wheel_brings_the_tables_templates_and_types(tmp_path):
    """Built and installed into a folder of its own, from which another folder's Python reads."""
    source = tmp_path / "source"
    subprocess.run(["git", "clone", "-q", ROOT, source], check=True)
    for file in ("pyproject.toml", "attnbench/reproduce/paper.py"):  # committed or not
        (source / file).write_bytes((ROOT / file).read_bytes())
    pip = [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, source], check=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    files = zipfile.ZipFile(wheel).namelist()
    assert {"attnbench/py.typed", "attnbench/report/page/templates/page.html"} <= set(files)
    named = [name for name in files if paper.INSTALLED in name]
    assert len([name for name in named if name.endswith(".csv")]) == len(paper.COLUMNS)
    subprocess.run(
        [
            *pip,
            "install",
            "--no-deps",
            "--ignore-installed",
            "--prefix",
            tmp_path / "prefix",
            wheel,
        ],
        check=True,
    )
    (packages,) = (tmp_path / "prefix").rglob("site-packages")
    code = (
        "from attnbench.reproduce import paper\n"
        "print(paper.folder())\nprint(len(paper.table('table1')))"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(packages)},
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert Path(printed[0]) == (tmp_path / "prefix" / paper.INSTALLED).resolve()
    assert int(printed[1]) == len(paper.table("table1"))
