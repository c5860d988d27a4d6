"""Whatever a plug-in does while it is imported, the command goes on or says what happened."""

import os
import sys
from pathlib import Path

import pytest

from attnbench import plugins
from attnbench.errors import UserError
from attnbench.registry import Entry

ENDS = {
    "sys.exit(0)": "would have ended the program (SystemExit: 0)",
    "raise SystemExit": "would have ended the program (SystemExit)",
    "exit(3)": "would have ended the program (SystemExit: 3)",
    "raise KeyboardInterrupt": "failed with KeyboardInterrupt",
    "raise GeneratorExit": "would have ended the program (GeneratorExit)",
    "os._exit(0)": "would have ended the program (os._exit(0))",
    "try: os._exit(5)\nexcept Exception: pass": "would have ended the program (os._exit(5))",
    "1 / 0": "failed with ZeroDivisionError",
    "x = (": "failed with SyntaxError",
}


@pytest.fixture
def plugin(tmp_path):
    def write(code):
        file = tmp_path / "mine.py"
        file.write_text(f"import os, sys, time\n{code}\n")
        return str(file)

    return write


@pytest.mark.parametrize("code", ENDS)
def test_an_import_that_would_end_the_program_is_named(code, plugin):
    really_exit = os._exit
    with pytest.raises(UserError) as error:
        plugins.load_plugin(plugin(code))
    assert "mine.py: importing it " + ENDS[code] in str(error.value)
    assert os._exit is really_exit


def test_one_that_is_installed_and_would_end_the_program_is_skipped(monkeypatch):
    class Point:
        name, value = "bad", "bad:ENTRIES"

        def load(self):
            sys.exit(0)

    monkeypatch.setattr(plugins, "_installed_plugins_loaded", False)
    monkeypatch.setattr(plugins.importlib.metadata, "entry_points", lambda group: [Point()])
    with pytest.warns(UserWarning, match="'bad' .* was skipped: would have ended the program"):
        plugins.load_installed_plugins()


def test_the_command_line_refuses_it_with_one_line(attnbench, plugin):
    code, out, err = attnbench("list", "attentions", "--plugin", plugin("sys.exit(0)"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "would have ended the program" in err


def test_a_copy_that_the_import_leaves_behind_does_not_go_on(plugin, tmp_path):
    code = "if os.fork() == 0: pass\nelse: os.wait()"
    plugins.load_plugin(plugin(code))
    (tmp_path / f"{os.getpid()}").touch()  # a copy would come here too
    assert [one.name for one in tmp_path.iterdir() if one.name.isdigit()] == [str(os.getpid())]


def test_a_copy_may_end_itself(plugin):
    plugins.load_plugin(plugin("if os.fork() == 0: os._exit(0)\nassert os.wait()[1] == 0"))


def test_the_working_folder_is_put_back_and_the_change_is_named(plugin, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plugins.load_plugin(plugin("os.chdir(os.sep)"))
    assert Path.cwd() == tmp_path
    text = plugins.changes_by_plugins()[-1]
    assert f"plug-in mine.py changed the working folder from {tmp_path} to {os.sep} when" in text


def test_a_row_whose_module_ends_the_program_when_it_is_used_is_named(tmp_path, monkeypatch):
    (tmp_path / "imported_late.py").write_text("import os; os.chdir(os.sep); os._exit(0)")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    row = Entry(kind="attention", name="late", target="imported_late:Late", family="linear")
    message = r"attention 'late': importing imported_late:Late would have ended the program \(os"
    with pytest.raises(UserError, match=message):
        row.load()
    assert Path.cwd() == tmp_path
