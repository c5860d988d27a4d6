"""Every command that writes tries the place first: nothing is loaded, measured or changed."""

from __future__ import annotations

import os

import pytest

from attnbench.records import store

FILES = {
    "profile": [], "sweep": [], "train": ["vit-t"], "evaluate": ["missing.pt"], "ceilings": [],
    "doctor": [],
}  # fmt: skip
FOLDERS = {"report": ["results", "--figures"], "reproduce": ["claims"]}


@pytest.fixture
def places(tmp_path, layer):
    (tmp_path / "file").write_text("kept\n")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "nowhere").symlink_to("missing")
    store.append(tmp_path / "results/a.jsonl", layer())
    return tmp_path


def refused(attnbench, places, command, out):
    before = sorted(places.rglob("*"))
    code, printed, err = attnbench(*command, "--out", out)
    assert (code, printed) == (2, "")
    assert err.startswith("attnbench: cannot write to ")
    assert err.count("\n") == 1
    assert sorted(places.rglob("*")) == before
    assert (places / "file").read_text() == "kept\n"


@pytest.mark.parametrize("command", FILES)
@pytest.mark.parametrize("out", ["folder", "pipe", "nowhere", "file/a", "x" * 300, "/dev/null"])
def test_a_file_that_cannot_be_written_is_refused_first(command, out, attnbench, places):
    refused(attnbench, places, [command, *FILES[command]], out)


@pytest.mark.parametrize("command", FOLDERS)
@pytest.mark.parametrize("out", ["file", "pipe", "nowhere", "file/a", "x" * 300])
def test_a_folder_that_cannot_be_written_is_refused_first(command, out, attnbench, places):
    refused(attnbench, places, [command, *FOLDERS[command]], out)


@pytest.mark.parametrize(
    ("command", "blocked"),
    [("report", "folder/figures"), ("reproduce", "folder/reproduce-claims.csv"),
     ("train", "folder/checkpoints"), ("evaluate", "folder/outcomes")],
)  # fmt: skip
def test_what_stands_in_the_way_inside_the_folder_is_named(command, blocked, attnbench, places):
    os.mkfifo(places / blocked)
    arguments = {**FILES, **FOLDERS}[command]
    out = f"folder/{command}.jsonl" if command in FILES else "folder"
    code, printed, err = attnbench(command, *arguments, "--out", out)
    assert (code, printed) == (2, "")
    assert f"{blocked}: it is a named pipe" in err


def test_a_dry_run_writes_nothing_and_tries_nothing(attnbench, places):
    code, out, _ = attnbench("sweep", "--dry-run", "--out", "nowhere", "--n-tokens", 16)
    assert code == 0
    assert "nothing was run or stored" in out
