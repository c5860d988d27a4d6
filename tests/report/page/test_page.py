from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from attnbench.errors import UserError
from attnbench.records import store
from attnbench.report.page import limits
from attnbench.report.page.page import write_report


@pytest.fixture(scope="module")
def records(layer, model, epoch):
    """A record of every kind, and a failure."""
    return [
        *(layer(name, side, rounds=str(side)) for side in (4, 8) for name in ("dense", "anchor")),
        layer("window", status="unsupported", reason="no <window> & none"),
        layer("<script>alert(1)</script>"),
        model("a"),
        model("b", 0.6, macs=2 * 10**9),
        epoch(1),
    ]


def stored(folder, records):
    for record in records:
        store.append(folder / "results.jsonl", record)
    return folder / "results.jsonl"


@pytest.fixture
def results(tmp_path, records):
    return stored(tmp_path, records)


@pytest.fixture(scope="module")
def written(tmp_path_factory, records):
    """The report, written once for the tests that only read it."""
    folder = tmp_path_factory.mktemp("report")
    return write_report([stored(folder, records)], folder / "report", "macs")


@pytest.fixture
def html(written):
    return written.files[0].read_text(encoding="utf-8")


def test_everything_is_written_and_listed(written):
    assert all(path.is_file() for path in written.files)
    assert written.files[0].name == "index.html"
    names = {path.name for path in written.files}
    assert names >= {"layers.md", "layers.csv", "models.md", "models.csv", "training.csv"}
    stems = [path.stem for path in written.files if path.suffix == ".svg"]
    assert stems == [path.stem for path in written.files if path.suffix == ".png"]
    assert (written.problems, written.notes) == ((), ())


def test_growth_and_crossovers_are_shown_where_there_are_sizes_enough(tmp_path, layer):
    def sections_of(sides):
        records = [layer(name, side) for side in sides for name in ("dense", "window")]
        folder = tmp_path / str(len(sides))
        written = write_report([stored(folder, records)], folder / "report")
        html = written.files[0].read_text(encoding="utf-8")
        names = {path.name for path in written.files}
        for name in ("scaling", "crossover"):
            shown = f'<section id="{name}">' in html
            assert shown == (f"{name}.csv" in names) == (f"{name}.md" in names)
        return html

    assert "How cost grows" not in sections_of([4, 8])
    assert "Where each mechanism overtakes dense" not in sections_of([4])
    html = sections_of([4, 8, 16])
    assert html.index("How cost grows") < html.index("Where each mechanism overtakes dense")


def test_derived_tables_say_what_they_are_about(tmp_path, layer):
    records = [layer(name, side) for side in (4, 8, 16) for name in ("dense", "window")]
    written = write_report([stored(tmp_path, records)], tmp_path / "report")
    for name in ("scaling.csv", "crossover.csv"):
        path = next(path for path in written.files if path.name == name)
        head, first, *_ = path.read_text(encoding="utf-8").splitlines()
        assert head.startswith("label,attention,impl,options")
        assert "float32, batch 1" in first
        assert "nan" not in path.read_text(encoding="utf-8").lower()


def test_the_page_needs_nothing_but_itself(html):
    assert not re.search(r"<(script|link|iframe)", html)
    sources = re.findall(r'src="([^"]{0,30})', html)
    assert sources
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert "@import" not in html
    assert "url(" not in html


def test_every_link_leads_to_a_file_or_a_section(html, written):
    out = written.files[0].parent
    links = re.findall(r'href="([^"]+)"', html)
    assert links
    for link in links:
        assert f'id="{link[1:]}"' in html if link.startswith("#") else (out / link).is_file()


def test_names_and_reasons_are_escaped(html):
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "no &lt;window&gt; &amp; none" in html


def test_the_page_speaks_of_macs(html):
    words = re.sub(r'src="[^"]*"', "", html)
    assert "MACs" in words
    assert "flop" not in words.lower()
    assert not re.search(r"\bnan\b", words, re.IGNORECASE)


@pytest.fixture
def counted(layer):
    """Two cells that can be held against limits."""
    cells = (layer(name, seconds=0.1) for name in ("dense", "anchor"))
    return [replace(cell, least_bytes=1000, operators=5) for cell in cells]


