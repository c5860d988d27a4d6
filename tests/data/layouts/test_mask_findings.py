"""What is wrong with masks: values without a class, colours, sizes; nothing is guessed."""

import numpy as np
import pytest
import torch
from PIL import Image

from attnbench.data.by_name import judged_by_name
from attnbench.data.inspection import inspect_data
from attnbench.data.layouts.found import Reading
from attnbench.data.opening import open_data
from attnbench.data.targets import IGNORE, LabelMap
from attnbench.errors import UserError

from .zoo import HEIGHT, WIDTH, found_in, mask_of, picture

COLOURS = np.array([(0, 0, 0), (200, 30, 0), (0, 90, 250)], np.uint8)
TABLE = "sky, 0, 0, 0\ncat 200 30 0\n0 90 250 big dog\n"
NEVER_WRONG = (
    "class with its share of the pixels",
    "class without pixels",
    "value that is ignored",
)


def labels_of(root, split="train", size=None, **settings) -> list[torch.Tensor]:
    data = open_data(str(root), size or (HEIGHT, WIDTH), settings=Reading(**settings))
    assert data.task == "segmentation"
    return [
        one.labels
        for _, targets in getattr(data, split).batches(9, seed=None, device="cpu")
        for one in targets
    ]


def wrong_in(root, **settings):
    found = found_in(root, **settings)
    return {what: one for what, one in found.items() if what not in NEVER_WRONG}


def all_labels(root, **settings) -> list[np.ndarray]:
    return [one.numpy() for split in ("train", "val") for one in labels_of(root, split, **settings)]


EXPECTED = [mask_of(number) for number in range(3)]

DRAWN = {
    "grey": Image.fromarray,
    "16 bits": lambda mask: Image.fromarray(mask.astype(np.uint16)),
    "three equal channels": lambda mask: Image.fromarray(np.stack([mask] * 3, axis=-1)),
    "opaque": lambda mask: Image.fromarray(np.stack([mask] * 3 + [mask * 0 + 255], axis=-1)),
}


def with_palette(mask: np.ndarray) -> Image.Image:
    """Indices whose colours are not in the order of their grey: conversions would show."""
    image = Image.new("P", (WIDTH, HEIGHT))
    image.putdata(mask.flatten().tolist())
    image.putpalette([255, 255, 255, 9, 9, 9, 128, 0, 0])
    return image


@pytest.mark.parametrize("form", [*DRAWN, "palette"])
def test_values_are_taken_as_they_are(write_masks, form) -> None:
    root = write_masks(DRAWN.get(form, with_palette))
    assert wrong_in(root) == {}
    for got, expected in zip(all_labels(root), EXPECTED, strict=True):
        assert np.array_equal(got, expected)
    assert open_data(str(root)).class_names == ("0", "1", "2")


def test_colours_are_classes_by_a_table(write_masks) -> None:
    root = write_masks(lambda mask: Image.fromarray(COLOURS[mask]), classes=TABLE)
    assert wrong_in(root) == {}
    for got, expected in zip(all_labels(root), EXPECTED, strict=True):
        assert np.array_equal(got, expected)
    assert open_data(str(root)).class_names == ("sky", "cat", "big dog")


def test_a_colour_of_the_table_may_be_ignored(write_masks) -> None:
    table = TABLE.replace("sky", "ignore")
    root = write_masks(lambda mask: Image.fromarray(COLOURS[mask]), classes=table)
    assert open_data(str(root)).class_names == ("cat", "big dog")
    expected = (EXPECTED[0].astype(int) - 1) % 256
    assert np.array_equal(all_labels(root)[0], expected)


def test_colours_without_a_table_and_unknown_ones_are_refused(write_masks) -> None:
    root = write_masks(lambda mask: Image.fromarray(COLOURS[mask]))
    assert wrong_in(root)["mask in colours, without a table"][:2] == ("refused", 3)
    (root / "classes.txt").write_text(TABLE.replace("250", "251"))
    with pytest.raises(UserError, match=r"train/masks/0\.png: \(0, 90, 250\)"):
        open_data(str(root))


def test_a_jpeg_mask_is_refused(write_masks) -> None:
    root = write_masks(masks="{split}/masks/{number}.jpg")
    assert wrong_in(root)["mask stored as JPEG, which changes values"][:2] == ("refused", 3)


def test_a_mask_of_another_mode_is_refused(write_masks) -> None:
    root = write_masks(lambda mask: Image.fromarray(mask).convert("LA"))
    assert wrong_in(root)["mask of a mode without plain values"][:2] == ("refused", 3)


def test_a_value_of_no_class_is_refused_with_its_file(write_masks) -> None:
    root = write_masks(classes="sky\ncat\n")
    with pytest.raises(UserError, match=r"no class.*train/masks/0\.png: 2, of 2 classes"):
        open_data(str(root))
    labels = labels_of(root, mask_ignore=2)
    assert labels[0].unique().tolist() == [0, 1, IGNORE]


