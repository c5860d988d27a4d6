"""A cell is claimed by one process at a time, and by none that has ended."""

import subprocess
import sys
import threading

import pytest

from attnbench.benchmark.claims import Claims
from attnbench.errors import UserError

OTHER = """
import sys
from pathlib import Path
from attnbench.benchmark.claims import Claims
with Claims(Path(sys.argv[1])) as claims, claims.held(sys.argv[2:]) as ours:
    print(ours, flush=True)
    sys.stdin.read()
"""


class Other:
    """Another process that claims cells until it is told to end, or is killed."""

    def __init__(self, file, *keys):
        self.process = subprocess.Popen(
            [sys.executable, "-c", OTHER, file, *keys],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.got = self.process.stdout.readline().strip() == "True"

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.communicate()
        assert error != (None, None, None) or self.process.returncode in (0, -9)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "deep" / "sweep.jsonl"


def held(claims, *keys):
    with claims.held(keys) as ours:
        return ours


def test_all_cells_of_a_comparison_are_claimed_or_none(file):
    with Claims(file) as claims, Other(file, "b", "c") as other:
        assert other.got
        assert not held(claims, "a", "b")
        assert held(claims, "a", "d", "a")
        with claims.held(["a"]), Other(file, "a", "e") as late:
            assert not late.got


def test_the_claims_of_a_process_that_was_killed_are_free(file):
    with Claims(file) as claims, Other(file, "a") as other:
        assert not held(claims, "a")
        other.process.kill()
        other.process.wait()
        assert held(claims, "a")
    assert list(file.parent.iterdir()) == []


def test_the_last_one_to_leave_removes_the_file(file):
    with Other(file, "a"):
        with Claims(file):
            pass
        assert len(list(file.parent.iterdir())) == 1
    assert list(file.parent.iterdir()) == []


def test_the_threads_of_a_process_share_too(file):
    with Claims(file) as claims, Claims(file) as others, claims.held(["a"]):
        found = []
        thread = threading.Thread(target=lambda: found.append(held(others, "a")))
        thread.start()
        thread.join()
    assert found == [False]


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "no folder").touch()
    with pytest.raises(UserError, match="choose another --out"), Claims(tmp_path / "no folder/x"):
        pass


def test_a_file_is_shared_by_all_its_names_however_long(file):
    long = file.with_name("ü" * 124 + ".jsonl")
    link = file.with_name("link.jsonl")
    link.parent.mkdir()
    link.symlink_to(long)
    with Claims(long) as claims, Other(link, "a") as other:
        assert other.got
        assert not held(claims, "a")
