"""Each script of examples/ runs as its header says."""

import re
import runpy
import sys
from pathlib import Path

import pytest

from attnbench.data import synthetic
from attnbench.profiling.memory.high_water import unknown
from attnbench.registry import ATTENTIONS
from attnbench.spec import Protocol

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


@pytest.fixture
def output_of(monkeypatch, capsys):
    """Runs an example as a script and returns what it prints, line by line.

    The scripts run in this process, which has torch; what a trained model costs is measured
    quickly, and plug-ins are forgotten again.
    """
    quick = Protocol(warmup_s=0, min_samples=6, precision=10, time_budget_s=0.1)
    monkeypatch.setattr("attnbench.experiments.cost.COST_PROTOCOL", quick)
    unasked = unknown("not asked here")
    monkeypatch.setattr("attnbench.experiments.cost.measure_resident", lambda *_, **__: unasked)
    known = set(ATTENTIONS.names())

    def run(name, *arguments):
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        runpy.run_path(str(ROOT / "examples" / name), run_name="__main__")
        return capsys.readouterr().out.splitlines()

    yield run
    for name in set(ATTENTIONS.names()) - known:
        del ATTENTIONS._entries[name]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_an_example_can_be_read_at_a_glance(file):
    assert len(file.read_text().splitlines()) <= 40


@pytest.mark.slow
def test_four_attentions_have_a_row_each_with_intervals(output_of):
    head, *rows = output_of("profile_four.py", "6")
    assert head.startswith("36 tokens; ")
    assert [row.split()[0] for row in rows] == ["dense", "window", "sparse", "anchor"]
    assert all(len(re.findall(r"\[[^]]+ – [^]]+\]", row)) == 2 for row in rows)


@pytest.mark.slow
def test_an_attention_of_one_s_own_is_profiled_beside_anchor(output_of):
    rows = output_of("own_attention.py", "6")
    assert [row.split()[0] for row in rows] == ["anchor", "average"]


@pytest.mark.slow
def test_two_trained_models_show_scores_and_costs(output_of, tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic, "NUM_TRAIN", 40)
    rows = output_of("train_two.py", str(tmp_path), "synthetic", "16")
    assert [row.partition(":")[0] for row in rows] == ["dense", "anchor"]
    assert all(re.search(r"top-1 [\d.]+%, [\d.]+ GMACs, .+ an image", row) for row in rows)
