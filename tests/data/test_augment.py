import pytest
import torch
from torch import Tensor

from attnbench.data.augment import MEAN, STD, normalise, random_crop, random_flip


def images_of(batch: int, height: int, width: int) -> Tensor:
    generator = torch.Generator().manual_seed(7)
    shape = (batch, 3, height, width)
    return torch.randint(256, shape, dtype=torch.uint8, generator=generator)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_crop_without_padding_is_the_identity() -> None:
    images = images_of(5, 9, 7)
    assert torch.equal(random_crop(images, 0, seeded()), images)


@pytest.mark.parametrize(("height", "width", "padding"), [(9, 7, 1), (8, 8, 3), (5, 11, 4)])
def test_each_crop_is_part_of_its_own_image_with_a_reflected_border(
    height: int, width: int, padding: int
) -> None:
    images = images_of(16, height, width)
    crops = random_crop(images, padding, seeded())
    assert crops.shape == images.shape
    assert crops.dtype == torch.uint8
    borders = [padding] * 4
    padded = torch.nn.functional.pad(images.float(), borders, mode="reflect").to(torch.uint8)
    for crop, image in zip(crops, padded, strict=True):
        windows = [
            image[:, top : top + height, left : left + width]
            for top in range(2 * padding + 1)
            for left in range(2 * padding + 1)
        ]
        assert any(torch.equal(crop, window) for window in windows)


def test_every_offset_occurs_on_both_axes() -> None:
    positions = torch.arange(9, dtype=torch.uint8).reshape(1, 1, 3, 3).expand(400, 3, 3, 3)
    crops = random_crop(positions, 1, seeded())
    assert len(torch.unique(crops[:, 0].flatten(1), dim=0)) == 9


def test_padding_as_large_as_the_image_is_refused() -> None:
    with pytest.raises(AssertionError):
        random_crop(images_of(1, 8, 8), 8, seeded())


def test_flips_are_exact_mirrors_of_about_half() -> None:
    images = images_of(1000, 4, 5)
    flipped = random_flip(images, seeded())
    mirrored = (flipped == images.flip(-1)).flatten(1).all(1)
    kept = (flipped == images).flatten(1).all(1)
    assert torch.all(mirrored ^ kept)
    assert 430 < mirrored.sum() < 570  # 500 ± 4.4 standard deviations


def test_normalise_maps_the_stated_mean_to_zero() -> None:
    images = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(3, 1, 1, 1)
    normal = normalise(images)
    assert normal.dtype == torch.float32
    expected = [(x / 255 - MEAN) / STD for x in (0, 51, 255)]
    assert normal.flatten().tolist() == pytest.approx(expected)
    assert images.flatten().tolist() == [0, 51, 255]
