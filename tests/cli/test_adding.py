"""A new mechanism needs one file and one registration to be swept, trained and reported."""

import csv
import sys

import pytest

from attnbench.data import synthetic
from attnbench.records import store

INIT = """
from attnbench import SweepOption, register_attention

from lowrank.mixing import LowRank

register_attention(
    "low-rank", family="low-rank", cost="O(n r)", summary="a mean through r channels",
    sweepable=[SweepOption(name="rank", default=8)],
)(LowRank)
"""
MIXING = """
import torch.nn as nn

from attnbench import Attention


class LowRank(Attention):
    def __init__(self, dim, num_heads, *, rank=8, **options):
        super().__init__(dim, num_heads, **options)
        self.down = nn.Linear(dim, rank)
        self.up = nn.Linear(rank, dim)

    def forward(self, x, grid):
        hidden = self.down(x)
        return self.up(hidden + hidden.mean(1, keepdim=True))

    def macs(self, grid, batch=1):
        return 2 * batch * self.num_tokens(grid) * self.dim * self.down.out_features
"""
SWEEP = [
    "sweep", "--attention", "dense,anchor", "--n-tokens", "16,64", "--dim", "24", "--anchors", "5",
    "--impl", "reference", "--time-budget", "0.05", "--out", "sweep.jsonl",
]  # fmt: skip


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A stranger's package on the path, forgotten again after the test."""
    from attnbench import registry

    folder = tmp_path / "lowrank"
    folder.mkdir()
    (folder / "__init__.py").write_text(INIT)
    (folder / "mixing.py").write_text(MIXING)
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    registry.ATTENTIONS._entries.pop("low-rank", None)
    for name in [name for name in sys.modules if name.split(".")[0] == "lowrank"]:
        del sys.modules[name]


@pytest.mark.slow
def test_a_mechanism_of_a_package_is_swept_trained_and_reported(
    attnbench, tmp_path, package, monkeypatch
):
    monkeypatch.setattr(synthetic, "NUM_TRAIN", 40)
    assert attnbench(*SWEEP)[0] == 0
    with_theirs = [*SWEEP, "--plugin", "lowrank", "--sweep", "rank=4,8"]
    with_theirs[2] = "dense,anchor,low-rank"
    _, planned, _ = attnbench(*with_theirs, "--dry-run")
    assert "4 already there, 4 would run" in planned, "no cell of another mechanism became stale"

    code, _, err = attnbench(*with_theirs)
    assert code == 0, err
    stored = store.read(tmp_path / "sweep.jsonl").layers
    theirs = [r for r in stored if r.workload.attention == "low-rank"]
    assert len(stored) == 8
    assert {(r.workload.options["rank"], r.status) for r in theirs} == {(4, "ok"), (8, "ok")}

    code, _, err = attnbench(
        "train", "pyramid-t", "--plugin", "lowrank", "--attention", "low-rank",
        "--option", "rank=4",
        "--data", "synthetic", "--img-size", "16", "--epochs", "1", "--out", "train.jsonl",
    )  # fmt: skip
    assert code == 0, err
    (trained,) = store.read(tmp_path / "train.jsonl").models
    assert trained.workload.options["attention_options"] == {"rank": 4}

    assert attnbench("report", "sweep.jsonl", "train.jsonl", "--out", "report")[0] == 0
    with (tmp_path / "report/layers.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["attention"] == "low-rank"]
    assert {row["rank"] for row in rows} == {"4", "8"}
    assert {row["family"] for row in rows} == {"low-rank"}

    (package / "mixing.py").write_text(MIXING.replace("hidden.mean(1", "2 * hidden.mean(1"))
    _, planned, _ = attnbench(*with_theirs, "--dry-run")
    assert "4 already there, 4 would run" in planned, "only its own cells are stale"
