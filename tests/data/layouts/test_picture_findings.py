"""What is wrong with the pictures that labels are of, and with the files that list them."""

import json

import numpy as np
import pytest
from PIL import Image

from attnbench.data.layouts.found import Reading
from attnbench.data.opening import open_data
from attnbench.errors import UserError

from .zoo import HEIGHT, KEPT, WIDTH, boxes_in, found_in, picture


def turned(path, tag: int) -> None:
    """A picture that is stored lying, and that viewers turn upright (tag 6) or mirror (2)."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:, : WIDTH // 2] = 255
    exif = Image.Exif()
    exif[0x0112] = tag
    Image.fromarray(pixels).save(path, exif=exif)


def first_image(root) -> np.ndarray:
    images, _ = next(open_data(str(root), (20, 20)).train.batches(1, seed=None, device="cpu"))
    return images[0, 0].numpy()


def test_labels_of_the_upright_picture(write_coco) -> None:
    def stands(content) -> None:
        content["images"][0].update(width=HEIGHT, height=WIDTH)

    root = write_coco(stands)
    turned(root / "images/train/0.png", 6)
    assert found_in(root) == {"orientation tag": ("repaired", 1, ("images/train/0.png",))}
    assert first_image(root)[:9].min() > 200 > 50 > first_image(root)[11:].max()
    _, targets = next(open_data(str(root)).train.batches(1, seed=None, device="cpu"))
    assert targets[0].size == (WIDTH, HEIGHT)


def test_labels_of_the_picture_as_it_is_stored(write_coco) -> None:
    root = write_coco()
    turned(root / "images/train/0.png", 6)
    assert found_in(root) == {
        "orientation tag, labelled as stored": ("repaired", 1, ("images/train/0.png",))
    }
    image = first_image(root)
    assert image[:, :9].min() > 200 > 50 > image[:, 11:].max()
    assert boxes_in(root) == KEPT


def test_another_size_is_refused_with_both(write_coco) -> None:
    root = write_coco()
    picture(root / "images/train/1.png", (80, 60))
    with pytest.raises(UserError, match=r"1\.png has 80 × 60 px, its labels are of 40 × 30"):
        open_data(str(root))
    picture(root / "images/train/1.png", (HEIGHT, WIDTH))
    with pytest.raises(UserError, match=r"1\.png has 30 × 40 px, its labels are of 40 × 30"):
        open_data(str(root))


@pytest.mark.parametrize("layout", ["coco", "yolo", "voc", "masks"])
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_pictures_that_cannot_be_read_are_refused_or_left_out(layout, damage, request) -> None:
    root = request.getfixturevalue(f"write_{layout}")()
    path = next(path for path in sorted(root.rglob("0.png")) if "mask" not in str(path))
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:300])
    else:
        path.unlink()
    with pytest.raises(UserError, match=r"1 × (does not decode|picture that is missing).*0\."):
        open_data(str(root))
    found = found_in(root, skip_broken=True)
    (outcome, count, _) = found.get("does not decode") or found["picture that is missing"]
    assert (outcome, count) == ("counted", 1)
    data = open_data(str(root), settings=Reading(skip_broken=True))
    assert (len(data.train), len(data.val)) == (1, 1)


def test_damage_in_the_middle_is_found_if_it_is_to_be_skipped(write_coco) -> None:
    root = write_coco()
    path = root / "images/train/0.png"
    picture(path, (WIDTH, HEIGHT))
    big = np.random.default_rng(0).integers(256, size=(300, 400, 3), dtype=np.uint8)
    Image.fromarray(big).save(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 500] = bytes(500)
    path.write_bytes(content)
    file = root / "annotations/instances_train.json"
    labels = json.loads(file.read_text())
    labels["images"][0].update(width=400, height=300)
    file.write_text(json.dumps(labels))
    assert found_in(root, skip_broken=True)["does not decode"][:2] == ("counted", 1)
    with pytest.raises(UserError, match=r"0\.png"):
        open_data(str(root))


def test_other_modes_are_counted_as_for_classes(write_coco) -> None:
    root = write_coco()
    deep = np.full((HEIGHT, WIDTH), 40_000, np.uint16)
    Image.fromarray(deep).save(root / "images/train/0.png")
    Image.new("RGBA", (WIDTH, HEIGHT)).save(root / "images/train/1.png")
    found = found_in(root)
    assert [found[what][0] for what in ("mode I;16, over 8 bits", "transparency")] == [
        "repaired"
    ] * 2
    images, _ = next(open_data(str(root)).train.batches(2, seed=None, device="cpu"))
    assert (images[0].unique().tolist(), images[1].unique().tolist()) == ([156], [255])


def test_a_picture_that_is_listed_twice_is_refused(write_coco) -> None:
    def again(content) -> None:
        content["images"].append({**content["images"][0], "id": 50})

    with pytest.raises(UserError, match=r"listed twice.*images/train/0\.png"):
        open_data(str(write_coco(again)))


def test_two_pictures_with_one_number_are_refused(write_coco) -> None:
    root = write_coco(lambda content: content["images"][1].update(id=7))
    assert found_in(root)["picture with the number of another one"][0] == "refused"


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"images": [', '{"images": 3, "annotations": []}'])
def test_a_file_that_is_no_coco_is_one_line(write_coco, text) -> None:
    root = write_coco()
    (root / "annotations/instances_train.json").write_text(text or " ")
    with pytest.raises(UserError) as caught:
        open_data(str(root))
    assert "\n" not in str(caught.value)


def test_an_xml_file_that_is_none_or_is_missing_is_refused(write_voc) -> None:
    root = write_voc({0: "<annotation><object>"})
    (root / "Annotations/1.xml").unlink()
    found = found_in(root)
    assert found["label file that is no XML"] == ("refused", 1, ("Annotations/0.xml",))
    assert found["label file that is missing"] == ("refused", 1, ("Annotations/1.xml",))