def test_the_value_255_is_ignored(write_masks) -> None:
    root = write_masks(lambda mask: Image.fromarray(np.where(mask == 2, 255, mask).astype("uint8")))
    found = found_in(root)["value that is ignored"]
    assert found[:2] == ("counted", 1)
    assert found[2][0].startswith("255: ")
    assert open_data(str(root)).class_names == ("0", "1")
    assert np.array_equal(all_labels(root)[0] == IGNORE, EXPECTED[0] == 2)


@pytest.mark.parametrize("classes", [None, "ground\nroad\n"])
def test_value_0_and_255_alone_are_asked_for(write_masks, classes) -> None:
    root = write_masks(
        lambda mask: Image.fromarray((mask > 0).astype(np.uint8) * 255), classes=classes
    )
    with pytest.raises(UserError, match=r"--mask-values 0,255 .*--mask-ignore 255"):
        open_data(str(root))
    for got, expected in zip(all_labels(root, mask_values=(0, 255)), EXPECTED, strict=True):
        assert np.array_equal(got, expected > 0)
    if classes is None:
        assert np.array_equal(all_labels(root, mask_ignore=255)[0] == IGNORE, EXPECTED[0] > 0)


def test_bits_are_two_classes(write_masks) -> None:
    root = write_masks(lambda mask: Image.fromarray(mask > 0))
    assert np.array_equal(all_labels(root)[2], EXPECTED[2] > 0)


def test_values_with_gaps_are_asked_for(write_masks) -> None:
    root = write_masks(lambda mask: Image.fromarray(mask * 100))
    with pytest.raises(UserError, match="most of them unused.*--mask-values"):
        open_data(str(root))
    assert np.array_equal(all_labels(root, mask_values=(100, 0, 200))[0] == 1, EXPECTED[0] == 0)
    assert open_data(str(root), settings=Reading(mask_values=(100, 0, 200))).class_names == (
        "100", "0", "200",
    )  # fmt: skip


def test_a_class_may_lack_pixels(write_masks) -> None:
    root = write_masks(classes="sky\ncat\ndog\neel\n")
    assert found_in(root)["class without pixels"] == ("counted", 1, ("eel",))
    assert open_data(str(root)).num_classes == 4


def test_large_values_are_of_no_class(write_masks) -> None:
    root = write_masks(
        lambda mask: Image.fromarray(np.where(mask == 2, 1000, mask.astype(np.uint16))),
        classes="a\nb\nc",
    )
    with pytest.raises(UserError, match="1000, of 3 classes"):
        open_data(str(root))


def test_shares_are_shown_and_nothing_is_subtracted(write_masks) -> None:
    root = write_masks()
    found = inspect_data(str(root))
    pixels = {name: counts["train"] for name, counts in found.classes.items()}
    expected = sum(np.bincount(mask.flatten(), minlength=3) for mask in EXPECTED[:2])
    assert list(pixels.values()) == expected.tolist()
    outcome, count, examples = found_in(root)["class with its share of the pixels"]
    assert (outcome, count) == ("counted", 3)
    assert examples[0].startswith("0 ")


def test_value_0_is_ignored_where_the_user_says_so(write_masks) -> None:
    root = write_masks()
    with pytest.raises(UserError, match="--mask-values 1-2"):
        open_data(str(root), settings=Reading(mask_ignore=0))
    settings = {"mask_ignore": 0, "mask_values": (1, 2)}
    labels = all_labels(root, **settings)[0]
    assert np.array_equal(labels, (EXPECTED[0].astype(int) - 1) % 256)


def test_contradictions_are_named(write_masks) -> None:
    root = write_masks(classes="a\nb\nc")
    for settings, text in (
        (Reading(mask_values=(0, 1)), "values of the 3 classes .*got 2"),
        (Reading(mask_values=(0, 1, 2), mask_ignore=2), "among --mask-values"),
    ):
        with pytest.raises(UserError, match=text):
            open_data(str(root), settings=settings)


def test_a_mask_of_another_size_is_refused_with_both(write_masks) -> None:
    root = write_masks()
    picture(root / "train/images/1.png", (44, 33))
    with pytest.raises(UserError, match=r"1\.png has 44 × 33 px, its labels are of 40 × 30"):
        open_data(str(root))


def test_a_mask_of_the_picture_as_it_is_stored(write_masks) -> None:
    root = write_masks()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (WIDTH, HEIGHT)).save(root / "train/images/0.png", exif=exif)
    assert wrong_in(root)["orientation tag, labelled as stored"][:2] == ("repaired", 1)
    assert np.array_equal(all_labels(root)[0], EXPECTED[0])


