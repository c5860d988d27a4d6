"""`list impls` shows what can run; `--impl best` shows the fastest."""

import json
import re
from dataclasses import replace

import pytest

from attnbench.analysis.selection.fastest import fastest_of_each, left_out_notes
from attnbench.attention.dense import DenseAttention
from attnbench.cli.show.layers import print_layers
from attnbench.cli.show.screen import Screen
from attnbench.records import Environment, LayerRecord, store
from attnbench.records.latency import Latency
from attnbench.registry import ATTENTIONS
from attnbench.spec import Workload

CPU = Environment(
    device="cpu", device_name="Test CPU", threads=2, torch="2.15.0", cuda="", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip
PLUGIN = """
import torch.nn as nn
from attnbench import Attention, register_attention


@register_attention("test-twice", family="linear", summary="a layer with two implementations")
class Twice(Attention):
    impls = ("reference", "ten-times")

    def __init__(self, dim, num_heads, **options):
        super().__init__(dim, num_heads, **options)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, grid):
        if not x.is_meta and self.impl == "ten-times":
            for _ in range(10):
                self.proj(x)
        return self.proj(x)

    def macs(self, grid, batch=1):
        return batch * grid[0] * grid[1] * self.dim**2
"""


def record(impl, seconds=None, status="ok", reason="", attention="dense", **workload):
    samples = None if seconds is None else (seconds,) * 40
    return LayerRecord(
        workload=Workload(attention=attention, grid=(4, 4), impl=impl, **workload),
        environment=CPU, created="", status=status, reason=reason,
        latency=samples and Latency(samples_s=samples, stopped_by="precision", span_s=1.0),
    )  # fmt: skip


def impls(records):
    return [one.workload.impl for one in records]


def test_the_fastest_of_each_cell_is_the_one_with_the_least_median():
    records = [
        record("reference", 3.0),
        record("sdpa", 1.0),
        record("sdpa-flash", 2.0),
        record("flex", 0.5, status="failed", reason="its output is off"),
        record("reference", 4.0, attention="anchor", options={"num_anchors": 10}),
        record("reference", 5.0, attention="anchor", options={"num_anchors": 30}),
    ]
    shown, left_out = fastest_of_each(records)
    assert shown == [records[1], records[4], records[5]]
    assert impls(left_out) == ["reference", "sdpa-flash", "flex"]


def test_of_a_cell_in_which_nothing_ran_every_reason_is_shown():
    records = [record(impl, status="unsupported", reason="no GPU") for impl in ("flex", "xformers")]
    assert fastest_of_each(records) == (records, [])


def test_cells_of_other_sizes_and_batches_are_cells_of_their_own():
    first = record("sdpa", 1.0)
    others = [
        replace(first, workload=replace(first.workload, grid=(8, 8))),
        replace(first, workload=replace(first.workload, batch=2)),
        replace(first, workload=replace(first.workload, options={"qkv_bias": False})),
    ]
    assert fastest_of_each([first, *others]) == ([first, *others], [])


def test_beneath_it_is_said_what_was_slower_and_what_could_not_run():
    slower = [record("sdpa-math", 3.0), record("sdpa-flash", 1.25)]
    unable = record("xformers", status="unsupported", reason="xformers needs CUDA, got cpu")
    anchor = record("reference", 2.0, attention="anchor", options={"num_anchors": 30})
    shown, left_out = fastest_of_each([record("sdpa", 1.0), *slower, unable, anchor])
    assert left_out_notes(shown, left_out) == [
        "dense: sdpa is the fastest; sdpa-flash takes 1.25× as long; sdpa-math takes 3.00× as "
        "long; xformers unsupported (xformers needs CUDA, got cpu)"
    ]


def test_the_speed_up_remains_that_over_the_fastest_dense(capsys):
    records = [
        record("reference", 4.0),
        record("sdpa", 2.0),
        record("reference", 1.0, attention="anchor", options={"num_anchors": 30}),
    ]
    shown, left_out = fastest_of_each(records)
    print_layers(shown, Screen(width=140), left_out)
    out = capsys.readouterr().out
    assert "anchor-30 (reference)" in out
    assert "2.00×" in out
    assert "speed-up is over dense (sdpa), the fastest dense attention measured" in out
    assert "dense (reference)" not in out


def rows_of(out):
    """The rows of the table, their broken lines put together again: impl to its whole text."""
    rows = {}
    for line in out.splitlines()[3:]:
        if not line.strip():
            break
        if line[1:2].strip():
            impl = line.split()[0]
        rows[impl] = f"{rows.get(impl, '')} {line}"
    return {impl: " ".join(text.split()) for impl, text in rows.items()}


def test_list_impls_says_of_each_who_has_it_and_where_it_runs(attnbench, monkeypatch):
    monkeypatch.setenv("COLUMNS", "2000")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    code, out, _ = attnbench("list", "impls")
    assert code == 0
    rows = rows_of(out)
    for name in ("dense", "dense-shared-qk", "window", "sparse", "anchor", "anchor-select"):
        having = [impl for impl, text in rows.items() if name in re.split(r",? ", text)]
        assert set(having) == set(ATTENTIONS.load(name).impls)
    assert "yes dense, dense-shared-qk" in rows["sdpa-math"]
    assert "the cudnn kernel needs CUDA, got cpu" in rows["sdpa-cudnn"]
    assert "torch sees no CUDA device" in out


def test_list_impls_fits_a_terminal_of_80_columns(attnbench, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = attnbench("list", "impls")
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out


def test_list_impls_with_a_gpu_names_what_each_takes(attnbench, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda: (9, 0))
    monkeypatch.setenv("COLUMNS", "2000")
    monkeypatch.setattr(
        "attnbench.kernels.softmax.xformers._import_problem", lambda: "it is not installed"
    )
    _, out, _ = attnbench("list", "impls")
    assert "takes bfloat16, float16, got float32" in " ".join(out.split())
    assert "no CUDA device" not in out


def test_a_stranger_s_impls_are_listed_too(attnbench, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "2000")
    (tmp_path / "twice.py").write_text(PLUGIN)
    _, out, _ = attnbench("list", "impls", "--plugin", "twice.py")
    assert "test-twice" in rows_of(out)["reference"]
    assert rows_of(out)["ten-times"] == "ten-times yes test-twice"


def test_what_cannot_be_listed_is_answered_with_what_can(attnbench):
    code, _, err = attnbench("list", "kernels")
    assert (code, err) == (
        2, "attnbench: expected one of attentions, models, datasets, tasks, impls; got 'kernels'\n",
    )  # fmt: skip


@pytest.mark.parametrize("command", ["profile", "sweep"])
@pytest.mark.parametrize("impl", ["best,sdpa", "reference,best", "best,best"])
def test_best_goes_with_no_other_name(attnbench, command, impl, tmp_path):
    code, _, err = attnbench(command, "--impl", impl, "--n-tokens", 16, "--attention", "dense")
    assert code == 2
    assert "--impl best measures every implementation" in err
    assert impl in err
    assert list(tmp_path.iterdir()) == []


def test_profile_measures_all_stores_all_and_shows_the_fastest(attnbench, tmp_path, monkeypatch):
    tried = ("reference", "sdpa", "sdpa-math", "xformers")  # of which none takes long to compile
    monkeypatch.setattr(DenseAttention, "impls", tried)
    arguments = ["--attention", "dense", "--n-tokens", 16, "--dim", 24, "--time-budget", 0.05]
    code, out, _ = attnbench("profile", "--impl", "best", *arguments)
    assert code == 0
    stored = store.read(tmp_path / "results/runs/profile.jsonl").records
    assert impls(stored) == list(tried)
    (fastest,), _ = fastest_of_each(stored)
    name = fastest.workload.impl
    assert [line.split()[1] for line in out.splitlines() if line.strip().startswith("dense (")] == [
        f"({name})"
    ]
    text = " ".join(out.split())
    # On a busy machine the cells are graded C, and the order of their medians is no finding.
    assert re.search(f"dense: {name} (is the fastest|has the lowest median); ", text)
    assert "xformers unsupported (xformers needs CUDA, got cpu)" in text
    code, out, _ = attnbench("profile", "--impl", "best", *arguments, "--json")
    assert [plain["workload"]["impl"] for plain in json.loads(out)] == list(tried)


@pytest.mark.slow
def test_sweep_shows_the_fastest_of_each_size_again_when_it_resumes(attnbench, tmp_path):
    (tmp_path / "twice.py").write_text(PLUGIN.replace("test-twice", "test-again"))
    arguments = ["sweep", "--plugin", "twice.py", "--attention", "test-again", "--impl", "best",
                 "--n-tokens", "256,576", "--time-budget", 0.1]  # fmt: skip
    code, first, _ = attnbench(*arguments)
    assert code == 0
    assert "4 cells: 4 ok" in first
    found = "test-again: reference (is the fastest; ten-times takes|has the lowest median; not)"
    assert len(re.findall(found, first)) == 2
    code, again, _ = attnbench(*arguments)
    assert "4 cells: 4 already there" in again
    assert again.partition("\n")[2] == first.partition("\n")[2]
    assert len(store.read(tmp_path / "results/runs/sweep.jsonl").records) == 4
