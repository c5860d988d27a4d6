"""The worst pictures are kept while they pass by, whatever the batches are."""

import pytest
import torch
from box_pictures import NAMES, detections, objects, random_pairs
from PIL import Image

from attnbench.data.labelled_folder import squashed
from attnbench.data.names import file_part
from attnbench.data.overlays import save_overlays
from attnbench.data.targets import IGNORE, LabelMap, Objects
from attnbench.experiments.worst import Worst

GOOD = ([[10, 10, 50, 40]], [1])


def seen(pairs, count, size=(24, 32)):
    worst = Worst(count, NAMES)
    for found, target in pairs:
        target = squashed(target, size) if isinstance(target, Objects) else target
        worst.add(torch.zeros(1, 3, *size, dtype=torch.uint8), [target], [found])
    return worst.pictures


def names(pictures):
    return [one.truth.picture for one in pictures]


PAIRS = [
    (detections([[10, 10, 50, 40]], [0.9], [1]), objects(*GOOD, name="right")),
    (detections([[10, 10, 50, 40]], [0.9], [2]), objects(*GOOD, name="other class")),
    (detections([[90, 90, 99, 99]] * 3, [0.9, 0.5, 0.25], [0] * 3), objects(name="false alarms")),
    (detections(), objects(*GOOD, name="missed")),
    (detections([[90, 90, 99, 99]], [0.24], [0]), objects(name="too unsure to count")),
]


@pytest.mark.parametrize("count", [1, 3, 9])
def test_pictures_with_most_errors_come_first_and_ties_in_their_order(count):
    expected = ["false alarms", "other class", "missed", "right", "too unsure to count"]
    assert names(seen(PAIRS, count)) == expected[:count]


def test_what_was_found_is_in_pixels_of_the_image():
    box = [[100, 60, 200, 120]]
    (one,) = seen([(detections(box, [0.9], [1]), objects(size=(240, 320)))], 1, size=(24, 64))
    assert one.found.boxes.tolist() == [[20, 6, 40, 12]]
    assert one.scores == pytest.approx([0.9])
    assert "errors: 1; objects: 0; found: 1" in one.text


def test_batches_make_no_difference_and_none_keeps_another_alive():
    pairs = list(random_pairs(seed=3))
    whole = Worst(4, NAMES)
    pixels = torch.zeros(len(pairs), 3, 8, 9, dtype=torch.uint8)
    targets = [squashed(target, (8, 9)) for _, target in pairs]
    whole.add(pixels, targets, [found for found, _ in pairs])
    assert names(whole.pictures) == names(seen(pairs, 4))
    assert all(one.image.untyped_storage().nbytes() == 3 * 8 * 9 for one in whole.pictures)


def label_pairs():
    labels = torch.tensor([[0, 1, 1], [2, 2, IGNORE]], dtype=torch.uint8)
    for name, known, found in (
        ("right", labels, labels.long().clamp(max=2)),
        ("ignored", torch.full_like(labels, IGNORE), torch.zeros(2, 3, dtype=torch.long)),
        ("wrong", labels, torch.tensor([[1, 0, 0], [0, 0, 0]])),
        ("half", labels, torch.tensor([[0, 1, 1], [0, 0, 0]])),
    ):
        yield found, LabelMap(picture=name, labels=known)


def test_label_maps_with_the_lowest_mean_iou_come_first():
    pictures = seen(label_pairs(), 4)
    assert names(pictures) == ["wrong", "half", "right", "ignored"]
    assert [one.text for one in pictures][::3] == ["mIoU 0.0 %", "no pixel of a known class"]


@pytest.mark.parametrize("size", [(8, 8), (31, 97), (200, 9)])
@pytest.mark.parametrize("pairs", [PAIRS, list(label_pairs())], ids=["boxes", "labels"])
def test_each_picture_is_a_file_and_older_ones_are_gone(tmp_path, pairs, size):
    folder = tmp_path / "new"
    save_overlays(seen(pairs, 9, size), NAMES, folder)
    steps = []
    saved = save_overlays(seen(pairs, 2, size), NAMES, folder, lambda *done: steps.append(done))
    assert sorted(folder.iterdir()) == saved
    assert steps == [(1, 2), (2, 2)]
    assert saved[0].name.startswith("worst-01-")
    for path in saved:
        with Image.open(path) as image:
            assert image.width >= 480
            assert len(set(image.convert("L").tobytes())) > 5  # pictures and letters


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("scène 1 (b)", "scène-1-b"), ("..", "unnamed"),
        ("a/b\\c:d\n\x1b[31m", "a-b-c-d-n-x1b-31m"),
        (".hidden", "hidden"), ("x" * 300, "x" * 48), ("日本", "日本"), ("\udcff", "xff"),
    ],
)  # fmt: skip
def test_names_of_files_are_short_printable_and_stay_in_their_folder(name, part):
    assert file_part(name) == part
