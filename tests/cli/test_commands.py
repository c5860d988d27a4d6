"""The commands end to end, on small inputs, in a folder of their own."""

import json
import re

import pytest

from attnbench.profiling.memory.resident import measure_resident
from attnbench.records import schema, store

PLUGIN = """
import torch.nn as nn
from attnbench import Attention, register_attention


@register_attention("test-mean", family="linear", cost="O(n)", summary="the mean for everybody")
class Mean(Attention):
    def __init__(self, dim, num_heads, **options):
        super().__init__(dim, num_heads, **options)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, grid):
        return self.proj(x.mean(1, keepdim=True)).expand_as(x)

    def macs(self, grid, batch=1):
        return batch * self.dim**2
"""


def records(path):
    return store.read(path).records


@pytest.mark.slow
def test_profile_measures_all_four_families_and_stores_them(attnbench, tmp_path):
    arguments = ["--n-tokens", 64, "--anchors", 5, "--dim", 24, "--time-budget", 0.5]
    code, out, _ = attnbench("profile", *arguments)
    assert code == 0
    stored = records(tmp_path / "results/runs/profile.jsonl")
    assert {r.workload.attention for r in stored} == {"dense", "window", "sparse", "anchor"}
    assert all(r.status == "ok" for r in stored)
    for text in ("64 tokens (8 × 8)", "anchor-5 (reference)", "speed-up is over dense",
                 "GMACs: all multiply-adds counted; not counted: add, "):  # fmt: skip
        assert text in out


