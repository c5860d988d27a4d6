"""A file is replaced whole or not at all, and what killed writers left is removed."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from attnbench.files.writing import replace_bytes, replace_text, replacing

WRITER = """
import sys, time
from pathlib import Path
from attnbench.files.writing import replacing
with replacing(Path(sys.argv[1])) as new:
    new.write_bytes(b"half")
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def writer(tmp_path):
    """A process in the middle of writing `last.pt`."""
    command = [sys.executable, "-c", WRITER, str(tmp_path / "last.pt")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def names(folder):
    return sorted(os.listdir(folder))


def test_bytes_and_text_are_written_as_they_are(tmp_path):
    replace_bytes(tmp_path / "new" / "a", b"\0\r\n")
    replace_text(tmp_path / "b", "é\r\n\n")
    assert (tmp_path / "new" / "a").read_bytes() == b"\0\r\n"
    assert (tmp_path / "b").read_bytes() == "é\r\n\n".encode()
    assert names(tmp_path) == ["b", "new"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    replace_bytes(tmp_path / "a", b"old")
    with suppress(RuntimeError), replacing(tmp_path / "a") as new:
        new.write_bytes(b"new")
        raise RuntimeError
    assert (names(tmp_path), (tmp_path / "a").read_bytes()) == (["a"], b"old")


def test_a_new_file_has_the_usual_permissions(tmp_path):
    replace_bytes(tmp_path / "a", b"")
    (tmp_path / "b").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_leftovers_of_a_killed_writer_are_removed_by_the_next(tmp_path, writer):
    pytest.importorskip("fcntl")
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert len(names(tmp_path)) == 1
    replace_bytes(tmp_path / "last.pt", b"whole")
    assert names(tmp_path) == ["last.pt"]


def test_the_file_of_a_living_writer_stays(tmp_path, writer):
    replace_bytes(tmp_path / "last.pt", b"whole")
    assert len(names(tmp_path)) == 2
    assert (tmp_path / "last.pt").read_bytes() == b"whole"


def test_only_leftovers_of_the_same_target_are_removed(tmp_path):
    pytest.importorskip("fcntl")
    others = [".last.pt.1.tmp", ".b.1-00.tmp", ".last.1.tmp.bak", "last.1.tmp", ".last.x.tmp"]
    for name in (*others, ".last.12.tmp", ".last.12-0a1b.tmp"):
        (tmp_path / name).touch()
    replace_bytes(tmp_path / "last", b"")
    assert names(tmp_path) == sorted([*others, "last"])


@pytest.mark.parametrize("length", [1, 199, 200, 201, 255])
def test_names_may_be_as_long_as_the_system_lets_them(tmp_path, length):
    replace_bytes(tmp_path / ("x" * length), b"content")
    assert names(tmp_path) == ["x" * length]


def test_writers_of_one_target_do_not_take_each_others_files(tmp_path):
    contents = [bytes([digit]) * 10_001 for digit in range(7)]
    failures = []

    def write(content):
        try:
            for _ in range(20):
                replace_bytes(tmp_path / "a", content)
        except OSError as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert (tmp_path / "a").read_bytes() in contents
    assert names(tmp_path) == ["a"]