def test_without_limits_one_note_says_what_to_run(tmp_path, counted, gpu):
    elsewhere = [replace(record, environment=gpu) for record in counted]
    written = write_report([stored(tmp_path, counted + elsewhere)], tmp_path / "report")
    (note,) = written.notes
    assert "run `attnbench ceilings` on this machine" in note
    assert "Test CPU" in note
    assert "Test GPU" in note


def test_with_limits_the_page_says_how_near_each_cell_comes(tmp_path, counted, ceilings):
    results = stored(tmp_path, [*counted, *ceilings()])
    written = write_report([results], tmp_path / "report")
    assert written.notes == ()
    names = {path.name for path in written.files}
    assert names >= {"timing.md", "limits.md"}
    assert any(name.startswith("roofline-") for name in names)
    html = written.files[0].read_text(encoding="utf-8")
    summary = html[html.index('id="latest"') : html.index('id="layers"')]
    for head in ("of limit", "bound by"):
        assert f">{head}</th>" in summary
    ids = re.findall(r'<section id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert {"roofline", "timing", "limits"} <= set(ids)


def test_the_same_records_give_the_same_page(results, tmp_path):
    one, two = (write_report([results], tmp_path / name).files[0] for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


@pytest.mark.parametrize("cost", ["macs", "latency", "memory", "params"])
def test_every_cost_axis_draws_a_frontier(tmp_path, model, cost):
    results = stored(tmp_path, [model("a"), model("b", 0.6, macs=2 * 10**9)])
    written = write_report([results], tmp_path / "report", cost)
    assert [p for p in written.files if p.name.startswith("frontier-") and p.suffix == ".svg"]


def test_unreadable_lines_and_repeated_cells_are_told(results, tmp_path, layer):
    store.append(results, layer("dense", 4, at=9, notes=("the clock was not locked",)))
    with results.open("a") as file:
        file.write('{"schema": 1, "ki')
    written = write_report([results], tmp_path / "report")
    assert len(written.problems) == 1
    assert any("measured more than once" in note for note in written.notes)
    assert "the clock was not locked (1 records)" in written.notes
    html = written.files[0].read_text(encoding="utf-8")
    assert "torn by a crash" in html


def test_a_long_table_is_cut_on_the_page_alone(results, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "ROWS_ON_PAGE", 2)
    out = tmp_path / "report"
    html = write_report([results], out).files[0].read_text(encoding="utf-8")
    assert "The first 2 of 6 rows; all of them are in layers.csv" in html
    assert len((out / "layers.csv").read_text(encoding="utf-8").splitlines()) == 7


@pytest.mark.parametrize("kind", ["layer", "model", "epoch"])
def test_one_kind_of_record_is_enough(tmp_path, layer, model, epoch, kind):
    record = {"layer": layer(), "model": model(), "epoch": epoch(1)}[kind]
    store.append(tmp_path / "results.jsonl", record)
    assert write_report([tmp_path / "results.jsonl"], tmp_path / "report").files


def test_a_record_of_a_failure_is_enough(tmp_path, layer):
    record = replace(layer(status="failed", reason="x"), macs=None, params=None)
    store.append(tmp_path / "results.jsonl", record)
    html = write_report([tmp_path / "results.jsonl"], tmp_path / "report").files[0]
    assert "failed: x" in html.read_text(encoding="utf-8")


def test_no_records_say_what_to_run(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="run `attnbench profile` or `attnbench train` first"):
        write_report([tmp_path / "empty"], tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_what_cannot_be_served_is_the_users_to_mend(results, tmp_path):
    with pytest.raises(UserError, match="cannot read .*missing.jsonl"):
        write_report([tmp_path / "missing.jsonl"], tmp_path / "report")
    with pytest.raises(UserError, match="--cost must be one of"):
        write_report([results], tmp_path / "report", "flops")
    with pytest.raises(UserError, match="cannot write the report to"):
        write_report([results], results)


def test_no_torch_is_needed(results, tmp_path):
    program = (
        "import sys; from pathlib import Path\n"
        "from attnbench.report.page.page import write_report\n"
        "write_report([Path(sys.argv[1])], Path(sys.argv[2]))\n"
        "assert 'torch' not in sys.modules, 'torch was imported'"
    )
    command = [sys.executable, "-c", program, str(results), str(tmp_path / "report")]
    subprocess.run(command, check=True)
