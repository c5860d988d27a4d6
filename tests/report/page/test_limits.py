"""The page shortens large reports and says so; the files stay complete."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from attnbench.analysis.frame.frames import build
from attnbench.analysis.growth.exponent import scaling
from attnbench.analysis.shortened import MOST_NAMED
from attnbench.analysis.speedup.crossover import crossovers
from attnbench.analysis.tradeoff.groups import tradeoffs
from attnbench.records import store
from attnbench.report.figures.which_figures import drawings
from attnbench.report.page import limits
from attnbench.report.page.notes import notes_of
from attnbench.report.page.page import write_report
from attnbench.report.tables import cost as tables
from attnbench.report.tables import detail as detail_tables
from attnbench.report.tables.columns import MOST_ROWS, plain, table_of
from attnbench.report.tables.write import markdown

MANY = limits.FEW_CONDITIONS + 1


@pytest.fixture(scope="module")
def many_conditions(layer):
    """Two mechanisms at three sizes under many conditions; the widest layers are the newest."""
    return [
        layer(name, side, dim=3 * width, at=width)
        for width in range(1, MANY + 1)
        for side in (4, 8, 16)
        for name in ("dense", "window")
    ]


def figures_of(layers):
    frames = build(layers)
    frames = replace(frames, layers=limits.newest_first(frames.layers))
    return list(drawings(frames, groups=(), metric="macs"))


def test_what_can_be_shown_whole_is_left_as_it_is(many_conditions):
    few = build([r for r in many_conditions if r.workload.dim < 3 * MANY]).layers
    assert limits.newest_first(few) is few
    assert limits.with_figures(few) is few
    assert limits.figures_note(few) == []


def test_conditions_that_were_measured_last_come_first_and_nothing_is_lost(many_conditions):
    layers = build(many_conditions).layers
    ordered = limits.newest_first(layers)
    assert list(ordered["dim"].unique()) == [3 * width for width in range(MANY, 0, -1)]
    assert sorted(ordered["key"]) == sorted(layers["key"])
    one, same = (f[f["dim"] == 6].reset_index(drop=True) for f in (layers, ordered))
    pd.testing.assert_frame_equal(one, same)


def test_a_long_list_of_rows_is_ordered_too(layer, monkeypatch):
    monkeypatch.setattr(limits, "ROWS_ON_PAGE", 2)
    layers = build([layer(dim=3), layer(dim=6, at=5), layer("window", dim=3, at=1)]).layers
    assert list(limits.newest_first(layers)["dim"]) == [6, 3, 3]


def test_of_many_conditions_the_newest_have_figures(many_conditions):
    drawn = {d.subtitle for d in figures_of(many_conditions) if d.section == "tokens"}
    widths = {int(text.split("width ")[1].split(",")[0]) for text in drawn}
    assert widths == {3 * (MANY - back) for back in range(limits.SHOWN_CONDITIONS)}


def test_the_page_says_what_it_has_no_figures_of_and_the_csv_has_it(tmp_path, many_conditions):
    for record in many_conditions:
        store.append(tmp_path / "results.jsonl", record)
    written = write_report([tmp_path / "results.jsonl"], tmp_path / "report", figures=True)
    said = (
        f"Figures show the {limits.SHOWN_CONDITIONS} newest of {MANY} sets of conditions; "
        "layers.csv holds all of them."
    )
    assert any(note.startswith(said) for note in written.notes)
    assert said in written.files[0].read_text(encoding="utf-8")
    table = pd.read_csv(tmp_path / "report" / "layers.csv")
    assert sorted(table["key"]) == sorted(record.key for record in many_conditions)


def test_conditions_do_not_touch_each_other(many_conditions):
    """Growth and crossovers of all are those of each by itself."""
    for judge, name in ((scaling, "conditions_key"), (crossovers, "conditions_key")):
        alone = [
            judge(build([r for r in many_conditions if r.workload.dim == width]).layers)
            for width in (3, 6)
        ]
        whole = judge(build(many_conditions).layers)
        for own in alone:
            among = whole[whole[name] == own[name].iloc[0]].reset_index(drop=True)
            pd.testing.assert_frame_equal(among, own)


def test_a_figure_has_room_for_some_lines_and_says_how_many_there_are(layer):
    count = limits.MOST_LINES + 2
    records = [
        layer(f"a{number:02d}", side, 1e-3 * (count - number))
        for number in range(count)
        for side in (4, 8)
    ]
    remark = f"The first {limits.MOST_LINES} of {count}; the others are in layers.csv."
    bar, *lines = figures_of(records)
    texts = [text.get_text().replace("\n", " ") for text in bar.figure.texts]
    assert any(remark in text for text in texts)
    names = [label.get_text() for label in bar.figure.axes[0].get_yticklabels()]
    assert f"a{count - 1} (reference)" in names  # the fastest is among them
    assert "a00 (reference)" not in names
    for line in lines:
        assert len(line.figure.axes[0].get_legend().get_texts()) == limits.MOST_LINES
        assert any(remark in t.get_text().replace("\n", " ") for t in line.figure.texts)


def test_a_list_ends_with_how_many_more_there_are():
    assert limits.listed(["a", "b"], "there", most=2) == ["a", "b"]
    assert limits.listed(["a", "b", "c"], "there", most=1) == ["a", "and 2 more, there"]


def test_a_table_ends_where_nobody_reads_on():
    rows = [SimpleNamespace(name=str(number)) for number in range(MOST_ROWS + 1)]
    table = table_of("T", "Numbers.", [plain("name")], rows, total=len(rows), csv="n.csv")
    assert (len(table.rows), table.total) == (MOST_ROWS, MOST_ROWS + 1)
    text = markdown(table)
    assert "Numbers. The first 2,000 of 2,001 rows; all of them are in n.csv." in text
    assert text.count("\n| ") == MOST_ROWS + 2
    on_page = table.first(3, complete="n.md")
    assert on_page.caption == "Numbers. The first 3 of 2,001 rows; all of them are in n.csv."


def test_a_table_that_is_whole_names_itself_where_the_page_cuts_it():
    rows = [SimpleNamespace(name=str(number)) for number in range(5)]
    table = table_of("T", "Numbers.", [plain("name")], rows, total=5, csv="n.csv")
    assert table.first(5, complete="n.md") is table
    cut = table.first(2, complete="n.md")
    assert cut.caption == "Numbers. The first 2 of 5 rows; all of them are in n.md."
    assert cut.rows == (("0",), ("1",))
    assert markdown(table).count("\n| ") == 5 + 2


def test_long_tables_name_the_files_that_hold_their_rows(layer, model):
    frames = build([layer(), model()])
    assert tables.layer_table(frames.layers).csv == "layers.csv"
    found = detail_tables.detail_tables(frames.layers, frames.models)
    assert found["timing"].csv == "layers.csv and models.csv"
    assert found["timing"].total == 2
    alone = detail_tables.detail_tables(frames.layers, frames.models.head(0))
    assert alone["timing"].csv == "layers.csv"


def test_a_terminal_has_the_first_notes_of_a_kind_and_the_page_more(layer, model):
    poor_cells = [layer("dense", side, 1e-6, dim=3 * side) for side in range(2, 9)]
    frames = build([replace(r, latency=replace(r.latency, span_s=None)) for r in poor_cells])
    kinds = notes_of(frames, [], "macs")
    page = [note for kind in kinds for note in kind.on_page()]
    brief = [note for kind in kinds for note in kind.on_terminal()]
    assert len(page) == len(poor_cells)
    assert brief[:-1] == page[: limits.ITEMS_ON_TERMINAL]
    assert brief[-1].startswith(f"and {len(page) - limits.ITEMS_ON_TERMINAL} more, listed in")


def test_one_note_names_some_cells_and_counts_the_others(layer):
    records = [layer(f"a{number}", 4, 1e-6) for number in range(MOST_NAMED + 30)]
    frames = build([replace(r, latency=replace(r.latency, span_s=None)) for r in records])
    (note,) = [note for kind in notes_of(frames, [], "macs") for note in kind.on_page()]
    assert "and 30 more cells, in column quotable of layers.csv" in note
    assert f"a{MOST_NAMED - 1} " in note
    assert f"a{MOST_NAMED} " not in note


def test_of_many_groups_the_largest_frontiers_are_drawn_and_the_page_says_so(model):
    count = limits.MOST_FIGURES + 2
    records = [
        model(f"m{place}", macs=1 + place, num_classes=2 + group)
        for group in range(count)
        for place in range(3 if group == count - 1 else 2)
    ]
    frames = build(records)
    groups = list(tradeoffs(frames.models, "macs"))
    drawn = limits.with_frontiers(groups)
    assert len(drawn) == limits.MOST_FIGURES
    assert max(len(group.points) for group in drawn) == 3
    notes = [note for kind in notes_of(frames, groups, "macs") for note in kind.on_page()]
    assert any(f"Frontiers are drawn for the 12 largest of {count} groups" in n for n in notes)


def test_a_figure_of_many_trainings_says_how_many_it_leaves_out(epoch):
    count = limits.MOST_LINES + 3
    records = [epoch(e, 0.1 * e, run=f"r{i}", seed=i) for i in range(count) for e in (1, 2)]
    (drawing,) = drawings(build(records), groups=(), metric="macs")
    remark = f"The first {limits.MOST_LINES} of {count}; the others are in training.csv."
    assert any(remark in t.get_text().replace("\n", " ") for t in drawing.figure.texts)
    assert len(drawing.figure.axes[0].lines) == limits.MOST_LINES
