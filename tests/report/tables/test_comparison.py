"""A comparison as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from attnbench.analysis.compare.pairs import Side
from attnbench.analysis.compare.verdict import compare
from attnbench.records import Floor, Memory
from attnbench.report.export.comparison import plain
from attnbench.report.tables.comparison import HEADS, markdown, notes, rows, summary


def compared(before, after):
    return compare(Side(name="A", records=before), Side(name="B", records=after))


def test_the_plain_values_survive_json(layer):
    failed = layer("window", status="failed", reason="x")
    comparison = compared(
        [layer(), layer("window"), layer("sparse")], [layer(seconds=2e-3), failed]
    )
    read = json.loads(json.dumps(plain(comparison), allow_nan=False))
    broken, slower = read["cells"]
    assert (read["counts"], read["before"]) == (comparison.counts, "A")
    assert read["thresholds"] == {"relative": 0.05, "absolute_s": 30e-6}
    assert (broken["verdict"], broken["after"]["latency_s"]) == ("broken", None)
    assert slower["ratio"]["value"] == pytest.approx(2)
    assert slower["ratio"]["interval"] == list(comparison.changes[1].ratio.interval)
    assert slower["after"]["latency_s"] == comparison.changes[1].after.latency.median_s
    assert slower["before"]["environment"]["device_name"] == "Test CPU"
    assert read["only_before"][0]["workload"]["attention"] == "sparse"


def test_rows_name_what_is_not_shared_and_show_what_moved(layer):
    before = [layer(side=4), layer(side=8)]
    heavier = Memory(peak_net_bytes=2**21, peak_total_bytes=None, method="cpu profiler")
    after = [layer(side=4), replace(layer(side=8, seconds=2e-3), memory=heavier)]
    comparison = compared(before, after)
    first, second = rows(comparison)
    assert first[0] == "dense (reference), 8 × 8 tokens"
    assert first[HEADS.index("verdict")] == "slower"
    assert first[HEADS.index("memory")] == "more: 1.00 MiB → 2.00 MiB"
    assert second[1:] == (
        "1.04 ms", "1.04 ms", "1.00× [1.00 – 1.00]", "same", "same", "equal", "equal",
    )  # fmt: skip
    assert summary(comparison) == "2 cells compared: 1 slower, 1 same; memory: 1 more"


def test_a_change_that_rounding_would_hide_is_shown_in_full(model):
    ((*_, macs, params),) = rows(compared([model(macs=10**9)], [model(macs=10**9 + 1)]))
    assert (macs, params) == ("changed: 1,000,000,000 → 1,000,000,001", "equal")


def test_notes_give_reasons_and_cells_without_partner(layer):
    failed = layer("window", status="out_of_memory", reason="needs 9 GiB")
    comparison = compared([layer(), layer("window"), layer("sparse")], [layer(), failed])
    assert notes(comparison)[:2] == [
        "window (reference): now out of memory (needs 9 GiB)",
        "only in A (before): sparse (reference)",
    ]


def test_the_floor_is_said_to_people_and_to_programs(layer):
    def measured(name, relative, seconds=1e-3):
        floor = Floor(relative=relative, absolute_s=0.0, created="")
        return replace(layer(name, seconds=seconds), floor=floor)

    both = [measured("dense", 0.02), measured("window", 0.5)]
    comparison = compared(both, [both[0], measured("window", 0.03, seconds=1.4e-3)])
    assert notes(comparison)[-1] == (
        "resolution floor of this machine (attnbench doctor): 2.0 % to 50.0 %; "
        "a smaller change is never called slower or faster"
    )
    assert (
        "window (reference): below this machine's resolution floor of 50.0 % "
        in (notes(comparison)[0])
    )
    assert [cell["floor_relative"] for cell in plain(comparison)["cells"]] == [0.5, 0.02]
    without = compared([layer()], [layer()])
    assert notes(without)[-1].startswith("no floor known: only a change by more than a factor of")
    assert plain(without)["cells"][0]["floor_relative"] is None


def test_markdown_has_a_row_for_each_cell(layer):
    both = [layer("dense"), layer("a|b")]
    lines = markdown(compared(both, both)).splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 4
    assert all(line.replace("\\|", "").count("|") == len(HEADS) + 1 for line in table)
    assert lines[-1] == "**2 cells compared: 2 same**"


def test_cells_of_two_machines_say_so(layer):
    before, after = (replace(layer(side=4), host=host) for host in ("a", "b"))
    alike = [replace(layer(side=8), host="a")] * 2
    first, second = rows(compared([before, alike[0]], [after, alike[1]]))
    assert "hosts a and b" in first[0]
    assert "host" not in second[0]
