"""The code, commands and links of the README work."""

import re
import sys
from pathlib import Path

import pytest

from attnbench.attention import MECHANISMS
from attnbench.cli import main
from attnbench.registry import ATTENTIONS
from baselines import ENTRIES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_an_attention_of_one_s_own_takes_15_lines(tmp_path, monkeypatch, capsys):
    assert len([line for line in BLOCKS[0].splitlines() if line.strip()]) <= 15
    (tmp_path / "average.py").write_text(BLOCKS[0])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    arguments = (
        "profile --plugin average.py --attention dense,anchor,average --n-tokens 64 --dim 24"
    )
    monkeypatch.setattr(sys, "argv", ["attnbench", *arguments.split(), "--time-budget", "0.2"])
    with pytest.raises(SystemExit) as stop:
        main()
    assert not stop.value.code
    out = capsys.readouterr().out
    assert "average (reference)" in out
    assert "MACs disagree" not in out
    del ATTENTIONS._entries["average"]


@pytest.mark.slow
def test_the_python_example_runs():
    quick = BLOCKS[1].replace("(64, 64)", "(8, 8)")
    exec(compile(quick, "README.md", "exec"), {})


def test_every_link_leads_to_a_file_and_a_heading():
    links = re.findall(r"\]\(([^)#]*)#?([^)]*)\)", README)
    assert links
    for file, heading in links:
        text = (ROOT / file).read_bytes()
        if heading:
            titles = re.findall(r"^#+ (.*)$", text.decode(), re.MULTILINE)
            assert heading in [title.lower().replace(" ", "-") for title in titles]


def test_every_command_is_in_the_readme():
    from attnbench.cli import app

    commands = {command.name for command in app.registered_commands}
    named = set(re.findall(r"`attnbench (\w+)", README))
    assert commands <= named


def test_the_number_of_mechanisms_is_that_of_the_table():
    (number,) = re.findall(r"^(\d+) mechanisms share one interface", README, re.MULTILINE)
    assert int(number) == len(MECHANISMS) + sum(entry.kind == "attention" for entry in ENTRIES)
