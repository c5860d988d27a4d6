"""Which number of threads a trial chooses, and what it says."""

import pytest
import torch

from attnbench.profiling.machine.threads import ThreadTrial, candidates, try_threads


@pytest.mark.parametrize(
    ("most", "tried"),
    [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (6, [1, 2, 4, 5, 6]), (16, [1, 2, 4, 8, 15, 16])],
)
def test_powers_of_two_all_cores_and_all_but_one_are_tried(most, tried):
    assert candidates(most) == tried


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [
        ({1: 1.0}, 1),
        ({1: 1.0, 2: 0.55}, 2),
        ({1: 1.0, 2: 0.9}, 1),  # a second thread that hardly helps
        ({1: 1.0, 2: 100.0}, 1),  # a second thread that waits for a core
        ({1: 1.0, 2: 0.5, 3: 0.36, 4: 8.0}, 3),  # one busy core of four
        ({1: 1.0, 2: 0.5, 4: 0.26, 8: 0.14, 15: 0.08, 16: 0.075}, 16),
        ({1: 1.0, 2: 2.0, 4: 0.2}, 1),  # a step that loses ends the trial
    ],
)
def test_the_most_threads_are_chosen_of_which_each_step_gains(seconds, chosen):
    assert ThreadTrial(seconds=seconds).chosen == chosen


def test_the_line_says_how_many_of_how_many_and_why():
    gained = ThreadTrial(seconds={1: 1.0, 2: 0.5})
    assert gained.text == "2 of 2: 2 threads were 2 times as fast as 1"
    busy = ThreadTrial(seconds={1: 1.0, 2: 1.6}, other_cores=1.04)
    assert busy.text == (
        "1 of 2: 2 threads were 0.62 times as fast as 1; other programs kept 1.0 cores busy"
    )
    alone = ThreadTrial(seconds={1: 1.0, 2: 0.9})
    assert alone.text.endswith("though no other program kept a core busy")
    assert ThreadTrial(seconds={1: 1.0}).text == "1 of 1: this process may use one core"


def test_a_trial_puts_the_number_of_threads_back():
    trial = try_threads(2, budget_s=0.0)
    assert torch.get_num_threads() == 1
    assert list(trial.seconds) == [1, 2]
    assert all(seconds > 0 for seconds in trial.seconds.values())
