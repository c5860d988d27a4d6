"""Whatever is at a path, opening it for reading ends at once: with a file, or with its name."""

import os
import socket
from pathlib import Path

import pytest

from attnbench.errors import UserError
from attnbench.files.content import not_utf8
from attnbench.files.reading import (
    SHOWN,
    MissingError,
    UnreadableError,
    read_bytes,
    read_text,
    shown,
)


def folder(path):
    path.mkdir()


def pipe(path):
    os.mkfifo(path)


def link_to_nothing(path):
    path.symlink_to("nowhere")


def link_in_a_loop(path):
    path.symlink_to(path.name)


def link_to_a_device(path):
    path.symlink_to("/dev/zero")


def its_socket(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (folder, "got a folder"),
        (pipe, "got a named pipe"),
        (link_to_nothing, "got a link to nothing"),
        (link_in_a_loop, "symbolic link"),
        (link_to_a_device, "got a device"),
        (its_socket, "got a socket"),
    ],
)
def test_what_is_no_file_is_named(tmp_path, monkeypatch, make, what):
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    make(Path("it"))
    with pytest.raises(UnreadableError, match=what) as caught:
        read_bytes(Path("it"))
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, MissingError)


def test_what_is_missing_is_told_from_what_cannot_be_read(tmp_path):
    with pytest.raises(MissingError, match="No such file"):
        read_bytes(tmp_path / "none")
    (tmp_path / "file").touch()
    with pytest.raises(UnreadableError, match="Not a directory"):
        read_bytes(tmp_path / "file" / "none")


@pytest.mark.parametrize("name", ["x" * 300, "x" * 5000, "a\0b", "half\ud800"])
def test_a_name_that_no_file_can_have(tmp_path, name):
    with pytest.raises(UserError) as caught:
        read_bytes(tmp_path / name)
    assert len(str(caught.value)) < SHOWN + 100


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
def test_an_error_in_the_middle_of_reading_is_named():
    with pytest.raises(UnreadableError, match=r"cannot read /proc/self/mem: Input/output error"):
        read_bytes(Path("/proc/self/mem"))


def test_a_path_is_shown_whole_or_with_both_ends():
    assert shown(Path("a/b")) == "a/b"
    long = shown(Path("start" + "x" * 999 + "end"))
    assert (long[:5], long[-3:]) == ("start", "end")
    assert len(long) == SHOWN + 3


def test_text_is_read_without_its_mark_and_named_if_it_is_none(tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\r\n")
    assert read_text(path) == "a,b\r\n"
    path.write_bytes("Gerät".encode("latin-1"))
    with pytest.raises(UnreadableError, match=r"got byte 0xe4 at 4 .*save it as UTF-8"):
        read_text(path)
    path.write_bytes("a,b".encode("utf-16"))
    with pytest.raises(UnreadableError, match="got UTF-16 text"):
        read_text(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_is_known_with_and_without_a_mark(encoding):
    assert "UTF-16" in not_utf8('{"schema": 3, "kind": "layer"}'.encode(encoding))


@pytest.mark.parametrize("text", ["", "{}", "é" * 40, "[1]\r\n", "注意力机制"])
def test_utf_8_is_not_taken_for_another(text):
    assert not_utf8(text.encode()) is None
    assert not_utf8(b"\xef\xbb\xbf" + text.encode()) is None


def test_other_bytes_are_binary_data():
    assert "UTF-32" in not_utf8("ab".encode("utf-32"))
    assert "binary data" in not_utf8(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
