"""Run commands in a temporary folder, as a user types them."""

import sys

import pytest

from attnbench.cli import main
from attnbench.cli.show import progress


@pytest.fixture
def attnbench(tmp_path, monkeypatch, capsys):
    """Runs a command line; returns exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(progress, "EVERY_S", float("inf"))  # no word on a slow machine either

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["attnbench", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return stop.value.code or 0, captured.out, captured.err

    return run
