"""Tables 2 and 3: every system exists, every printed row is there, conventions are told."""

import pytest

from attnbench.errors import UserError
from attnbench.registry import MODELS
from attnbench.reproduce import counting, dense_systems, dense_tables, paper
from attnbench.reproduce.dense_systems import row_of, systems_of, workload_of
from attnbench.reproduce.dense_tables import reproduce

TABLES = ("table2", "table3")
SMALL = {
    "table2": ("YOLOv5-N", "YOLOX-Nano", "AnchorFormer-T", "FBNetV5-A", "CastlingViT-L"),
    "table3": ("AnchorFormer, Semantic-FPN", "GraftViT, UperNet"),
}


@pytest.fixture
def rows(tmp_path, monkeypatch):
    """Rows of a table cut down to a few systems, which are counted."""

    def run(table):
        whole = paper.table
        kept = SMALL[table]

        def some(name):
            lines = whole(name)
            if name == "systems_dense":
                return [s for s in lines if row_of(s) in kept]
            return [s for s in lines if name != table or dense_tables._name(table, s) in kept]

        monkeypatch.setattr(paper, "table", some)
        return {row.row: row for row in reproduce(table, tmp_path / "counts.jsonl", [])}

    return run


def test_every_system_is_registered_for_the_task_of_its_table():
    for line in paper.table("systems_dense"):
        assert line["kind"] in ("rebuilt", "upstream", *dense_tables.KINDS)
        assert bool(line["name"]) == (line["kind"] != "reported only")
        if not line["name"]:
            assert line["note"], "why there is no system"
            continue
        task = {"table2": "detection", "table3": "segmentation"}[line["table"]]
        assert MODELS.find(line["name"]).task == task
        assert workload_of(line).img_size == (int(line["height"]), int(line["width"]))


@pytest.mark.parametrize("table", TABLES)
def test_every_printed_row_has_a_line_and_its_convention(table):
    printed = {dense_tables._name(table, line) for line in paper.table(table)}
    assert {row_of(system) for system in systems_of(table)} - {""} == printed
    assert {system["operations"] for system in systems_of(table)} <= {"1", "2"}


def test_operations_are_compared_by_the_convention_of_the_row(rows):
    found = rows("table2")
    yolo, nano, fitted = found["YOLOv5-N"], found["YOLOX-Nano"], found["AnchorFormer-T"]
    assert (yolo.operations, nano.operations) == (2, 1)
    assert yolo.reported_macs == pytest.approx(2.25e9)
    assert yolo.macs_difference == pytest.approx(2.25e9 / yolo.macs - 1)
    assert nano.params == 912_159
    assert nano.macs == pytest.approx(0.523e9, rel=1e-3)
    assert nano.published_macs == pytest.approx(0.54e9)  # printed there as 1.08 GFLOPs
    assert "GMACs as its own source prints" in nano.note
    assert (nano.reported_score, nano.published_score) == (0.2523, 0.258)
    assert fitted.verdict == "fitted"
    assert found["FBNetV5-A"].verdict == "cannot be tested here"
    assert found["FBNetV5-A"].note.startswith("reported only; a searched network")
    castling = found["CastlingViT-L"]
    assert (castling.verdict, castling.operations) == ("fitted", 2)
    assert "a reconstruction: its detectors were never released" in castling.note


def test_segmentation_is_counted_at_the_whole_picture_and_the_backbone_apart(rows):
    found = rows("table3")
    row = found["AnchorFormer, Semantic-FPN"]
    assert row.macs > 100e9
    assert 80e9 < row.macs - row.backbone_macs < 90e9  # Semantic-FPN at its published width
    assert "512 × 2048 px, 150 classes" in row.note
    assert (row.verdict, row.beyond) == ("cannot be tested here", ""), "a variant is not said"
    assert found["GraftViT, UperNet"].verdict == "cannot be tested here"


def test_a_system_whose_package_is_missing_has_the_counts_made_before(monkeypatch, tmp_path):
    system = next(s for s in systems_of("table2") if s["row"] == "EfficientDet-512")
    line = next(one for one in paper.table("table2") if one["model"] == system["row"])
    missing = counting.count(workload_of({**system, "name": "pvt-t", "height": "48"}))
    assert missing.macs is None
    row = dense_tables._row(system, line, missing, [])
    assert (row.params, row.macs) == (3_880_000, 2_492_000_000)
    assert "counted before; to count it again: " in row.note
    row = dense_tables._row({**system, "measured": ""}, line, missing, [])
    assert (row.verdict, row.note) == ("failed", missing.reason)


def test_scores_are_the_first_that_a_source_gives_and_none_from_memory():
    scores = {row_of(s): dense_systems.published_scores(s) for s in paper.table("systems_dense")}
    assert {name: one.value for name, one in scores["YOLOv5-N"].items()} == {
        "mAP": 28.0, "AP50": 45.7,
    }  # fmt: skip
    assert scores["Swin, UperNet"]["mIoU"].value == 44.51
    assert scores["RMT, UperNet"] == {}


def test_a_row_that_the_paper_does_not_have_is_refused(monkeypatch, tmp_path):
    system = {**systems_of("table2")[2], "row": "YOLOX-Giant"}
    whole = paper.table
    monkeypatch.setattr(
        paper, "table", lambda name: [system] if name == "systems_dense" else whole(name)
    )
    with pytest.raises(UserError, match="no row 'YOLOX-Giant'"):
        reproduce("table2", tmp_path / "counts.jsonl", [])
