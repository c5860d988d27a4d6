from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import jinja2
import pytest

from attnbench.analysis.compare.pairs import Side
from attnbench.analysis.compare.rule import Thresholds
from attnbench.analysis.compare.verdict import compare
from attnbench.errors import UserError
from attnbench.records import store
from attnbench.report.page import limits
from attnbench.report.page.page import Asked, write_contents, write_report
from attnbench.report.page.render import libraries

SCRIPT = re.compile(r"<script\b[^>]*>.*?</script>", re.DOTALL)


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


def data_of(html):
    """What the scripts of a page are given."""
    return json.loads(re.search(r'id="data">(.*?)</script>', html)[1])


def cells_of(html, *names):
    """These columns of the cells of a page."""
    texts = data_of(html)["cells"]["texts"]
    columns = [[texts[name]["names"][at] for at in texts[name]["at"]] for name in names]
    return list(zip(*columns, strict=True))


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
    assert not [path for path in written.files if path.suffix in (".svg", ".png")]
    assert (written.problems, written.notes) == ((), ())


@pytest.mark.parametrize("cost", ["macs", "latency", "memory", "params"])
def test_figures_are_drawn_if_asked_for(tmp_path, model, cost):
    results = stored(tmp_path, [model("a"), model("b", 0.6, macs=2 * 10**9)])
    written = write_report([results], tmp_path / "report", cost, figures=True)
    stems = [path.stem for path in written.files if path.suffix == ".svg"]
    assert stems == [path.stem for path in written.files if path.suffix == ".png"]
    assert any(stem.startswith("frontier-") for stem in stems)


def test_growth_and_crossovers_are_given_where_there_are_sizes_enough(tmp_path, layer):
    def texts_of(sides):
        records = [layer(name, side) for side in sides for name in ("dense", "window")]
        folder = tmp_path / str(len(sides))
        written = write_report([stored(folder, records)], folder / "report")
        names = {path.name for path in written.files}
        growth = data_of(written.files[0].read_text(encoding="utf-8"))["growth"]
        texts = {head.partition(":")[0] for one in growth for head in one["texts"]}
        assert ("exponent" in texts) == ("scaling.csv" in names) == ("scaling.md" in names)
        assert ("overtakes" in texts) == ("crossover.csv" in names) == ("crossover.md" in names)
        return texts

    assert texts_of([4]) == set()
    assert texts_of([4, 8]) == {"overtakes"}
    assert texts_of([4, 8, 16]) == {"overtakes", "exponent"}


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
    bare = SCRIPT.sub("", html)
    assert not re.search(r"<(link|iframe|img|object|embed)|src=|@import|url\(", bare)
    assert not re.search(r"<script[^>]*src", html)
    assert "default-src 'none'" in bare
    assert len(html) < 1_500_000


def test_the_library_is_shipped_with_its_licence_and_the_version_it_says(html):
    from importlib import resources

    folder = resources.files("attnbench.report.page") / "libraries"
    for library in libraries():
        text = (folder / library["file"]).read_text(encoding="utf-8")
        assert f'"{library["version"]}"' in text
        assert "Redistribution" in (folder / library["text"]).read_text(encoding="utf-8")
        assert f"{library['name']} {library['version']}" in html


def test_every_link_leads_to_a_file_or_a_section(html, written):
    out = written.files[0].parent
    links = re.findall(r'href="([^"]+)"', SCRIPT.sub("", html))
    assert links
    for link in links:
        assert f'id="{link[1:]}"' in html if link.startswith("#") else (out / link).is_file()


def test_names_and_reasons_run_nothing(html):
    assert "<script>alert" not in html
    assert len(re.findall("<script", html)) == 2 + len(libraries())
    cells = cells_of(html, "label", "status", "reason")
    assert ("<script>alert(1)</script> (reference)", "ok", "") in cells
    assert ("window (reference)", "unsupported", "no <window> & none") in cells


def test_the_page_speaks_of_macs(html):
    words = SCRIPT.sub("", html)
    assert "MACs" in words
    assert "flop" not in words.lower()
    assert not re.search(r"\bnan\b", words, re.IGNORECASE)


