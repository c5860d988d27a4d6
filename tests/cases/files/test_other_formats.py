"""Files that other programs wrote are read whole, or named by what they are."""

import bz2
import gzip
import io
import json
import lzma
import zipfile

import pytest

from attnbench.errors import UserError
from attnbench.records import store
from attnbench.records.contents import Contents


@pytest.fixture
def text(plain):
    return "".join(json.dumps(line) + "\n" for line in plain)


def written(folder, content):
    path = folder / "a.jsonl"
    path.write_bytes(content)
    return path


def zipped(content):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.jsonl", content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "as_windows",
    [
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode() * 2,
        lambda text: (b"\xef\xbb\xbf" + text.encode()) * 2,
        lambda text: text.replace("\n", "\n \r\n\t\n").encode(),
        lambda text: text.rstrip("\n").encode(),
    ],
)
def test_marks_line_ends_and_empty_lines_are_no_part_of_the_text(tmp_path, text, as_windows):
    contents = store.read(written(tmp_path, as_windows(text)))
    assert contents.problems == []
    expected = store.read(written(tmp_path, text.encode())).records
    assert contents.records[:3] == contents.records[-3:] == expected


@pytest.mark.parametrize(
    ("pack", "what"),
    [
        (lambda text: text.encode("utf-16"), "UTF-16 text; save it as UTF-8"),
        (lambda text: text.encode("utf-16-le"), "UTF-16 text; save it as UTF-8"),
        (lambda text: text.encode("utf-32"), "UTF-32 text; save it as UTF-8"),
        (lambda text: gzip.compress(text.encode()), "packed by gzip; unpack it"),
        (lambda text: bz2.compress(text.encode()), "packed by bzip2; unpack it"),
        (lambda text: lzma.compress(text.encode()), "packed by xz; unpack it"),
        (lambda text: zipped(text.encode()), "packed by zip; unpack it"),
        (lambda text: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary data"),
        (lambda text: as_array(text, indent=None), "one JSON array; write each member"),
        (lambda text: as_array(text, indent=1), "one JSON array; write each member"),
        (
            lambda text: ('{"kind": "Gerät"}\n' * 2).encode("latin-1"),
            "not UTF-8 at byte 14 (Latin-1",
        ),
        (lambda text: b"attention,latency\ndense,1\n" * 99, "not a whole JSON line"),
        (lambda text: b"\0" * 4096, "UTF-16 text"),
    ],
)
def test_what_is_not_read_is_named_in_one_line_and_hides_nothing(tmp_path, text, pack, what):
    path = written(tmp_path, pack(text))
    with pytest.raises(UserError) as caught:
        store.read(path)
    assert what in str(caught.value)
    assert str(path) in str(caught.value)
    (tmp_path / "b.jsonl").write_text(text)
    contents = store.read_many([tmp_path])
    assert len(contents.records) == 3
    (problem,) = contents.problems
    assert what in problem
    assert "\n" not in problem


def as_array(text, indent):
    return json.dumps([json.loads(line) for line in text.splitlines()], indent=indent).encode()


def test_latin_1_in_one_line_costs_that_line(tmp_path, plain, changed, text):
    german = json.dumps(changed(plain[0], "environment.device_name", "Gerät"), ensure_ascii=False)
    path = written(tmp_path, text.encode() + german.encode("latin-1") + b"\n" + text.encode())
    contents = store.read(path)
    assert len(contents.records) == 6
    (problem,) = contents.problems
    assert problem.startswith(f"{path}:4: skipped, not UTF-8 at byte ")
    assert problem.endswith("(Latin-1 or Windows-1252?); save it as UTF-8")


def test_a_thousand_bad_lines_are_summed_up(tmp_path, text):
    contents = store.read(written(tmp_path, b"no record\n" * 1003 + text.encode()))
    assert len(contents.records) == 3
    assert len(contents.problems) == 21
    assert contents.problems[0].endswith(
        "a.jsonl:1: skipped, not a whole JSON line (torn by a crash?)"
    )
    assert contents.problems[-1].endswith("a.jsonl: skipped, 983 more lines")


def test_nothing_at_all_is_no_problem(tmp_path):
    for content in (b"", b"\n\r\n", b"\xef\xbb\xbf"):
        assert store.read(written(tmp_path, content)) == Contents()
