"""Laws of trying a place: what cannot be written is named, and a trial leaves no trace."""

from __future__ import annotations

import os
import stat

import pytest

from attnbench.errors import UserError
from attnbench.records import Environment, store
from attnbench.records.place import try_file, try_folder

KEPT = '{"one": "line"}\nand a torn one'


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A folder with one place of each kind."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text(KEPT)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for link, target in (("nowhere", "missing"), ("loop", "loop"), ("link", "file")):
        (tmp_path / link).symlink_to(target)
    return tmp_path


def picture(folder):
    """Names, kinds, sizes and times of all that is in a folder."""
    found = [(path, path.lstat()) for path in sorted(folder.rglob("*"))]
    return [(path, state.st_mode, state.st_size, state.st_mtime_ns) for path, state in found]


NO_FILES = {
    "folder": "it is a folder", "pipe": "it is a named pipe", "nowhere": "it is a link to nothing",
    "loop": "ymbolic link", "/dev/null": "it is a device", "file/a.jsonl": "ot a directory",
    "pipe/a": "ot a directory", "nowhere/a": "is a link to nothing", "x" * 300: "too long",
    f"new/{'x' * 300}/a": "too long", "x/" * 3000 + "a": "too long", "a\0b": "null",
    "": "it is a folder", "/": "it is a folder",
}  # fmt: skip
FILES = ["file", "link", "a.jsonl", "new/a.jsonl", "new/er/a.jsonl", "folder/a", "folder/../b"]
NO_FOLDERS = {**{name: text for name, text in NO_FILES.items() if name not in ("folder", "", "/")},
              "file": "it is a file", "link": "it is a file"}  # fmt: skip
FOLDERS = ["folder", "new", "new/er", "folder/new", ".", "folder/.."]


@pytest.mark.parametrize(
    ("attempt", "name", "reason"),
    [*((try_file, *item) for item in NO_FILES.items()),
     *((try_folder, *item) for item in NO_FOLDERS.items())],
    ids=lambda value: value[:20] if isinstance(value, str) else value.__name__,
)  # fmt: skip
def test_what_cannot_be_written_is_named_with_the_reason(attempt, name, reason, places):
    before = picture(places)
    with pytest.raises(UserError, match="choose another --out") as error:
        attempt(places.__class__(name))
    assert reason in str(error.value)
    assert len(str(error.value)) < 600
    assert str(error.value).isprintable()
    assert picture(places) == before


@pytest.mark.parametrize("name", FILES)
def test_a_trial_of_a_file_leaves_no_trace(name, places):
    before = picture(places)
    try_file(places / name)
    assert [line[:3] for line in picture(places)] == [line[:3] for line in before]
    assert (places / "file").read_text() == KEPT


@pytest.mark.parametrize("name", FOLDERS)
def test_a_trial_of_a_folder_leaves_no_trace(name, places):
    before = picture(places)
    try_folder(places / name)
    assert [line[:3] for line in picture(places)] == [line[:3] for line in before]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_what_is_read_only_is_named(places):
    (places / "folder").chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(UserError, match="Permission denied"):
        try_file(places / "folder/a")
    (places / "file").chmod(stat.S_IRUSR)
    with pytest.raises(UserError, match="Permission denied"):
        try_file(places / "file")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="Linux only")
@pytest.mark.parametrize("attempt", [try_file, try_folder])
def test_nobody_can_write_to_proc(attempt, tmp_path):
    with pytest.raises(UserError, match="no file can be made in /proc"):
        attempt(tmp_path.__class__("/proc/attnbench/o.jsonl"))


def test_what_was_tried_can_be_written(places, layer):
    for name in FILES[2:]:
        try_file(places / name)
        store.append(places / name, layer())
        assert isinstance(store.read(places / name).records[0].environment, Environment)
        try_file(places / name)
        assert len(store.read(places / name).records) == 1


@pytest.mark.parametrize("content", [b"PK\x03\x04" + bytes(99), b"import torch\n", b"\xff\xfe{"])
def test_records_are_not_appended_to_what_holds_something_else(tmp_path, content):
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(UserError, match="it holds no records but something else; choose another"):
        try_file(path)
    try_file(path, replaced=True)
    assert path.read_bytes() == content
