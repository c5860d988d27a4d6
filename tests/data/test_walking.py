"""What lies about in folders is no data, and every walk ends."""

import os
from pathlib import Path

import pytest
from PIL import Image

from attnbench.data.class_folders import look_in
from attnbench.data.findings import Findings
from attnbench.data.names import is_hidden, readable
from attnbench.data.walking import pictures_below

LEFT_BEHIND = [
    ".cache", ".DS_Store", "._0.png", "Thumbs.db", "thumbs.DB", "desktop.ini", "__MACOSX", "@eaDir",
    "$RECYCLE.BIN", ".ipynb_checkpoints", "System Volume Information", "lost+found", "Icon\r",
]  # fmt: skip


def found(folder: Path) -> tuple[dict[str, dict[str, int]], dict[str, int]]:
    """Counts of pictures by split and class, and of findings."""
    findings = Findings(folder)
    folders = look_in(folder, findings)
    counts = {
        split: {name: len(folders.of_class(split, name)) for name in folders.class_names}
        for split in folders.splits
    }
    return counts, {one.kind.what: one.count for one in findings.all()}


def put(folder: Path, name: str, as_folder: bool) -> None:
    """A picture under a name, or in a folder of that name."""
    place = folder / name
    if as_folder:
        place.mkdir()
        place = place / "0.png"
    Image.new("RGB", (8, 8)).save(place, format="PNG")


@pytest.mark.parametrize("name", LEFT_BEHIND)
@pytest.mark.parametrize("as_folder", [True, False])
def test_hidden_names_are_no_pictures_and_no_classes(make_folder, name, as_folder) -> None:
    assert is_hidden(name)
    folder = make_folder()
    clean, nothing = found(folder)
    assert nothing == {}
    for place in ("train", "val", "train/cat", "val/dog"):
        put(folder / place, name, as_folder)
    counts, findings = found(folder)
    assert counts == clean
    assert findings == {"hidden, or of a file manager": 4}


@pytest.mark.parametrize("target", [".", "..", "../..", "../dog/back", "deeper/again"])
def test_links_in_a_circle_end_and_are_counted(make_folder, target) -> None:
    folder = make_folder()
    (folder / "train/dog/back").symlink_to("../cat")
    (folder / "train/cat/deeper").mkdir()
    (folder / "train/cat/deeper/again").symlink_to("..")
    clean, _ = found(folder)
    (folder / "train/cat/loop").symlink_to(target)
    counts, findings = found(folder)
    assert counts["train"]["cat"] >= clean["train"]["cat"] == 5
    assert findings["folder that a link leads to again"] >= 2


def test_many_links_between_folders_are_each_read_once(tmp_path) -> None:
    for name in "abcdefgh":
        (tmp_path / name).mkdir()
        put(tmp_path / name, "0.png", as_folder=False)
    for name in "abcdefgh":
        for other in "abcdefgh":
            (tmp_path / name / f"to-{other}").symlink_to(f"../{other}")
    assert len(pictures_below(tmp_path, (), Findings(tmp_path))) == 8


def test_a_class_that_is_a_link_back_is_no_class(make_folder) -> None:
    folder = make_folder()
    clean, _ = found(folder)
    (folder / "train/all").symlink_to(".")
    (folder / "train/whole").symlink_to("..")
    assert found(folder) == (clean, {"folder that a link leads to again": 2})


def test_a_class_may_be_a_link_to_another_place(make_folder, tmp_path) -> None:
    folder = make_folder()
    (folder / "train/cat").rename(tmp_path / "elsewhere")
    (folder / "train/cat").symlink_to(tmp_path / "elsewhere")
    assert found(folder)[0]["train"]["cat"] == 5


def test_pipes_dead_links_and_other_files_are_counted(make_folder) -> None:
    folder = make_folder()
    clean, _ = found(folder)
    os.mkfifo(folder / "train/cat/pipe.png")
    (folder / "train/cat/itself").symlink_to("itself")
    (folder / "train/dog/notes.txt").write_text("hello")
    put(folder / "train", "loose.png", as_folder=False)
    assert found(folder) == (
        clean,
        {
            "neither file nor folder": 1,
            "link that leads nowhere": 1,
            "not named as a picture": 1,
            "picture outside the class folders": 1,
        },
    )


def test_a_link_to_a_picture_that_is_gone_is_refused(make_folder) -> None:
    folder = make_folder()
    (folder / "train/cat/9.png").symlink_to("gone.png")
    assert found(folder)[1] == {"does not decode": 1}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cat", "cat"),
        ("caf\udce9", r"caf\xe9"),
        ("a\x1b[31mb\n", r"a\x1b[31mb\n"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u732b", "\u732b"),
    ],
)
def test_names_are_readable_everywhere(name, text) -> None:
    assert readable(name) == text
    readable(name).encode()
