from __future__ import annotations

from dataclasses import replace

import pytest

from attnbench.analysis.frame.frames import build
from attnbench.records import Energy
from attnbench.report.tables import cost as tables
from attnbench.report.tables.detail import detail_tables
from attnbench.report.tables.write import markdown


@pytest.fixture
def cell(layer):
    def build(*arguments, **more):
        return replace(layer(*arguments, **more), least_bytes=1000, operators=5)

    return build


def heads(table):
    return [column.head for column in table.columns]


def texts(table, head):
    index = heads(table).index(head)
    return [row[index] for row in table.rows]


def shown(records, ceilings=()):
    frames = build(records, ceilings)
    return detail_tables(frames.layers, frames.models)


def test_layers_and_models_stand_in_one_table(layer, model):
    table = shown([layer(side=64), model()])["timing"]
    assert texts(table, "size") == ["4,096 tokens", "8 × 8 px"]
    assert texts(table, "p99")[0] == "1.07 ms"
    assert texts(table, "time a token") == ["253 ns", "–"]


def test_a_column_that_no_row_has_is_left_out(layer):
    record = layer()
    assert not {"host time", "launch-bound", "first call", "cache"} & set(
        heads(shown([record])["timing"])
    )
    latency = replace(record.latency, host_samples_s=record.latency.samples_s, cache="cold")
    table = shown([replace(record, latency=latency, first_call_s=1.0), layer("window")])["timing"]
    assert texts(table, "launch-bound") == ["yes", "–"]
    assert texts(table, "cache") == ["cold", "–"]
    assert texts(table, "first call") == ["1.00 s", "–"]


def test_failures_have_no_timing(layer):
    assert shown([layer(status="failed", reason="x")]) == {}


def test_limits_and_predictions_stand_beside_what_was_measured(cell, ceilings):
    table = shown([cell("dense", seconds=0.1), cell("anchor", seconds=0.1)], ceilings())["limits"]
    assert texts(table, "bound by") == ["unexplained", "unexplained"]
    assert texts(table, "of limit") == ["15.5 %", "15.5 %"]
    assert (
        texts(table, "speed-up") == ["baseline", "1.00× *"]
        or "1.00×" in texts(table, "speed-up")[1]
    )
    assert texts(table, "speed-up by MACs") == ["1.00×", "1.00×"]
    assert "Of limit:" in table.caption


def test_without_ceilings_only_the_predictions_are_shown(cell):
    table = shown([cell("dense"), cell("anchor")])["limits"]
    assert not {"of limit", "bound by"} & set(heads(table))
    assert "speed-up by MACs" in heads(table)
    assert "Of limit:" not in table.caption


def test_without_a_baseline_and_without_ceilings_there_is_nothing_to_explain(cell):
    assert set(shown([cell("anchor")])) == {"timing"}


def test_the_main_tables_show_energy_and_limits_where_there_are_any(cell, ceilings):
    energy = Energy(status="ok", meter="rapl", windows_j=(2.5e-3,), window_s=1.0)
    plain = build([cell("dense")]).layers
    rich = build([replace(cell("dense"), energy=energy)], ceilings(macs_per_s=1e12)).layers
    assert not {"energy", "of limit", "bound by"} & set(heads(tables.layer_table(plain)))
    assert texts(tables.layer_table(rich), "energy") == ["2.50 mJ (rapl)"]
    assert {"of limit", "bound by"} <= set(heads(tables.layer_table(rich)))
    text = markdown(shown([cell("dense")], ceilings())["limits"])
    assert "nan" not in text.lower()
    assert "flop" not in text.lower()
