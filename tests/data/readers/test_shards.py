"""Which archives are found, and what their labels mean."""

import json
import os
import tarfile

import pytest
from PIL import Image

from attnbench.data.inspection import inspect_data
from attnbench.data.layouts.found import Reading
from attnbench.data.opening import open_data
from attnbench.data.readers.tar_patterns import expanded
from attnbench.errors import UserError

from .conftest import as_members, pictures_of, write_tar

NUMBERS = {"cat": b"2", "dog": b"0", "eel": b"11\n"}


def shown(data):
    """Counts by split and class."""
    return {
        name: tuple(counts.values()) for name, counts in inspect_data(str(data)).classes.items()
    }


def test_patterns_are_expanded_as_in_a_shell():
    assert list(expanded("{train,val}-{008..10}.tar")) == [
        f"{split}-{number}.tar" for split in ("train", "val") for number in ("008", "009", "010")
    ]
    assert list(expanded("a{2..0}{x}")) == ["a2x", "a1x", "a0x"]
    assert list(expanded("none.tar")) == ["none.tar"]


def test_a_folder_a_glob_and_braces_find_the_same(shards, monkeypatch):
    monkeypatch.chdir(shards)
    expected = {"cat": (5, 2), "dog": (5, 2), "eel": (5, 2)}
    for data in (".", "*.tar", "{train-00{0..1},val-000}.tar", f"{shards}/*-*.tar"):
        assert shown(data) == expected
    os.makedirs("train")
    os.makedirs("val")
    for file in shards.glob("*.tar"):
        file.rename(shards / file.name.split("-")[0] / f"{file.stem[-3:]}.tar")
    for data in (".", "{train,val}/*.tar"):
        assert shown(data) == expected


def test_a_folder_of_classes_with_an_archive_beside_it_stays_one(folder):
    write_tar(folder / "backup.tar", [])
    write_tar(folder / "train" / "backup.tar", [])
    assert inspect_data(str(folder)).layout == "folders of classes"


def test_of_a_set_without_parts_one_of_five_of_each_class_is_held_out(folder, tmp_path):
    write_tar(tmp_path / "all-0.tar", as_members(pictures_of(folder, "train")))
    write_tar(tmp_path / "all-1.tar", as_members(pictures_of(folder, "val")))
    data = open_data(str(tmp_path / "all-{0..1}.tar"), 9)
    assert (data.name, len(data.train), len(data.val)) == ("all", 18, 3)
    assert [one.text for one in data.findings] == [
        "1 × no pictures for validation: one of five of each class is held out (all)"
    ]
    alone = open_data(str(tmp_path / "all-{0..1}.tar"), 9, train=False)
    assert list(alone.val.names) == list(data.val.names)
    assert not {*data.val.names} & {*data.train.names}


def test_a_part_for_tests_is_held_out_when_asked_for(shards):
    (shards / "train-001.tar").rename(shards / "test-0.tar")
    write_tar(shards / "train-001.tar", [])
    data = open_data(str(shards), 9, train=False, held_out="test")
    assert (data.held_out, len(data.val)) == ("test", 7)
    os.remove(shards / "test-0.tar")
    with pytest.raises(UserError, match=r"for train and test, got train, val \(tar shards\)"):
        open_data(str(shards), 9, held_out="test")


@pytest.mark.parametrize(
    ("label", "listed", "expected"),
    [
        (lambda name: ("cls", NUMBERS[name]), {}, ["0", "2", "11"]),
        (lambda name: ("txt", NUMBERS[name]), {}, ["0", "2", "11"]),
        (lambda name: ("json", b'{"label": %s}' % NUMBERS[name]), {}, ["0", "2", "11"]),
        (lambda name: ("json", json.dumps({"cls": name}).encode()), {}, ["cat", "dog", "eel"]),
        (lambda name: ("CLS", b"%d" % ["eel", "dog", "cat"].index(name)),
         {"classes.txt": "eel\ndog\ncat\nape\n"}, ["eel", "dog", "cat"]),
        (lambda name: ("txt", name.encode()), {"classes.json": '["ape", "eel", "dog", "cat"]'},
         ["eel", "dog", "cat"]),
        (lambda name: ("cls", b"%d" % (name == "eel")), {"classes.json": '{"1": "b", "0": "a"}'},
         ["a", "b"]),
        (lambda name: ("cls", b"%d" % (name == "eel")), {"classes.json": '{"b": 1, "a": 0}'},
         ["a", "b"]),
    ],
)  # fmt: skip
def test_labels_are_numbers_or_names(folder, tmp_path, label, listed, expected):
    write_tar(tmp_path / "new/train.tar", as_members(pictures_of(folder, "train"), label))
    write_tar(tmp_path / "new/val.tar", as_members(pictures_of(folder, "val"), label))
    for name, text in listed.items():
        (tmp_path / "new" / name).write_text(text)
    assert list(open_data(str(tmp_path / "new"), 9).class_names) == expected


def test_classes_that_are_listed_or_trained_on_and_have_no_pictures_are_named(shards):
    (shards / "classes.txt").write_text("ape\ncat\ndog\neel\n")
    write_tar(shards / "val-000.tar", [("a.png", b""), ("a.txt", b"cat")])
    assert [(one.kind.what, one.examples) for one in inspect_data(str(shards)).findings] == [
        ("does not decode", ("val-000.tar/a.png",)),
        ("class without pictures to train on", ("ape",)),
        ("class without held-out pictures", ("dog", "eel")),
    ]


def test_what_is_no_sample_is_left_out_and_counted(shards, tmp_path):
    file = tmp_path / "x"
    file.touch()
    with tarfile.open(shards / "val-000.tar", "a") as tar:
        for name in ("__MACOSX/._a.png", "README", "notes/b.html", "c.txt"):
            tar.add(file, name)
        tar.add(shards, "folder.png", recursive=False)
        link = tarfile.TarInfo("d.png")
        link.type, link.linkname = tarfile.SYMTYPE, "0000.png"
        tar.addfile(link)
    found = {one.kind.what: one.count for one in inspect_data(str(shards)).findings}
    assert found == {
        "hidden, or of a file manager": 1,
        "not named as a picture": 3,
        "neither file nor folder": 1,
    }


def test_pictures_are_repaired_and_left_out_as_in_folders(shards, tmp_path):
    Image.new("RGBA", (9, 9)).save(tmp_path / "clear.png")
    content = (tmp_path / "clear.png").read_bytes()
    members = [("a.png", content), ("a.txt", b"cat"), ("b.png", content[:-30]), ("b.txt", b"cat")]
    write_tar(shards / "val-000.tar", members)
    with pytest.raises(UserError, match=r"1 × does not decode: .*\(val-000.tar/b.png\)"):
        open_data(str(shards), 9)
    data = open_data(str(shards), 9, settings=Reading(skip_broken=True))
    assert [one.count for one in data.findings] == [2, 1, 1]
    assert next(data.val.batches(1, seed=None, device="cpu"))[0].min() == 255
    write_tar(shards / "val-000.tar", members[2:])
    with pytest.raises(UserError, match="expected pictures for val that can be read, got none"):
        open_data(str(shards), 9, settings=Reading(skip_broken=True))
