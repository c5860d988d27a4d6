"""Only the process that was asked answers, and only the job that it was asked."""

import sys
import time
from pathlib import Path

import pytest

from attnbench.isolation.failure import WorkLostError
from attnbench.isolation.spawned import SpawnedProcess

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="this system has no fork")


@pytest.fixture
def start(monkeypatch):
    """Starts a function of the module of workers."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import workers

    return lambda name: SpawnedProcess(getattr(workers, name), ())


def test_the_answer_of_a_copy_is_a_loss_and_names_the_part_that_made_it(start):
    with start("lets_a_copy_answer") as one, pytest.raises(WorkLostError) as lost:
        one.receive(60, "too late")
    assert "forked the process and let the copy" in lost.value.reason
    assert lost.value.part == 1


def test_a_late_answer_to_an_earlier_job_counts_for_no_other(start):
    with start("lets_a_copy_answer_late") as one:
        answers = []
        for job in range(2):
            one.send(job)
            answers.append(one.receive(60, "too late"))
    assert answers == ["first", "second"]


def test_nonsense_on_the_connection_is_a_loss(start):
    with (
        start("writes_nonsense") as one,
        pytest.raises(WorkLostError, match="the answer cannot be read"),
    ):
        one.receive(60, "too late")


def test_silence_names_the_part_that_was_begun(start):
    before = time.monotonic()
    with start("hangs") as one:
        one.wait_until_ready()
        with pytest.raises(WorkLostError) as lost:
            one.receive(0.1, "too late")
    assert (lost.value.status, lost.value.part) == ("timeout", None)
    assert time.monotonic() > before
