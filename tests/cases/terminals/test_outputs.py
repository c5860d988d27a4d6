"""Odd outputs: few columns, few letters, no reader, no room, no terminal."""

import errno
import os
import subprocess
import sys
from collections import Counter

import pytest

from attnbench.cli.show import progress, screen
from attnbench.cli.show.columns import LONGEST_WORD, Column, number
from attnbench.cli.show.letters import spelled
from attnbench.cli.show.progress import status, steps
from attnbench.cli.show.screen import Screen
from attnbench.cli.show.streams import READER_GONE

TEXT = "every token – softmax of (49 × 49) [61.0 – 62.1] µs → anchor-30"
HEADS = [
    Column("name"),
    Column("", "center", name="trust"),
    number("latency\n[95 %]"),
    Column("why"),
]
ROWS = [
    ("dense\n(reference)", "C", "553 µs\n[491 – 783]", "softmax attention of every token"),
    ("x" * 60, "A", "1 s", ("holds", "green")),
    ("short",),
]


@pytest.mark.parametrize("width", [*range(10, 60), 80, 200])
def test_at_any_width_a_table_loses_no_letter_and_no_line_is_too_long(capsys, width):
    Screen(width=width).table(HEADS, ROWS)
    Screen(width=width).say(TEXT)
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width
    assert "…" not in out
    cells = [cell if isinstance(cell, str) else cell[0] for row in ROWS for cell in row]
    words = [word for cell in cells for word in cell.split()]
    broken = {word for word in words if word not in out}
    assert all(len(word) > min(width - 4, LONGEST_WORD) for word in broken)
    assert Counter(out) >= Counter("".join(words))


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "cp437", "utf-8", "shift_jis"])
def test_what_an_encoding_lacks_is_spelled_and_all_else_stays(encoding):
    text = "×–µ→…│─²é注ﬁ€ plain"
    shown = spelled(text, encoding)
    assert shown.encode(encoding)
    assert "plain" in shown
    assert all(one in shown for one in text if _has(encoding, one))


def _has(encoding, letter):
    try:
        return bool(letter.encode(encoding))
    except UnicodeEncodeError:
        return False


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize("width", [20, 80])
@pytest.mark.parametrize("terminal", [False, True])
def test_commands_end_well_in_any_encoding_and_width(
    attnbench, commands, encoding, width, terminal
):
    for name in ("list", "compare"):
        code, out, _ = attnbench(*commands[name], encoding=encoding, width=width, terminal=terminal)
        assert code == 0
        assert "…" not in out
        assert "..." not in out


def test_a_file_gets_no_escape_codes_whatever_is_asked_for(attnbench, commands, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    for name in ("list", "compare"):
        assert "\x1b" not in "".join(attnbench(*commands[name])[1:])


def test_without_colours_the_text_is_the_same(attnbench, commands, monkeypatch):
    plain = attnbench(*commands["compare"])[1]
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("NO_COLOR", "1")
    assert attnbench(*commands["compare"], terminal=True)[1] == plain


class Failing:
    """An output that cannot be written to once something is to arrive there."""

    encoding = "utf-8"

    def __init__(self, number):
        self.number, self.pending = number, False

    def write(self, text):
        self.pending = True

    def flush(self):
        if self.pending:
            raise OSError(self.number, os.strerror(self.number))

    def fileno(self):
        raise OSError("no file")

    def isatty(self):
        return False


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (errno.EPIPE, READER_GONE, ""),
        (errno.ENOSPC, 2, "attnbench: cannot write to standard output: No space left on device"),
    ],
)
@pytest.mark.parametrize("arguments", [["list"], ["list", "models"], ["--version"], ["--help"]])
def test_an_output_that_fails_ends_the_program_well(
    monkeypatch, capsys, arguments, number, code, said
):
    from attnbench.cli import main

    monkeypatch.setattr(sys, "argv", ["attnbench", *arguments])
    monkeypatch.setattr(sys, "stdout", Failing(number))
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == code
    err = capsys.readouterr().err
    assert err.startswith(said)
    assert err.count("\n") == bool(said)


def test_nothing_is_said_where_nothing_can_be_said(monkeypatch):
    from attnbench.cli import main

    monkeypatch.setattr(sys, "argv", ["attnbench", "list", "nothing"])
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, Failing(errno.ENOSPC))
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2


@pytest.mark.skipif(os.name == "nt", reason="needs pipes of POSIX")
def test_a_real_reader_that_goes_away_is_no_error():
    """The process may fail again at its end, where Python flushes what is left."""
    reading, writing = os.pipe()
    os.close(reading)
    code = "from attnbench.cli import main; import sys; sys.argv[1:] = ['list']; main()"
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=pipe, stderr=subprocess.PIPE, check=False
        )
    assert (done.returncode, done.stderr) == (READER_GONE, b"")


@pytest.fixture
def clock(monkeypatch):
    """Time that passes when the test says so; returns a function that lets seconds pass."""
    now = [0.0]
    for module in (progress, screen):
        monkeypatch.setattr(module, "monotonic", lambda: now[0])

    def wait(seconds):
        now[0] += seconds

    return wait


def test_a_log_has_a_line_every_few_seconds(capsys, clock):
    shown = Screen(stderr=True)
    with steps(shown, "starting", 1000) as work:
        for done in range(1000):
            clock(0.1)
            work.update(f"loss {1000 - done}", done=done + 1)
            if done == 500:
                shown.say("epoch 1")
    lines = capsys.readouterr().err.splitlines()
    assert 100 / progress.EVERY_S - 2 <= len(lines) <= 100 / progress.EVERY_S + 1
    assert lines[0] == "loss 950, 51 of 1000, after 5 s"
    assert lines[lines.index("epoch 1") + 1].endswith("after 55 s")  # five seconds later


def test_short_work_leaves_no_line_and_a_slow_step_one(capsys, clock):
    with status(Screen(), "measuring") as work:
        clock(progress.EVERY_S / 2)
        work.update("first")
        assert capsys.readouterr().out == ""
        clock(60)
        work.update("second\x1b[2J\nthird")
    assert capsys.readouterr().out == "second\\x1b[2J third, after 62 s\n"
