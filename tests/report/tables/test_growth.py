from __future__ import annotations

from dataclasses import replace

import pytest
from record_builders import macs_of

from attnbench.analysis.frame.frames import build
from attnbench.analysis.growth.exponent import scaling
from attnbench.analysis.speedup.crossover import crossovers
from attnbench.report.tables.growth import crossover_table, scaling_table
from attnbench.report.tables.write import markdown


@pytest.fixture
def frames(layer):
    records = [
        replace(
            layer(name, side, seconds * side**power, rounds=f"{side}{mode}", mode=mode),
            macs=macs_of(1000 * side**2),
        )
        for mode in ("forward", "train")
        for side in (8, 16, 32)
        for name, seconds, power in (("dense", 1e-8, 4), ("window", 2e-6, 2))
    ]
    return build(records)


def _of_mode(frames, mode):
    return frames.layers[frames.layers["mode"] == mode]


def test_each_mechanism_has_one_row_of_exponents(frames):
    table = scaling_table(scaling(frames.layers), frames.machines)
    assert [row[:2] for row in table.rows] == [
        ("dense (reference)", "forward"), ("window (reference)", "forward"),
        ("dense (reference)", "train"), ("window (reference)", "train"),
    ]  # fmt: skip
    assert table.rows[0][2].startswith("2.00 [")
    assert table.rows[0][5] == "64 … 1,024 tokens (3 sizes)"


def test_what_all_conditions_share_is_said_once(frames):
    table = scaling_table(scaling(frames.layers), frames.machines)
    assert table.caption.startswith("float32, batch 1, width 192, 3 heads, Test CPU, 2 threads")
    alone = scaling_table(scaling(_of_mode(frames, "train")), frames.machines)
    assert alone.caption.startswith("train, float32")
    assert "conditions" not in [column.head for column in alone.columns]


def test_each_mechanism_has_one_row_of_crossovers(frames):
    table = crossover_table(crossovers(frames.layers), frames.machines)
    (row,) = table.rows
    heads = [column.head for column in table.columns]
    assert heads == ["attention", "MACs", "latency", "memory", "training step"]
    assert row[0] == "window (reference)"
    assert row[1] == "equal at every size"
    assert row[2] == row[4] == "from 200 [64 – 256] (226 px)"
    assert "Dense baselines: dense (reference)." in table.caption


def test_a_kind_of_cost_that_was_not_measured_has_no_column(frames):
    table = crossover_table(crossovers(_of_mode(frames, "forward")), frames.machines)
    assert [column.head for column in table.columns] == ["attention", "MACs", "latency", "memory"]


def test_markdown_never_says_nan(frames):
    for table in (
        scaling_table(scaling(frames.layers), frames.machines),
        crossover_table(crossovers(frames.layers), frames.machines),
    ):
        assert "nan" not in markdown(table).lower()
