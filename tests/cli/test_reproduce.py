"""`attnbench reproduce` end to end, on shortened tables."""

import csv
import sys

import pytest
from jobs_here import run_here

from attnbench.cli import main
from attnbench.cli.show import progress
from attnbench.models.factory import create_model
from attnbench.records import Scores, store
from attnbench.reproduce import ablation, paper
from attnbench.spec import Recipe
from attnbench.training.checkpoint import Checkpoint, TrainState, save

pytestmark = pytest.mark.usefixtures("counted_by_torch")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(progress, "EVERY_S", float("inf"))  # no word on a slow machine either

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["attnbench", "reproduce", *map(str, arguments)])
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def tables(tmp_path_factory, monkeypatch):
    """A copy of the tables that a test may cut or spoil."""
    folder = tmp_path_factory.mktemp("paper")
    for file in paper.folder().glob("*.csv"):
        (folder / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(paper, "folder", lambda: folder)

    def keep(name, *beginnings):
        file = folder / f"{name}.csv"
        head, *lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.startswith(beginnings)]
        file.write_text(head + "".join(kept), encoding="utf-8")
        return file

    return keep


def stored(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_table1_is_printed_within_80_columns_and_stored(run, tables, tmp_path):
    tables("systems", "timm-efficientnet-b1,", "anchor-deit-t,")
    code, out, err = run("table1")
    assert (code, err.strip()) == (0, "")
    for text in ("7.8 · 7.8", "(0.570 at 224)", "78.32 · 79.1", "CastlingViT-192", "cannot be",
                 "no trained model", "5.485", "0.893 folded", "does not",
                 "not reachable with DeiT-T"):  # fmt: skip
        assert text in out
    assert "…" not in out
    assert max(map(len, out.splitlines()[:-1])) <= 80
    rows = stored(tmp_path / "results/runs/reproduce-table1.csv")
    assert len(rows) == len(paper.table("table1"))
    assert {"reported_params", "published_macs", "params", "macs_at_224", "verdict"} <= set(rows[0])


def test_counts_of_jobs_are_those_of_this_process(run, tables, tmp_path, monkeypatch):
    tables("systems", "timm-efficientnet-b1,", "anchor-deit-t,")
    assert run("table1", "--out", "here")[0] == 0
    monkeypatch.setattr("attnbench.executors.local.Local.run", run_here)
    for _ in range(2):
        code, _, err = run("table1", "--jobs", 2, "--out", "jobs")
        assert (code, err.strip()) == (0, "")
    files = (tmp_path / name / "reproduce-table1.jsonl" for name in ("here", "jobs"))
    here, jobs = (store.read(file).models for file in files)
    assert [(one.workload, one.macs) for one in jobs] == [(one.workload, one.macs) for one in here]
    assert all(one.host for one in jobs)


def test_claims_print_evidence_and_find_a_changed_verdict(run, tables, tmp_path):
    file = tables("claims", "abstract-accuracy", "efficientdet-low", "map-b", "control-ratio")
    code, out, _ = run("claims")
    assert code == 0
    for text in ("section 4.4", "(9.05 – 9.08)", "1 hold (1 arithmetic), 1", "needs COCO,",
                 "1 of 1 controls hold"):  # fmt: skip
        assert text in out
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= 80
    assert len(stored(tmp_path / "results/runs/reproduce-claims.csv")) == 4
    file.write_text(file.read_text(encoding="utf-8").replace("does not hold", "holds"), "utf-8")
    code, _, err = run("claims")
    assert (code, err.strip()) == (1, "These verdicts differ from claims.csv: efficientdet-low")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["table6"], "expected one of table1, table2, table3, table4, table5, fig5, claims; got"),
        (["claims", "--checkpoint", "last.pt"], "--checkpoint works with table4 or table5 only"),
        (["table4", "--checkpoint", "no.pt"], "no.pt: expected a checkpoint of `attnbench train`"),
        (["table1", "--results", "nowhere.jsonl"], "cannot read nowhere.jsonl"),
        (["claims", "--jobs", "2"], "claims are judged in this process"),
    ],
)
def test_bad_input_is_one_line(run, arguments, message, tmp_path):
    code, _, err = run(*arguments)
    assert code == 2
    assert message in err
    assert not list(tmp_path.iterdir())


def test_a_missing_column_is_one_line(run, tables):
    file = tables("table1", "<1G")
    file.write_text(file.read_text(encoding="utf-8").replace("top1", "accuracy", 1), "utf-8")
    code, _, err = run("table1")
    assert code == 2
    assert "top1 is missing" in err


@pytest.fixture
def checkpoint(tmp_path):
    """A model with 5 anchors in each layer, as `train` saves them, and not trained."""
    options = {"attention": "anchor", "attention_options": {"num_anchors": 5}, "patch_size": 8}
    model = create_model("vit-t", 10, 32, **options)
    path = tmp_path / "last.pt"
    save(
        path,
        Checkpoint(
            model="vit-t", attention="anchor", options=options, num_classes=10, img_size=(32, 32),
            class_names=tuple("0123456789"), data="digits",
            recipe=Recipe(data="digits", img_size=(32, 32), epochs=1),
            state=TrainState(epochs=1, model=model.state_dict(), optimizer={}, train_s=1.0),
            scores=Scores(
                task="classification", values={"top1": 0.1, "top5": 0.5, "loss": 2.3},
                count=10, forward_s=1.0,
            ),
        ),
    )  # fmt: skip
    return path


@pytest.mark.slow
def test_anchor_use_of_a_checkpoint(run, checkpoint, monkeypatch, tmp_path):
    monkeypatch.setattr(ablation, "ANCHOR_COUNTS", (10,))
    code, out, err = run("table5", "--checkpoint", checkpoint)
    assert code == 0, err
    assert "effective" in out
    rows = stored(tmp_path / "results/runs/reproduce-anchor-use.csv")
    assert [row["num_anchors"] for row in rows] == ["5"] * 12
    assert all(1 <= float(row["effective_rank"]) <= 5 for row in rows)
