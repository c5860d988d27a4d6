"""A copy of the process answers, and changes nothing here."""

import os
import signal
import sys
import time

import psutil
import pytest

from attnbench.isolation.forked import in_fork

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def test_the_copy_answers_and_leaves_this_process_alone():
    here = {"pid": os.getpid()}

    def work():
        here["pid"] = os.getpid()
        return here["pid"]

    assert in_fork(work, 10.0) != os.getpid()
    assert here == {"pid": os.getpid()}


def test_what_it_prints_is_lost(capfd):
    assert in_fork(lambda: sys.stdout.write("nothing\n"), 10.0) == 8
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    "work", [lambda: 1 / 0, lambda: os._exit(1), lambda: os.kill(os.getpid(), signal.SIGKILL)]
)
def test_no_answer_of_a_copy_that_fails(work):
    assert in_fork(work, 10.0) is None


def test_a_copy_that_hangs_is_killed_and_none_is_left():
    begun, children = time.monotonic(), set(psutil.Process().children())
    assert in_fork(lambda: time.sleep(60), 0.2) is None
    assert time.monotonic() - begun < 30
    assert set(psutil.Process().children()) <= children