def test_the_table_fits_a_terminal_of_80_columns(attnbench, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = attnbench("profile", "--n-tokens", 16, "--dim", 24, "--time-budget", 0.1)
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_profile_prints_json_that_the_store_can_read(attnbench, tmp_path):
    arguments = ["--attention", "anchor", "--impl", "folded", "--resolution", "32x64", "--patch", 8,
                 "--dim", 24]  # fmt: skip
    code, out, _ = attnbench("profile", *arguments, "--json", "--out", "own.jsonl")
    assert code == 0
    (plain,) = json.loads(out)
    assert schema.decode(plain) == records(tmp_path / "own.jsonl")[0]
    assert plain["workload"]["grid"] == [4, 8]


def test_a_stranger_s_attention_is_profiled_beside_ours(attnbench, tmp_path):
    (tmp_path / "mine.py").write_text(PLUGIN)
    code, out, err = attnbench(
        "profile", "--plugin", "mine.py", "--attention", "test-mean", "--n-tokens", 16, "--dim", 24
    )
    assert (code, err) == (0, "")
    assert "test-mean (reference)" in out
    assert "MACs disagree" not in out
    code, out, _ = attnbench("list", "--plugin", "mine.py")
    assert "the mean for everybody" in out


def test_whole_models_are_profiled_side_by_side(attnbench, tmp_path):
    code, out, err = attnbench(
        "profile", "--model", "vit-t,deit-t", "--img-size", 16, "--num-classes", 3,
        "--time-budget", 0.05, "--details",
    )  # fmt: skip
    assert (code, err) == (0, "")
    stored = records(tmp_path / "results/runs/profile.jsonl")
    assert [(r.kind, r.workload.model, r.status) for r in stored] == [
        ("model", "vit-t", "ok"), ("model", "deit-t", "ok"),
    ]  # fmt: skip
    assert len({r.latency.rounds_with for r in stored} - {""}) == 1  # sampled in turn
    assert "16 × 16 px, 3 classes, batch 1" in out
    assert "in detail" in out


def test_a_sweep_of_models_crosses_sizes_and_batches(attnbench):
    code, out, _ = attnbench(
        "sweep", "--models", "vit-t", "--resolutions", "16,32", "--batch", "1,2", "--dry-run",
        "--option", "attention=anchor", "--option", "num_anchors=5",
    )  # fmt: skip
    assert code == 0
    inside = "vit-t (attention=anchor, num_anchors=5)"
    assert out.splitlines() == [
        f"would run      {inside} at 16 × 16 px, batch 1",
        f"would run      {inside} at 32 × 32 px, batch 1",
        f"would run      {inside} at 16 × 16 px, batch 2",
        f"would run      {inside} at 32 × 32 px, batch 2",
        "4 cells: 4 would run; nothing was run or stored",
    ]


def test_a_sweep_crosses_every_field_that_takes_several_values(attnbench):
    code, out, _ = attnbench(
        "sweep", "--attention", "dense", "--impl", "reference", "--n-tokens", 16, "--dry-run",
        "--dim", "24,48", "--heads", "2,3", "--dtype", "float32,bfloat16", "--seed", "0,1",
        "--mode", "forward,train", "--batch", "1,2",
    )  # fmt: skip
    assert code == 0
    assert f"{2**6} cells: {2**6} would run" in out
    assert len(set(out.splitlines())) == 2**6 + 1


RANKED = PLUGIN.replace("test-mean", "test-ranked").replace(
    'summary="the mean for everybody"',
    'sweepable=[SweepOption(name="rank", default=8)]',
).replace("num_heads, **options", "num_heads, *, rank=8, gated=False, **options").replace(
    "import Attention,", "import Attention, SweepOption,"
).replace("dim, num_heads, *, rank=8, gated=False, **options)\n        self",
          "dim, num_heads, **options)\n        self")  # fmt: skip


def test_a_stranger_s_options_are_swept_and_set(attnbench, tmp_path):
    (tmp_path / "ranked.py").write_text(RANKED)
    code, out, _ = attnbench(
        "sweep", "--plugin", "ranked.py", "--attention", "dense,test-ranked", "--n-tokens", 16,
        "--impl", "reference", "--sweep", "rank=8,16", "--option", "gated=true", "--dry-run",
    )  # fmt: skip
    assert code == 0
    assert out.splitlines()[:3] == [
        "would run      dense (reference) at 16 tokens",
        "would run      test-ranked-8 (reference, gated=True) at 16 tokens",
        "would run      test-ranked-16 (reference, gated=True) at 16 tokens",
    ]
    _, out, _ = attnbench("list", "--plugin", "ranked.py")
    assert "window_size (window, focal)" in out
    assert re.search(r"rank \([^)]*test-ranked\)", out)


def test_sweep_resumes(attnbench, tmp_path):
    arguments = ["sweep", "--attention", "anchor,dense", "--n-tokens", "16,36", "--anchors", "3,5",
                 "--impl", "reference", "--dim", 24, "--time-budget", 0.05]  # fmt: skip
    code, out, _ = attnbench(*arguments)
    assert (code, "6 cells: 6 ok" in out) == (0, True)
    code, out, _ = attnbench(*arguments)
    assert (code, "6 cells: 6 already there" in out) == (0, True)
    code, out, _ = attnbench(*arguments, "--dry-run")
    assert "already there  dense (reference) at 36 tokens" in out
    assert "6 cells: 6 already there; nothing was run or stored" in out
    code, out, _ = attnbench(*arguments, "--force", "--dry-run")
    assert "6 cells: 6 would run; nothing was run or stored" in out
    code, out, _ = attnbench(*arguments, "--force")
    assert "6 cells: 6 ok" in out
    assert len(records(tmp_path / "results/runs/sweep.jsonl")) == 12


def test_a_dry_run_for_a_missing_device_says_so(attnbench, monkeypatch, tmp_path):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    arguments = ["sweep", "--attention", "dense", "--n-tokens", 16, "--device", "cuda"]
    code, out, _ = attnbench(*arguments, "--dry-run")
    assert code == 0
    assert "cannot run     dense (sdpa) at 16 tokens: --device cuda: torch" in out
    assert "2 cells: 2 cannot run" in out
    assert attnbench(*arguments)[0] == 2
    assert list(tmp_path.iterdir()) == []


def test_sweep_goes_on_behind_a_torn_line(attnbench, tmp_path):
    arguments = ["sweep", "--attention", "anchor", "--impl", "reference", "--n-tokens", "16,36",
                 "--dim", 24, "--time-budget", 0.05]  # fmt: skip
    attnbench(*arguments)
    file = tmp_path / "results/runs/sweep.jsonl"
    file.write_bytes(file.read_bytes()[:-100])
    code, out, err = attnbench(*arguments)
    assert code == 0
    assert "1 already there" in out
    assert "1 ok" in out
    assert "sweep.jsonl:2: skipped" in err
    assert len(records(file)) == 2


@pytest.mark.slow
def test_train_evaluate_and_report_follow_one_another(attnbench, folder, tmp_path, monkeypatch):
    monkeypatch.setattr("attnbench.experiments.cost.measure_resident", measure_resident)
    train = ["train", "anchorformer-t", "--data", folder, "--epochs", 2, "--batch-size", 8]
    code, out, err = attnbench(*train)
    assert code == 0, err
    stored = store.read(tmp_path / "results/runs/train.jsonl")
    assert [record.progress.epoch for record in stored.epochs] == [1, 2]
    (final,) = stored.models
    assert final.workload.options["stem_stride"] == 2  # pictures of 16 px
    assert final.recipe.flip
    assert final.scores.count == 12
    assert final.macs.products_macs > 0
    assert final.latency.median_s > 0
    assert final.memory.resident_net_bytes > 0

    checkpoint = out.rpartition("Checkpoint: ")[2].strip()
    code, out, err = attnbench("evaluate", checkpoint)
    assert code == 0, err
    (judged,) = records(tmp_path / "results/runs/evaluate.jsonl")
    assert judged.scores.values == pytest.approx(final.scores.values, rel=1e-5)
    assert judged.run == final.run

    code, out, err = attnbench("report")
    assert code == 0, err
    assert (tmp_path / "report/index.html").stat().st_size > 10_000


WITH_RANK = """
import torch.nn as nn
from attnbench import Attention, register_attention


@register_attention("test-rank", family="linear", cost="O(n)", summary="two thin matrices")
class Thin(Attention):
    def __init__(self, dim, num_heads, *, rank=4, impl="reference"):
        super().__init__(dim, num_heads, impl=impl)
        self.thin = nn.Sequential(nn.Linear(dim, rank), nn.Linear(rank, dim))

    def forward(self, x, grid):
        return self.thin(x)

    def macs(self, grid, batch=1):
        return 2 * batch * grid[0] * grid[1] * self.dim * self.thin[0].out_features
"""


@pytest.mark.slow
def test_train_resumes_its_own_run_and_keeps_earlier_ones(attnbench, folder, tmp_path):
    (tmp_path / "mine.py").write_text(WITH_RANK)
    train = ["train", "pyramid-t", "--plugin", "mine.py", "--attention", "test-rank",
             "--option", "rank=2", "--data", folder, "--epochs", 1]  # fmt: skip
    code, _, err = attnbench(*train, "--resume")
    assert code == 2
    assert "no checkpoint of this run" in err
    assert attnbench(*train)[0] == attnbench(*train)[0] == attnbench(*train, "--resume")[0] == 0
    runs = sorted(p.parent.name for p in tmp_path.glob("results/runs/checkpoints/*/last.pt"))
    assert len(runs) == 2
    assert runs[1] == f"{runs[0]}-2"
    final = store.read(tmp_path / "results/runs/train.jsonl").models[-1]
    assert (final.workload.attention, final.status) == ("test-rank", "ok")
    assert final.workload.options["attention_options"] == {"rank": 2}


def test_tasks_are_listed(attnbench):
    code, out, _ = attnbench("list", "tasks")
    assert code == 0
    assert "classification" in out


def test_a_data_set_is_shown_before_training(attnbench, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    (folder / "train/dark/.DS_Store").touch()
    code, out, err = attnbench("data", folder)
    assert code == 0, err
    for part in ("24 train and 12 val images in 2 classes", "16 × 16 px: 36", "RGB: 36",
                 "of a file", "train/dark/.DS_Store"):  # fmt: skip
        assert part in out
    assert max(map(len, out.splitlines())) <= 80
    assert (tmp_path / "results/runs/data/pictures.png").stat().st_size > 1000
    (folder / "train/dark/3.png").write_bytes(b"not a picture")
    code, out, _ = attnbench("data", folder, "--out", "sheet.png")
    assert code == 1
    assert "refused: replace or" in out
    assert (tmp_path / "sheet.png").exists()
