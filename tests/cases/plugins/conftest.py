"""Strangers' attentions are known to the tests of this folder alone; commands run in a folder."""

import sys
from pathlib import Path

import pytest
from known_plugins import plugins_forgotten

from attnbench.cli import main

STRANGERS = str(Path(__file__).parent / "strangers.py")


@pytest.fixture(scope="module")
def strangers():
    """The file of a plug-in, which is loaded."""
    with plugins_forgotten(STRANGERS):
        yield STRANGERS


@pytest.fixture
def attnbench(tmp_path, monkeypatch, capsys):
    """Runs a command line; returns exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["attnbench", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return run