def test_a_missing_mask_and_a_missing_picture_are_refused(write_masks) -> None:
    root = write_masks()
    (root / "train/masks/0.png").unlink()
    (root / "train/images/1.png").unlink()
    found = wrong_in(root)
    assert found["mask that is missing"] == ("refused", 1, ("train/images/0.png",))
    assert found["picture that is missing"] == ("refused", 1, ("of train/masks/1.png",))


def test_a_broken_mask_is_refused_or_left_out(write_masks) -> None:
    root = write_masks()
    path = root / "train/masks/0.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(UserError, match=r"mask that does not decode.*0\.png"):
        open_data(str(root))
    data = open_data(str(root), settings=Reading(skip_broken=True))
    assert len(data.train) == 1


@pytest.mark.parametrize(
    ("images", "masks"),
    [
        ("images/{split}/{number}.png", "masks/{split}/{number}.png"),
        ("img_dir/{split}/{number}.png", "ann_dir/{split}/{number}.png"),
        ("images/{split}ing/{number}.png", "annotations/{split}ing/{number}.png"),
        ("leftImg8bit/{split}/ulm/a_{number}_leftImg8bit.png",
         "gtFine/{split}/ulm/a_{number}_gtFine_labelTrainIds.png"),
        ("{split}/images/{number}.png", "{split}/masks/{number}_mask.png"),
        ("{split}/image/{number}.bmp", "{split}/mask/{number}.tif"),
    ],
)  # fmt: skip
def test_layouts_of_masks(write_masks, images, masks) -> None:
    images, masks = (one.replace("valing", "validation") for one in (images, masks))
    root = write_masks(images=images, masks=masks)
    for path in root.rglob("valing"):
        path.rename(path.with_name("validation"))
    for got, expected in zip(all_labels(root), EXPECTED, strict=True):
        assert np.array_equal(got, expected)


def test_of_several_masks_of_cityscapes_the_training_labels_are_taken(write_masks) -> None:
    root = write_masks(
        images="leftImg8bit/{split}/ulm/a_{number}_leftImg8bit.png",
        masks="gtFine/{split}/ulm/a_{number}_gtFine_labelTrainIds.png",
    )
    for path in list((root / "gtFine").rglob("*.png")):
        for other in ("labelIds", "color", "instanceIds"):
            name = path.name.replace("labelTrainIds", other)
            Image.new("L", (WIDTH, HEIGHT), 7).save(path.with_name(name))
    assert np.array_equal(all_labels(root)[0], EXPECTED[0])


def test_lists_name_the_pictures_of_each_split(write_masks) -> None:
    root = write_masks(images="JPEGImages/{number}.png", masks="SegmentationClass/{number}.png")
    lists = root / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("0\n1\n")
    (lists / "val.txt").write_text("2\n")
    data = open_data(str(root), 16)
    assert (len(data.train), len(data.val)) == (2, 1)


def test_training_labels_have_the_size_of_the_images_and_others_that_of_the_pictures(
    write_masks,
) -> None:
    root = write_masks()
    train, held_out = (labels_of(root, split, (15, 20)) for split in ("train", "val"))
    assert [one.shape for one in (*train, *held_out)] == [(15, 20), (15, 20), (HEIGHT, WIDTH)]
    assert torch.equal(train[0], torch.from_numpy(EXPECTED[0])[1::2, 1::2])


@pytest.mark.parametrize("size", [(480, 360), (100, 60), (2048, 1024)])
def test_the_default_size_keeps_the_proportions_with_a_short_side_of_192(write_masks, size) -> None:
    root = write_masks()
    for number in range(2):
        picture(root / f"train/images/{number}.png", size)
        Image.new("L", size).save(root / f"train/masks/{number}.png")
    height, width = open_data(str(root)).img_size
    assert height % 32 == width % 32 == 0
    assert abs(height - min(size[1], 192)) <= 16
    assert abs(width - height * size[0] / size[1]) <= 32


def test_the_sheet_shows_classes_in_colours(write_masks) -> None:
    root = write_masks(lambda mask: Image.fromarray(np.where(mask == 2, 255, mask).astype("uint8")))
    labels = inspect_data(str(root)).labels
    assert labels
    assert [name for name, _ in labels.legend] == ["0", "1", "(ignored)"]
    for _, image in labels.samples(5, 80):
        assert image.size == (80, 60)


def test_labels_are_read_by_class_name_in_evaluation(write_masks) -> None:
    data = open_data(str(write_masks()), 16)
    judged = judged_by_name(data, ("2", "0", "new", "1"), "it")
    _, (target,) = next(judged.val.batches(1, seed=None, device="cpu"))
    assert isinstance(target, LabelMap)
    assert np.array_equal(target.labels.numpy(), np.array([1, 3, 0])[EXPECTED[2]])
