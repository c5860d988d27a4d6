from __future__ import annotations

import csv

import pytest

from attnbench.analysis.frame.frames import build
from attnbench.report.tables import cost as tables
from attnbench.report.tables.write import markdown, without_names, write_csv


@pytest.fixture
def layers(layer):
    return build(
        [
            layer("dense", seconds=4e-3, rounds="r"),
            layer("anchor", seconds=1e-3, rounds="r", options={"num_anchors": 30}),
            layer("window", status="unsupported", reason="a | b\nc"),
        ]
    ).layers


def rows_of(text):
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [line.strip("|").split(" | ") for line in lines]


def test_markdown_is_rectangular_whatever_the_reason_says(layers):
    text = markdown(tables.layer_table(layers))
    rows = rows_of(text)
    assert len(rows) == 2 + 3
    assert len({len(row) for row in rows}) == 1
    assert r"unsupported: a \| b c" in text


def test_markdown_is_formatted_and_never_says_nan(layers):
    text = markdown(tables.layer_table(layers))
    assert "1.00 ms to 1.07 ms" in text
    assert "2.00 MiB" in text
    assert "4.00×" in text
    assert "baseline" in text
    assert "nan" not in text.lower()
    assert "flop" not in text.lower()


def test_the_caption_names_the_baseline(layers, layer):
    assert "over dense (reference)" in tables.layer_table(layers).caption
    alone = build([layer("anchor")]).layers
    assert "No speed-up" in tables.layer_table(alone).caption


def test_the_caption_says_what_was_not_counted(layers):
    caption = tables.layer_table(layers).caption
    assert "MACs: all multiply-adds counted; not counted: mul, softmax." in caption


def test_a_ratio_of_medians_is_marked(layer):
    frame = build([layer("dense", rounds="r"), layer("anchor", rounds="s")]).layers
    table = tables.layer_table(frame)
    assert "* the ratio of two medians" in table.caption
    assert any(cell.endswith(" *") for row in table.rows for cell in row)


def test_csv_keeps_base_units_and_leaves_failures_empty(layers, tmp_path):
    path = tmp_path / "layers.csv"
    write_csv(without_names(layers), path)
    with path.open(newline="") as file:
        rows = {row["attention"]: row for row in csv.DictReader(file)}
    assert float(rows["anchor"]["latency_s"]) == pytest.approx(1.035e-3)
    assert rows["anchor"]["params"] == "1000"
    assert (rows["anchor"]["num_anchors"], rows["dense"]["num_anchors"]) == ("30", "")
    assert not [name for name in rows["anchor"] if name.endswith("_key") or name == "label"]
    assert rows["anchor"]["traffic_bytes"] == str(2**21)
    assert int(rows["anchor"]["training_macs"]) == 3 * int(rows["anchor"]["macs"])
    assert rows["anchor"]["uncounted"] == "mul, softmax"
    failed = rows["window"]
    assert (failed["latency_s"], failed["memory_bytes"], failed["speedup"]) == ("", "", "")
    assert (failed["status"], failed["reason"]) == ("unsupported", "a | b\nc")


def test_models_read_in_percent(model):
    frame = build([model(top1=0.8112)]).models.assign(on_frontier="yes")
    assert "81.1 %" in markdown(tables.model_table(frame, "MACs"))
