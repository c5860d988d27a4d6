"""Our mechanisms beside public ones: what is compared, and what says why it is not."""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest
from our_mechanisms import NAMES

from attnbench.spec import Protocol

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
BRIEF = Protocol(warmup_s=0, min_samples=3, precision=10, time_budget_s=0.01)
OLDER = {
    "dense", "dense-shared-qk", "window", "sparse", "anchor", "anchor-select", "manhattan",
    "manhattan-axial", "deformable", "focal",
}  # fmt: skip
"""Of the paper's own table, or measured elsewhere."""


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module("bench_mechanisms")


def test_a_mechanism_is_compared_or_says_why_not(script):
    named = [*script.PUBLIC, *(name for names in script.WITHOUT.values() for name in names)]
    assert sorted(named) == sorted(set(NAMES) - OLDER)


@pytest.mark.parametrize("name", ["xca", "pooled", "msla"])
def test_the_forms_of_timm_are_measured(script, name):
    cells = script.row(name, 4, BRIEF)
    assert len(cells) == len(script.HEADINGS)
    assert cells[-1] in ("met", "missed")


def test_a_package_that_is_not_there_is_named(script, monkeypatch):
    lost = replace(script.PUBLIC["xca"], module="no_such_package.at_all")
    monkeypatch.setitem(script.PUBLIC, "xca", lost)
    assert "not installed: no_such_package" in script.row("xca", 4, BRIEF)
