"""What `attnbench data` shows of a data set, and the sheet of samples."""

import numpy as np
import pytest
from PIL import Image

from attnbench.data.inspection import inspect_data
from attnbench.data.opening import open_data
from attnbench.data.sheet import ROWS, draw_sheet
from attnbench.errors import UserError


def test_a_folder_is_described_by_its_headers(make_folder) -> None:
    folder = make_folder(counts=(5, 2), shape=(20, 14))
    Image.new("RGBA", (33, 9)).save(folder / "train/cat/0.png")
    (folder / "train/dog/1.png").write_bytes(b"no image")
    found = inspect_data(str(folder))
    assert (found.name, found.layout) == ("pets", "folders of classes")
    assert found.images == {"train": 15, "val": 6}
    assert found.classes["eel"] == {"train": 5, "val": 2}
    assert found.sizes == {(14, 20): 19, (33, 9): 1}
    assert found.modes == {"RGB": 19, "RGBA": 1}
    assert [(one.kind.outcome, one.count, one.examples) for one in found.findings] == [
        ("refused", 1, ("train/dog/1.png",)),
        ("repaired", 1, ("train/cat/0.png",)),
    ]


def test_training_is_told_the_same(make_folder) -> None:
    folder = make_folder()
    Image.new("LA", (9, 9)).save(folder / "val/cat/0.png")
    (folder / "train/Thumbs.db").touch()
    assert inspect_data(str(folder)).findings == open_data(str(folder), 8).findings != ()


def test_examples_are_three_and_the_count_is_of_all(make_folder) -> None:
    folder = make_folder(counts=(5, 1))
    for index in range(5):
        Image.new("L", (9, 9)).save(folder / f"train/cat/{index}.png", transparency=0)
    (finding,) = inspect_data(str(folder)).findings
    assert finding.count == 5
    assert finding.text == (
        "5 × transparency: laid over white (train/cat/0.png, train/cat/1.png, train/cat/2.png, …)"
    )


@pytest.mark.parametrize("name", ["digits", "synthetic"])
def test_known_sets_are_described_too(name) -> None:
    found = inspect_data(name)
    assert len(found.classes) == 10
    assert sum(count["train"] for count in found.classes.values()) == found.images["train"]
    samples = found.samples(list(found.classes)[:2], 3)
    assert [len(pictures) for pictures in samples.values()] == [3, 3]


@pytest.mark.parametrize("num_classes", [2, 40])
def test_the_sheet_shows_the_pictures(make_folder, tmp_path, num_classes) -> None:
    names = tuple(f"class {row:02d} of a very long and windy name" for row in range(num_classes))
    folder = make_folder(classes=names, counts=(3, 1), shape=(9, 30))
    path = tmp_path / "new" / "sheet.png"
    draw_sheet(inspect_data(str(folder)), path)
    with Image.open(path) as sheet:
        pixels = np.asarray(sheet)
    shown = {tuple(colour) for colour in np.unique(pixels.reshape(-1, 3), axis=0).tolist()}
    first, last = (0, 0, 200), ((num_classes - 1) * 50 % 256, 0, 200)
    assert first in shown
    assert last in shown
    assert len(pixels) <= 150 + 100 * min(num_classes, ROWS)


def test_a_sheet_that_cannot_be_written_is_one_line(make_folder, tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write the sheet .*--out"):
        draw_sheet(inspect_data(str(make_folder())), tmp_path / "file" / "sheet.png")
