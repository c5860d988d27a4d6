"""What is no readable file of results is named, and hides nothing beside it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from attnbench.errors import UserError
from attnbench.records import store


@pytest.fixture
def folder(tmp_path, plain):
    """Two good files, before and behind all others in the order of names."""
    for name, line in zip(("a", "z"), plain, strict=False):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(line) + "\n")
    return tmp_path


def a_folder(path):
    path.mkdir()
    (path / "notes.txt").touch()


def a_link_to_a_folder(path):
    (path.parent / "other").mkdir()
    path.symlink_to("other")


PLACES = {
    "a named pipe": os.mkfifo,
    "a folder": a_folder,
    "got a folder": a_link_to_a_folder,
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "symbolic link": lambda path: path.symlink_to(path.name),
    "Input/output error": lambda path: path.symlink_to("/proc/self/mem"),
}


@pytest.mark.parametrize("what", PLACES)
def test_each_is_named_and_the_others_are_read(folder, what):
    if what == "Input/output error" and not Path("/proc/self/mem").exists():
        pytest.skip("needs Linux")
    PLACES[what](folder / "b.jsonl")
    for paths in ([folder], sorted(folder.glob("*.jsonl"))):
        if what.endswith("a folder") and len(paths) > 1:
            continue  # a folder that is given is read
        contents = store.read_many(paths)
        assert len(contents.records) == 2
        (problem,) = contents.problems
        assert what in problem
        assert "b.jsonl" in problem


def test_leftovers_of_writers_are_no_results(folder):
    (folder / ".a.jsonl.123-0a1b2c3d.tmp").write_text("half")
    assert store.read_many([folder]).problems == []


def test_a_path_that_leads_nowhere_is_a_slip_of_the_user(folder):
    for name in ("typo.jsonl", "x" * 300):
        with pytest.raises(UserError, match="cannot read"):
            store.read_many([folder / name] if name[0] == "x" else [folder, folder / name])


def test_a_name_that_is_too_long_hides_nothing(folder):
    contents = store.read_many([folder, folder / ("x" * 300)])
    assert (len(contents.records), len(contents.problems)) == (2, 1)


def test_nothing_but_bad_files_is_refused(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.jsonl").mkdir()
    with pytest.raises(UserError, match=r"0.jsonl: expected a file.*\(and 2 more of the files"):
        store.read_many([tmp_path])


def test_the_command_ends_with_one_line(tmp_path):
    os.mkfifo(tmp_path / "b.jsonl")
    code = "from attnbench.cli import main; main()"
    command = [sys.executable, "-c", code, "predict", str(tmp_path / "b.jsonl"), "--n-tokens", "9"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "got a named pipe" in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_is_appended_to_what_is_no_file(tmp_path, full_line_of_a_layer):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="it is a named pipe"):
        store.append(tmp_path / "pipe", full_line_of_a_layer)


@pytest.fixture
def full_line_of_a_layer(folder):
    return store.read(folder / "a.jsonl").records[0]
