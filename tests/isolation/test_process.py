"""Both kinds of isolated processes keep the same promises."""

import time
from pathlib import Path

import pytest

from attnbench.isolation import process
from attnbench.isolation.failure import WorkLostError
from attnbench.isolation.program import IsolatedProgram
from attnbench.isolation.spawned import SpawnedProcess

STARTS = {"spawned": lambda serve: SpawnedProcess(serve, ()), "program": IsolatedProgram}


@pytest.fixture
def workers(monkeypatch):
    """The module of workers, where the other process finds it too."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    import workers

    return workers


@pytest.fixture(params=STARTS)
def start(request):
    return STARTS[request.param]


def loss_of(running, limit_s=60):
    with pytest.raises(WorkLostError) as lost:
        running.receive(limit_s, "too late")
    return lost.value.status, lost.value.reason


def test_jobs_and_answers_cross_and_nothing_is_printed(start, workers, capfd):
    with start(workers.prints_and_echoes) as running:
        running.wait_until_ready()
        running.send({"a": (1, 2)})
        assert running.receive(60, "too late") == {"a": (1, 2)}
    assert capfd.readouterr() == ("", "")


def test_a_crash_is_named_with_the_last_line_that_was_printed(start, workers):
    with start(workers.dies) as running:
        reason = "the process crashed (SIGSEGV): assertion failed in somebody's kernel"
        assert loss_of(running) == ("failed", reason)


def test_a_loss_that_the_process_reports_is_raised(start, workers):
    with start(workers.reports_a_loss) as running:
        assert loss_of(running) == ("unsupported", "no such thing")


def test_silence_is_a_timeout_and_the_process_is_gone_afterwards(start, workers):
    with start(workers.hangs) as running:
        running.wait_until_ready()
        before = time.monotonic()
        assert loss_of(running, limit_s=0.2) == ("timeout", "too late")
        assert time.monotonic() - before >= 0.2
        assert running.exit_code(0) is None
    assert running.exit_code(0) is not None


def test_a_process_that_closes_its_connection_and_lives_is_not_waited_for(
    start, workers, monkeypatch
):
    monkeypatch.setattr(process, "END_LIMIT_S", 0.2)
    running = start(workers.hangs_up_and_lives)
    try:
        assert loss_of(running) == ("failed", "the process closed its connection and went on")
    finally:
        monkeypatch.setattr(process, "END_LIMIT_S", 60)
        running.end()


def test_ctrl_c_of_the_terminal_does_not_reach_it(start, workers):
    with start(workers.ignores_ctrl_c) as running:
        assert running.receive(60, "too late")


def test_threads_are_those_of_the_parent(start, workers):
    with start(workers.tells_threads_of) as running:
        assert running.receive(120, "too late") == 3


def test_torch_is_not_loaded_before_the_process_is_at_work(start, workers):
    with start(workers.loads_torch) as running:
        assert running.receive(60, "too late") is False


def test_a_job_sent_to_a_process_that_has_ended_is_a_loss_and_no_crash(start, workers):
    with start(workers.dies) as running:
        running.exit_code(60)
        running.send("job")
        assert loss_of(running)[0] == "failed"
