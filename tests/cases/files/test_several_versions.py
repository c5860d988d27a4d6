"""Lines of several versions and twice the same lines: what is used, and what is said."""

import json

from attnbench.analysis.selection.newest import newest
from attnbench.records import store


def test_of_nine_lines_the_seven_that_are_known_are_used(tmp_path, plain, changed):
    future = {**plain[0], "schema": 99}
    stranger = {"schema": 2, "kind": "poem", "text": "roses"}
    more = {**plain[1], "colour": "red"}
    others = [changed(plain[2], "workload.batch", batch) for batch in range(2, 8)]
    path = tmp_path / "mixed.jsonl"
    path.write_text("".join(json.dumps(x) + "\n" for x in (future, stranger, more, *others)))
    contents = store.read(path)
    assert len(contents.records) == 7
    assert [problem.split(": skipped")[0] for problem in contents.problems] == [
        f"{path}:1", f"{path}:2",
    ]  # fmt: skip
    assert "schema 99" in contents.problems[0]
    assert "'poem'" in contents.problems[1]


def test_lines_that_stand_twice_are_shown_once_and_counted(tmp_path, plain, changed):
    lines = [changed(plain[0], "workload.batch", batch) for batch in range(1, 9)]
    path = tmp_path / "twice.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines * 2))
    shown = newest(store.read(path).records)
    assert len(shown.records) == 8
    assert "8 older or equal ones left out" in shown.notes[0]
