"""How a process ended, in words."""

import signal
import tempfile

import pytest

from attnbench.isolation.ending import LAST_WORDS, explain_end, read_last_words


@pytest.mark.parametrize(
    ("exit_code", "status", "reason"),
    [
        (0, "failed", "exit code 0"),
        (-signal.SIGKILL, "out_of_memory", "SIGKILL"),
        (-signal.SIGBUS, "failed", "SIGBUS"),
        (-250, "failed", "signal 250"),
        (None, "failed", "the process closed its connection and went on"),
    ],
)
def test_every_end_has_a_reason(exit_code, status, reason):
    told, why = explain_end(exit_code)
    assert told == status
    assert why.endswith(reason) or reason in why
    assert explain_end(exit_code, "some assertion") == (status, f"{why}: some assertion")


@pytest.fixture
def output():
    with tempfile.TemporaryFile() as file:
        yield file


def test_the_last_words_are_the_last_line(output):
    assert read_last_words(output) == ""
    output.write(b"first\n  second \n\n")
    assert read_last_words(output) == "second"


def test_what_was_said_before_is_left_out(output):
    output.write(b"an earlier job\n")
    since = output.tell()
    assert read_last_words(output, since) == ""
    output.write(b"this one\n")
    assert read_last_words(output, since) == "this one"


def test_long_words_are_cut(output):
    output.write(b"a" * 10_000)
    assert read_last_words(output) == "a" * LAST_WORDS
