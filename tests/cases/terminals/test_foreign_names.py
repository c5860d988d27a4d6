"""Names from records and plug-ins: no command lets them move a cursor, break a file or run."""

import csv
import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest

from attnbench.report.page.page import write_report
from attnbench.report.page.render import libraries
from attnbench.visible import visible

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def looks_as_it_is(text):
    return visible(text) == text


@pytest.mark.parametrize(
    "name",
    [
        "list", "compare", "compare markdown", "compare json", "predict", "predict json",
        "unknown attention", "unknown option", "no such file",
    ],
)  # fmt: skip
def test_no_command_prints_what_cannot_be_seen(attnbench, commands, name):
    refused = name.startswith(("unknown", "no such"))
    code, out, err = attnbench(*commands[name])
    assert code == (2 if refused else 0)
    assert looks_as_it_is(out)
    assert looks_as_it_is(err)
    assert "\n0 slower" not in out + err
    if refused:
        assert (out, err.count("\n")) == ("", 1)
        assert "Traceback" not in err


@pytest.mark.parametrize("name", ["list", "compare", "predict"])
def test_on_a_terminal_only_our_own_colours_are_sent(attnbench, commands, name):
    code, out, _ = attnbench(*commands[name], terminal=True, width=60)
    assert code == 0
    assert COLOUR.search(out)
    assert looks_as_it_is(COLOUR.sub("", out))
    assert "[red]markup[/red]" in out.replace("\n", "")
    assert r"\x1b]0;title\x07\x1b[31mred" in re.sub(r"\s", "", out)


def test_json_says_the_names_as_they_are(attnbench, commands):
    _, out, _ = attnbench(*commands["compare json"])
    names = {cell["workload"].get("attention") for cell in json.loads(out)["cells"]}
    assert "a\u202egnp.exe" in names
    assert "\ufffe" in names


class Tags(HTMLParser):
    """The tags and the text of a page."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def made(evil, tmp_path_factory):
    """The folder of their report."""
    folder = tmp_path_factory.mktemp("made")
    write_report([evil], folder, figures=True)
    return folder


def test_a_report_of_odd_names_is_whole_and_runs_nothing(made, names):
    files = [path for path in made.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".html", ".md", ".csv", ".svg", ".png"}
    for path in files:
        if path.suffix != ".png":
            assert looks_as_it_is(path.read_text(encoding="utf-8").replace("\r", "")), path
        if path.suffix == ".svg":
            ElementTree.parse(path)
    page = Tags((made / "index.html").read_text(encoding="utf-8"))
    assert page.tags.count("script") == 2 + len(libraries())
    start, end = page.text.index('{"metrics"'), page.text.index("!function")
    texts = json.loads(page.text[start:end])["cells"]["texts"]
    shown = " ".join([*texts["label"]["names"], *texts["about"]["names"]])
    assert all(name in shown for name in names if looks_as_it_is(name) and "\n" not in name)
    assert r"a\u202egnp.exe" in shown


def test_tables_in_markdown_keep_their_columns_and_no_tags(made):
    for path in made.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert "<" not in text
        rows = [line for line in text.splitlines() if line.startswith("|")]
        bars = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows}
        assert len(bars) == 1, path


def test_a_sheet_computes_no_name(made):
    for path in made.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            cells = {cell for row in csv.reader(file) for cell in row}
        computed = [cell for cell in cells if cell.startswith(("=", "@", "+"))]
        assert computed == [], path
        assert "'=1+1" in cells or path.stem not in ("layers", "models")
