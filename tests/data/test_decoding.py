"""Pictures are seen as viewers show them, whatever the file."""

import warnings

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from attnbench.data.decoding import open_rgb, read_square
from attnbench.data.findings import PictureError

UNTURN = {
    1: lambda image: image,
    2: lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda image: image.transpose(Image.Transpose.ROTATE_180),
    4: lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    6: lambda image: image.transpose(Image.Transpose.ROTATE_90),
    7: lambda image: image.transpose(Image.Transpose.TRANSVERSE),
    8: lambda image: image.transpose(Image.Transpose.ROTATE_270),
}
"""What a camera stores of an upright scene under each value of the tag."""


def scene() -> Image.Image:
    """Four quarters of different colours, 24 wide and 16 high."""
    pixels = np.zeros((16, 24, 3), dtype=np.uint8)
    pixels[:8, :, 0], pixels[:, :12, 1] = 220, 220
    return Image.fromarray(pixels)


@pytest.mark.parametrize("value", UNTURN)
@pytest.mark.parametrize("extension", ["jpg", "png", "webp", "tif"])
def test_the_orientation_tag_is_applied(tmp_path, value, extension) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = value
    path = tmp_path / f"turned.{extension}"
    UNTURN[value](scene()).save(path, exif=exif)
    seen = open_rgb(path)
    assert seen.size == (24, 16)
    assert np.abs(np.asarray(seen).astype(int) - np.asarray(scene())).mean() < 20


def test_a_damaged_tag_turns_nothing(tmp_path) -> None:
    path = tmp_path / "0.jpg"
    scene().save(path, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert open_rgb(path).size == (24, 16)


def hidden_colour(mode: str, value: int) -> Image.Image:
    """A picture whose left half is `value` and covered, and whose right half is 90 and shows."""
    grey = np.full((8, 8), 90, dtype=np.uint8)
    grey[:, :4] = value
    alpha = np.full((8, 8), 255, dtype=np.uint8)
    alpha[:, :4] = 0
    if mode in ("LA", "PA"):
        both = Image.merge("LA", [Image.fromarray(grey), Image.fromarray(alpha)])
        return both if mode == "LA" else both.convert("PA")
    return Image.merge("RGBA", [Image.fromarray(band) for band in (grey, grey, grey, alpha)])


@pytest.mark.parametrize(("mode", "extension"), [("LA", "png"), ("RGBA", "png"), ("RGBA", "webp"),
                                                 ("RGBA", "tif"), ("LA", "tif")])  # fmt: skip
def test_what_transparency_hides_is_white(tmp_path, mode, extension) -> None:
    for value in (0, 200):
        path = tmp_path / f"{value}.{extension}"
        hidden_colour(mode, value).save(path, **({"lossless": True} if extension == "webp" else {}))
        seen = np.asarray(open_rgb(path))
        assert (seen[:, :4] == 255).all()
        assert (seen[:, 4:] == 90).all()


@pytest.mark.parametrize("mode", ["L", "P", "RGB", "1"])
@pytest.mark.parametrize("level", [0, 255])
def test_a_transparent_colour_is_white(tmp_path, mode, level) -> None:
    pixels = np.zeros((6, 6), dtype=np.uint8)
    pixels[:3] = 255
    path, colour = tmp_path / "0.png", (level,) * 3 if mode == "RGB" else level
    image = Image.fromarray(pixels).convert(mode)
    if mode == "P":
        colour = bytes([0 if row == level else 255 for row in range(256)])
    image.save(path, transparency=colour)
    seen = np.asarray(open_rgb(path))
    assert (seen[:3] == 255).all()
    assert (seen[3:] == (255 if level == 0 else 0)).all()


@pytest.mark.parametrize("extension", ["png", "tif", "pgm"])
def test_sixteen_bits_are_scaled_by_the_range_of_the_type(tmp_path, extension) -> None:
    values = np.array([[0, 128, 257, 4095], [20_000, 40_000, 65_000, 65_535]], dtype=np.uint16)
    for part in (values, values[:, :2]):  # never by the brightest pixel of a picture
        path = tmp_path / f"{part.size}.{extension}"
        Image.fromarray(np.ascontiguousarray(part)).save(path)
        seen = np.asarray(open_rgb(path))
        assert (seen == np.round(part / 257)[..., None]).all()


def test_floating_point_reaches_from_zero_to_one(tmp_path) -> None:
    path = tmp_path / "0.tif"
    Image.fromarray(np.array([[0, 0.5, 1]], dtype=np.float32)).save(path)
    assert np.asarray(open_rgb(path))[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize("value", [1.5, -0.1, np.nan, np.inf, 70_000, -1])
def test_values_outside_the_range_are_refused(tmp_path, value) -> None:
    path = tmp_path / "0.tif"
    kind = np.int32 if isinstance(value, int) else np.float32
    Image.fromarray(np.full((3, 3), value, dtype=kind)).save(path)
    with pytest.raises(PictureError, match=r"0\.tif: .*mode [IF] with values from .*8 bits"):
        open_rgb(path)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (3000, 1), (13, 5)])
def test_any_mode_and_shape_becomes_a_square(tmp_path, mode, shape) -> None:
    path = tmp_path / "0.tif"
    Image.new("RGB", shape, (10, 200, 30)).convert("L" if mode == "HSV" else mode).save(path)
    assert read_square(path, 9).shape == (3, 9, 9)


def test_a_strip_keeps_its_middle(tmp_path) -> None:
    strip = np.zeros((2, 20_000, 3), dtype=np.uint8)
    strip[:, 9_990:10_010] = 255
    path = tmp_path / "0.png"
    Image.fromarray(strip).save(path)
    assert torch.equal(read_square(path, 8), torch.full((3, 8, 8), 255, dtype=torch.uint8))


def test_too_many_pixels_are_refused(tmp_path, monkeypatch) -> None:
    path = tmp_path / "0.png"
    Image.new("L", (30, 30)).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(PictureError, match="over 200 pixels; make it smaller"):
        open_rgb(path)
