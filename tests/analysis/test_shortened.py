from __future__ import annotations

from attnbench.analysis.shortened import Lines, some_of


def test_few_names_are_all_there_and_of_many_the_number_is_said():
    assert some_of(["a", "b"], 2) == "a, b"
    assert some_of([str(i) for i in range(2000)], 2, "; ") == "0; 1 and 1,998 more"
    assert some_of([]) == ""


def test_only_lines_that_are_asked_for_are_made():
    made = []
    lines = Lines([lambda n=n: made.append(n) or f"line {n}" for n in range(9)])
    both = lines + lines
    assert (len(lines), len(both), made) == (9, 18, [])
    assert both[8:10] == ["line 8", "line 0"]
    assert (lines[3], made) == ("line 3", [8, 0, 3])
