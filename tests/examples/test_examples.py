"""Each script of examples/ runs as its header says, in a process of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def output_of(name, *arguments):
    """What an example prints, line by line."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, ROOT / "examples" / name, *arguments],
        check=False, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_an_example_can_be_read_at_a_glance(file):
    assert len(file.read_text().splitlines()) <= 40


@pytest.mark.slow
def test_four_attentions_have_a_row_each_with_intervals():
    head, *rows = output_of("profile_four.py", "6")
    assert head.startswith("36 tokens; ")
    assert [row.split()[0] for row in rows] == ["dense", "window", "sparse", "anchor"]
    assert all(len(re.findall(r"\[[^]]+ – [^]]+\]", row)) == 2 for row in rows)


@pytest.mark.slow
def test_an_attention_of_one_s_own_is_profiled_beside_anchor():
    rows = output_of("own_attention.py", "6")
    assert [row.split()[0] for row in rows] == ["anchor", "mean"]


@pytest.mark.slow
def test_two_trained_models_show_scores_and_costs(tmp_path):
    rows = output_of("train_two.py", str(tmp_path), "synthetic", "16")
    assert [row.partition(":")[0] for row in rows] == ["dense", "anchor"]
    assert all(re.search(r"top-1 [\d.]+%, [\d.]+ GMACs, .+ an image", row) for row in rows)
