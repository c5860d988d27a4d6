import pytest
import torch
from box_pictures import objects

from attnbench.spec import Recipe
from attnbench.tasks.detection.task import Detection
from attnbench.tasks.detection.transforms import LEAST_SIDE, as_seen, augment, only_normalise

SIZE = (60, 80)


def painted(box):
    """A black picture with a white rectangle, and the rectangle as its object."""
    image = torch.zeros(1, 3, *SIZE, dtype=torch.uint8)
    x1, y1, x2, y2 = box
    image[..., y1:y2, x1:x2] = 255
    return image, [objects([box], [2], size=(120, 160))]


@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_boxes_go_where_their_pixels_go(seed, flip):
    images, targets = painted((21, 18, 45, 39))
    generator = torch.Generator().manual_seed(seed)
    pictures, (moved,) = augment(images, targets, generator, flip=flip)
    x1, y1, x2, y2 = moved.boxes[0].tolist()
    # white stays the brightest, grey (0) lies outside of the picture
    rows, columns = torch.nonzero(pictures[0, 0] > 0.1, as_tuple=True)
    assert columns.min() == pytest.approx(x1, abs=1.5)
    assert columns.max() + 1 == pytest.approx(x2, abs=1.5)
    assert rows.min() == pytest.approx(y1, abs=1.5)
    assert rows.max() + 1 == pytest.approx(y2, abs=1.5)
    assert moved.labels.tolist() == [2]


def test_half_of_the_pictures_are_mirrored_only_if_asked():
    images = torch.zeros(64, 3, *SIZE, dtype=torch.uint8)
    images[..., :40] = 255
    for flip, least, most in ((True, 16, 48), (False, 0, 0)):
        pictures, _ = augment(images, [objects()] * 64, torch.Generator().manual_seed(0), flip=flip)
        middle = pictures[:, 0, 30]
        mirrored = (middle[:, :40].sum(1) < middle[:, 40:].sum(1)).sum()
        assert least <= mirrored <= most


def test_boxes_stay_inside_and_what_is_mostly_cut_off_is_no_target():
    corners = torch.rand(40, 2, generator=torch.Generator().manual_seed(1)) * torch.tensor([70, 50])
    boxes = torch.cat([corners, corners + 10], dim=1).tolist()
    images = torch.zeros(30, 3, *SIZE, dtype=torch.uint8)
    generator = torch.Generator().manual_seed(2)
    _, moved = augment(images, [objects(boxes, [0] * 40)] * 30, generator, flip=True)
    for one in moved:
        assert (one.boxes >= 0).all()
        assert (one.boxes <= torch.tensor([80, 60, 80, 60])).all()
        assert (one.boxes[:, 2:] - one.boxes[:, :2] >= LEAST_SIDE).all()
        assert len(one.boxes) == len(one.labels) == len(one.crowd) == len(one.areas)
    assert sum(len(one.boxes) for one in moved) < 30 * 40
    assert any(one.crowd.any() for one in moved)
    assert any((~one.crowd).all() for one in moved)


@pytest.mark.parametrize("scales", [(1.0, 1.0), (1.3, 1.3), (0.6, 0.9)])
def test_objects_are_enlarged_within_the_range_of_the_recipe(scales):
    images, targets = (
        torch.zeros(9, 3, *SIZE, dtype=torch.uint8),
        [objects([(30, 25, 50, 35)], [0])],
    )
    recipe = Recipe(data="noise", img_size=SIZE, epochs=1, scales=scales)
    transform = Detection().transforms(recipe, train=True)
    _, moved = transform(images, targets * 9, torch.Generator().manual_seed(0))
    widths = torch.stack([one.boxes[0, 2] - one.boxes[0, 0] for one in moved]) / 20
    assert (widths > scales[0] - 1e-4).all()
    assert (widths < scales[1] + 1e-4).all()


def test_pictures_without_objects_pass():
    images = torch.zeros(2, 3, *SIZE, dtype=torch.uint8)
    _, moved = augment(images, [objects(), objects()], torch.Generator(), flip=True)
    assert [one.boxes.shape for one in moved] == [(0, 4), (0, 4)]


def test_in_evaluation_boxes_stay_and_know_the_size_of_the_image():
    images, targets = painted((21, 18, 45, 39))
    _, (kept,) = only_normalise(images, targets, torch.Generator())
    assert torch.equal(kept.boxes, targets[0].boxes)
    assert kept.seen == SIZE
    assert as_seen([objects(seen=(40, 80))], images)[0].seen == (40, 80)  # letterboxed