def test_each_cell_has_the_command_that_measures_it_again(html):
    commands = dict(cells_of(html, "label", "command"))
    assert commands["anchor (reference)"].startswith("attnbench sweep --attention dense,anchor ")
    assert commands["a"] == "attnbench evaluate results/runs/checkpoints/a-0/last.pt"


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
    html = written.files[0].read_text(encoding="utf-8")
    data = data_of(html)
    assert data["conditions"][0]["roofs"]["macs_per_s"] == 1e9
    assert all(share > 0 for share in data["cells"]["numbers"]["percent_of_limit"])
    assert "attnbench ceilings" not in SCRIPT.sub("", html)


def test_the_same_records_give_the_same_page(results, tmp_path):
    one, two = (write_report([results], tmp_path / name).files[0] for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()


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


def test_what_nobody_can_see_is_not_shipped(results, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "CELLS_ON_PAGE", 2)
    out = tmp_path / "report"
    html = write_report([results], out).files[0].read_text(encoding="utf-8")
    assert sum(kind == ("layer",) for kind in cells_of(html, "kind")) == 2
    assert "The page has the 2 newest of 6 layers; layers.csv holds all of them" in html
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
    assert cells_of(html.read_text(encoding="utf-8"), "status", "reason") == [("failed", "x")]


def test_an_empty_store_gets_a_page_that_says_what_to_run(tmp_path):
    (tmp_path / "empty").mkdir()
    written = write_report([tmp_path / "empty"], tmp_path / "report")
    words = SCRIPT.sub("", written.files[0].read_text(encoding="utf-8"))
    for command in ("profile", "sweep", "train", "ceilings"):
        assert f"<code>attnbench {command}" in words
    assert "no records yet" in words


def test_a_summary_for_pull_requests_is_short_and_has_the_change(tmp_path, records):
    contents = store.Contents(records=list(records))
    side = Side(name="before", records=contents.costs)
    asked = Asked(form="md", comparison=compare(side, side, Thresholds()))
    written = write_contents(contents, [tmp_path], tmp_path / "report", asked)
    text = written.files[0].read_text(encoding="utf-8")
    assert (written.files[0].name, len(text.encode()) < 60_000) == ("report.md", True)
    assert "<script" not in text
    assert "8 cells compared: 1 cannot tell, 7 same" in text
    assert "cannot tell" in text
    assert "| dense | reference |" in text


def test_the_change_since_a_baseline_is_on_the_page(tmp_path, records):
    contents = store.Contents(records=list(records))
    side = Side(name="before", records=contents.costs)
    asked = Asked(comparison=compare(side, side, Thresholds()))
    (page, *_) = write_contents(contents, [tmp_path], tmp_path / "report", asked).files
    words = SCRIPT.sub("", page.read_text(encoding="utf-8"))
    assert 'id="change"' in words
    assert "7 same" in words


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


def test_figures_of_several_machines_of_one_kind_say_so(layer, tmp_path):
    cells = [replace(layer(side=side), host=host) for side, host in ((4, "one"), (8, "two"))]
    both = write_report([stored(tmp_path, cells)], tmp_path / "both", "macs")
    (note,) = [line for line in both.brief if "machines of this kind" in line]
    assert "(one, two)" in note
    alone = write_report([stored(tmp_path / "1", cells[:1])], tmp_path / "alone", "macs")
    assert not [line for line in alone.brief if "machines of this kind" in line]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("run `a --b`, then `c`.", "run <code>a --b</code>, then <code>c</code>."),
        ("no code", "no code"),
        ("one ` alone <b>", "one ` alone &lt;b&gt;"),
        ("`<img src=x>`", "<code>&lt;img src=x&gt;</code>"),
    ],
)
def test_what_stands_between_backticks_is_code_and_text(text, expected):
    loader = jinja2.PackageLoader("attnbench.report.page")
    parts = jinja2.Environment(loader=loader, autoescape=True).get_template("parts.html").module
    assert str(parts.coded(text)) == expected
