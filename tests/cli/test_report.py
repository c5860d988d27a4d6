"""`attnbench report`: the records as data, and a page that is written again while they grow."""

import csv
import json

import pytest

from attnbench.cli import watching
from attnbench.records import store


@pytest.fixture
def results(tmp_path, layer, model):
    for record in (layer(), layer("anchor"), model()):
        store.append(tmp_path / "results.jsonl", record)
    return tmp_path / "results.jsonl"


def csv_rows(path):
    with path.open(newline="") as file:
        return len(list(csv.DictReader(file)))


COUNTS = {"csv": csv_rows, "json": lambda path: len(json.loads(path.read_text())),
          "latex": lambda path: path.read_text().count(r" \\") - 1}  # fmt: skip


@pytest.mark.parametrize(("form", "suffix"), [("csv", "csv"), ("json", "json"), ("latex", "tex")])
def test_the_records_are_written_as_data_of_other_programs(
    attnbench, tmp_path, results, form, suffix
):
    code, out, err = attnbench("report", results, "--format", form)
    assert (code, err) == (0, "")
    assert out.startswith("2 files in report")
    folder = tmp_path / "report"
    assert {path.name for path in folder.iterdir()} == {f"layers.{suffix}", f"models.{suffix}"}
    assert COUNTS[form](folder / f"layers.{suffix}") == 2


def test_a_table_for_a_paper_has_the_score(attnbench, tmp_path, results):
    attnbench("report", results, "--format", "latex")
    assert "top-1 accuracy" in (tmp_path / "report/models.tex").read_text()


def test_parquet_says_what_to_install_before_anything_is_read(attnbench, tmp_path, monkeypatch):
    monkeypatch.setattr("attnbench.report.export.frames.find_spec", lambda name: None)
    (tmp_path / "bad.jsonl").write_text("{")
    code, _, err = attnbench("report", "bad.jsonl", "--format", "parquet")
    assert code == 2
    assert "pip install pyarrow" in err
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("flags", [["--open"], ["--figures", "--baseline", "results.jsonl"]])
def test_flags_about_the_page_are_refused_for_data(attnbench, results, flags):
    code, _, err = attnbench("report", results, "--format", "csv", *flags)
    assert code == 2
    assert f"leave out {' and '.join(sorted(f for f in flags if f[0] == '-'))}" in err


def test_no_records_are_no_data(attnbench, tmp_path):
    (tmp_path / "empty").mkdir()
    code, _, err = attnbench("report", "empty", "--format", "json")
    assert code == 2
    assert "attnbench profile" in err


def test_the_page_is_written_again_when_records_come(
    attnbench, monkeypatch, results, layer, tmp_path
):
    """A line that is not whole yet is waited for; so is a file that is away for a moment.

    The page looks for newer ones until it is finished.
    """
    page = tmp_path / "report/index.html"
    looks = []
    line = store.text_of(layer("window")) + "\n"

    def write(text):
        with results.open("a") as file:
            file.write(text)

    away = results.with_suffix(".away")
    steps = iter([
        lambda: write(line[:99]), lambda: None, lambda: write(line[99:]),
        lambda: results.rename(away), lambda: away.rename(results),
    ])  # fmt: skip

    def sleep(seconds):
        step = next(steps, None)
        looks.append("watch.js" in page.read_text())
        if step is None:
            raise KeyboardInterrupt
        step()

    monkeypatch.setattr(watching, "sleep", sleep)
    code, out, err = attnbench("report", results, "--watch")
    assert code == 0
    counts = [text.split(", ")[1].split(" ")[0] for text in out.splitlines()]
    assert counts == ["3", "3", "4", "4"]
    assert err.count("\n") == 1
    assert "cannot read" in err
    assert all(looks)
    assert "watch.js" not in page.read_text()
    assert not page.with_name("watch.js").exists()


def test_what_was_damaged_before_is_reported_in_a_growing_file_too(attnbench, results, monkeypatch):
    def interrupted(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(watching, "sleep", interrupted)
    results.write_text("{\n" + results.read_text() + '{"schema": 3, "ki')
    code, out, err = attnbench("report", results, "--watch")
    assert code == 0
    assert "3 records" in out
    assert "results.jsonl:1: skipped" in err
    assert "results.jsonl:5" not in err
