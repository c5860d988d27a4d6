"""Tables 2 and 3: every system exists, every printed row is there, conventions are told."""

import pytest

from attnbench.errors import UserError
from attnbench.registry import MODELS
from attnbench.reproduce import dense_tables, paper
from attnbench.reproduce.dense_tables import reproduce, workload_of

TABLES = ("table2", "table3")
SMALL = {
    "table2": ("YOLOX-Nano", "AnchorFormer-T", "FBNetV5-A", "CastlingViT-S"),
    "table3": ("AnchorFormer, Semantic-FPN", "GraftViT, UperNet"),
}


@pytest.fixture
def rows(tmp_path, monkeypatch):
    """Rows of a table cut down to a few systems, which are counted."""

    def run(table):
        whole = paper.table
        kept = SMALL[table]
        names = [", ".join(filter(None, name.split(", "))) for name in kept]

        def some(name):
            lines = whole(name)
            if name == "systems_dense":
                return [s for s in lines if dense_tables._system_row(s) in names]
            return [s for s in lines if name != table or dense_tables._name(table, s) in names]

        monkeypatch.setattr(paper, "table", some)
        return {row.row: row for row in reproduce(table, tmp_path / "counts.jsonl", [])}

    return run


def test_every_system_is_registered_for_the_task_of_its_table():
    for line in paper.table("systems_dense"):
        task = {"table2": "detection", "table3": "segmentation"}[line["table"]]
        assert MODELS.find(line["name"]).task == task
        assert workload_of(line).img_size == (int(line["height"]), int(line["width"]))


@pytest.mark.parametrize("table", TABLES)
def test_every_system_stands_for_a_printed_row_or_none(table):
    printed = {dense_tables._name(table, line) for line in paper.table(table)}
    systems = [s for s in paper.table("systems_dense") if s["table"] == table]
    named = {dense_tables._system_row(s) for s in systems} - {""}
    assert named <= printed
    without = printed - named
    assert all(name.startswith(tuple(dense_tables.UNKNOWN)) for name in without)


def test_operations_are_compared_by_the_convention_of_the_row(rows):
    found = rows("table2")
    nano, fitted = found["YOLOX-Nano"], found["AnchorFormer-T"]
    assert nano.params == 912_159
    assert nano.macs == pytest.approx(0.523e9, rel=1e-3)
    assert nano.published_macs == pytest.approx(0.54e9)  # printed there as 1.08 GFLOPs
    assert fitted.verdict == "fitted"
    assert "two operations for each multiply-add" in fitted.note
    assert found["FBNetV5-A"].verdict == "cannot be tested here"
    assert "never released" in found["CastlingViT-S"].note


def test_segmentation_is_counted_at_the_whole_picture(rows):
    found = rows("table3")
    row = found["AnchorFormer, Semantic-FPN"]
    assert row.macs > 100e9
    assert "512 × 2048 px, 150 classes" in row.note
    assert found["GraftViT, UperNet"].verdict == "cannot be tested here"


def test_a_row_that_the_paper_does_not_have_is_refused(monkeypatch, tmp_path):
    system = {**paper.table("systems_dense")[2], "row": "YOLOX-Giant"}
    whole = paper.table
    monkeypatch.setattr(
        paper, "table", lambda name: [system] if name == "systems_dense" else whole(name)
    )
    with pytest.raises(UserError, match="no row 'YOLOX-Giant'"):
        reproduce("table2", tmp_path / "counts.jsonl", [])
