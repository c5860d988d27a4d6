"""Random command lines end as documented: done, or refused in a line; nothing stored is lost."""

import shlex

import pytest
from fuzz.lines import commands, is_flag, line
from fuzz.values import SENSIBLE

LINES = 300
A_TEST = 25
"""Lines of one test."""


def test_each_option_has_sensible_values():
    for name, parameters in commands().items():
        for one in parameters:
            assert is_flag(one) or f"{name}_{one.name}" in SENSIBLE or one.name in SENSIBLE


def test_the_lines_use_every_option_of_every_command():
    used = {
        (words[0], word.partition("=")[0]) for words in map(line, range(6000)) for word in words
    }
    for name, parameters in commands().items():
        for parameter in parameters:
            if parameter.param_type_name == "option":
                assert any((name, flag) in used for flag in parameter.opts), (name, parameter.name)


def pytest_generate_tests(metafunc):
    if "first" in metafunc.fixturenames:
        lines = int(LINES * metafunc.config.getoption("--thorough"))
        metafunc.parametrize("first", range(0, lines, A_TEST))


@pytest.mark.slow
def test_a_random_line_is_done_or_refused_and_nothing_is_lost(judged, first):
    faults = []
    for seed in range(first, first + A_TEST):
        words = line(seed)
        told = judged(words).faults
        shown = shlex.join(word if len(word) < 80 else f"{word[:80]}…" for word in words)
        faults += [f"line {seed}: attnbench {shown!r}: {fault}" for fault in told]
    assert not faults, "\n".join(faults)
