"""Every fault of archives and labels is one line that says what and where."""

import gzip

import pytest

from attnbench.data.inspection import inspect_data
from attnbench.data.opening import open_data
from attnbench.errors import UserError

from .conftest import as_members, pictures_of, write_tar


def replaced(name, change):
    """A member with another content, or without it."""

    def apply(members):
        return [(one, change(content) if one == name else content) for one, content in members
                if one != name or change is not None]  # fmt: skip

    return apply


def added(*members):
    return lambda before: [*before, *members]


def first_of(members, suffix):
    return next(content for name, content in members if name.endswith(suffix))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (replaced("0003.txt", None), r"picture without label: .*\(train.tar/0003.png\)"),
        (replaced("0003.txt", lambda _: b" \n"), "1 × picture without label"),
        (replaced("0003.txt", lambda _: b"\xff"), "1 × picture without label"),
        (replaced("0003.txt", lambda _: b"7"),
         r"1 × label of another kind than the others: .*\(train.tar/0003.png: '7'\)"),
        (lambda members: [*replaced("0003.txt", None)(members), ("0003.json", b'{"label": 1}')],
         "1 × label of another kind"),
        (lambda members: [*members, *members[:2]], r"2 × key that is there twice: .*0000.png"),
        (added(("0003.jpg", b"")), r"key that is there twice: .*train.tar/0003.jpg"),
        (replaced("0004.png", lambda content: content[:40]), r"does not decode: .*train.tar/0004"),
        (lambda members: [], "expected pictures for train, got none"),
        (lambda members: members[:4], "expected at least 2 classes to train on, got cat"),
        (lambda members: members[:20], "got only in val: eel; make them agree"),
    ],
)  # fmt: skip
def test_samples_that_cannot_be_used(folder, tmp_path, change, message):
    members = list(as_members(pictures_of(folder, "train")))
    write_tar(tmp_path / "new/train.tar", change(members))
    write_tar(tmp_path / "new/val.tar", as_members(pictures_of(folder, "val")))
    with pytest.raises(UserError, match=message):
        open_data(str(tmp_path / "new"), 9)


@pytest.mark.parametrize(
    ("label", "listed", "message"),
    [
        (b"three", None, r"1 × label that is no number and no class: .*\(train.tar/x.png: 'three'"),
        (b"-1", None, "1 × label that is no number"),
        (b"3", "cat\ndog\neel\n", "1 × label that is no number and no class"),
        (b"ape", "cat\ndog\neel\n", "1 × label that is no number and no class"),
        (b"0", "cat\n\neel\n", "expected a name for each class, got a line without a name"),
        (b"0", "cat\ndog\ncat\n", "expected a name for each class, got cat twice"),
        (b"0", '{"cat": 1}', "expected a JSON list of names, or a table of names and numbers"),
        (b"0", '{"cat": 0, "dog": 0}', "expected a JSON list of names"),
        (b"0", "[[[", "expected a JSON list of names"),
    ],
)
def test_numbers_and_lists_that_do_not_fit(folder, tmp_path, label, listed, message):
    pictures = pictures_of(folder, "train")

    def number(name):
        return "cls", str(["cat", "dog", "eel"].index(name)).encode()

    members = [*as_members(pictures, number), ("x.png", pictures[0][1]), ("x.cls", label)]
    write_tar(tmp_path / "new/train.tar", members)
    write_tar(tmp_path / "new/val.tar", as_members(pictures_of(folder, "val"), number))
    if listed:
        suffix = "json" if listed[0] in "{[" else "txt"
        (tmp_path / f"new/classes.{suffix}").write_text(listed)
    with pytest.raises(UserError, match=message):
        open_data(str(tmp_path / "new"), 9)


def with_size(size):
    """Write another size, and a checksum that fits, into the header of the second member."""

    def apply(content):
        start = content.index(b"0000.txt")
        header = bytearray(content[start : start + 512])
        header[124:136], header[148:156] = size, b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        return content[:start] + header + content[start + 512 :]

    return apply


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda content: content[: len(content) // 2], "archive that is cut off or damaged"),
        (lambda content: content.rstrip(b"\0"), "archive that is cut off or damaged"),
        (lambda content: content[:1024], "archive that is cut off or damaged"),
        (lambda content: content[:100], "archive that is cut off or damaged"),
        (lambda content: b"", "archive that is cut off or damaged"),
        (lambda content: content[:1024] + b"\1" * 512 + content[1536:], "archive that is cut off"),
        (with_size(b"\x80\0\0\0" + b"\xff" * 8), "archive that is cut off or damaged"),
        (with_size(b"77777777777\0"), "archive that is cut off or damaged"),
        (gzip.compress, "compressed archive: unpack it to .tar"),
        (lambda content: b"no archive" * 999, "no tar archive: move it away"),
    ],
)
def test_archives_that_cannot_be_used(shards, damage, message):
    file = shards / "train-000.tar"
    file.write_bytes(damage(file.read_bytes()))
    for read in (open_data, inspect_data):
        with pytest.raises(UserError, match=f"1 × {message}.*train-000.tar"):
            read(str(shards))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("none-{00..03}.tar", "expected 4 tar archives, got nothing there"),
        ("train-{000..003}.tar", r"expected 4 tar archives, got no train-002.tar, train-003.tar"),
        ("*/none*.tar", "expected a tar archive, got nothing there"),
        ("none.tar.gz", "expected a tar archive, got nothing there"),
        ("{0..999999999}.tar", "expected at most 100,000 archives, got more"),
        ("{train-000,old}.tar", r"in the name of each archive, or of none, got none in old.tar"),
    ],
)
def test_patterns_that_name_what_is_not_there(shards, monkeypatch, data, message):
    monkeypatch.chdir(shards)
    write_tar(shards / "old.tar", [])
    with pytest.raises(UserError, match=message):
        open_data(data, 9)


def test_two_lists_of_classes_are_refused(shards):
    (shards / "classes.txt").write_text("cat\n")
    (shards / "classes.json").write_text('["cat"]')
    with pytest.raises(UserError, match=r"one list of classes, got .*classes.txt.*move the others"):
        open_data(str(shards), 9)
