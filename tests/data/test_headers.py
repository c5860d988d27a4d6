"""What headers say agrees with what decoding finds."""

from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from attnbench.data.decoding import open_rgb
from attnbench.data.findings import BROKEN, FRAMES, TRANSPARENT, TURNED, PictureError
from attnbench.data.headers import SMALL_BYTES, read_header

FORMATS = ["png", "jpg", "webp", "tif", "bmp", "ppm"]


def noise(side: int = 64) -> Image.Image:
    """Does not compress: its file is larger than one that is decoded whole."""
    pixels = np.random.default_rng(0).integers(0, 256, (side, side + 3, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def decodes(path: Path) -> bool:
    try:
        open_rgb(path)
    except PictureError:
        return False
    return True


@pytest.mark.parametrize("extension", FORMATS)
@pytest.mark.parametrize("side", [5, 160])
def test_a_file_that_is_cut_is_found_wherever_decoding_fails(tmp_path, extension, side) -> None:
    whole = tmp_path / f"whole.{extension}"
    noise(side).save(whole)
    content = whole.read_bytes()
    assert (len(content) > SMALL_BYTES) == (side == 160)
    assert BROKEN not in read_header(whole).kinds
    cut = tmp_path / f"cut.{extension}"
    for share in (0, 0.01, 0.2, 0.5, 0.9, 0.999):
        cut.write_bytes(content[: int(share * len(content))])
        assert (BROKEN in read_header(cut).kinds) == (not decodes(cut)), share


@pytest.mark.parametrize("extension", FORMATS)
def test_bytes_behind_a_picture_do_no_harm(tmp_path, extension) -> None:
    path = tmp_path / f"0.{extension}"
    noise(160).save(path)
    path.write_bytes(path.read_bytes() + b"\0" * 500)
    assert (BROKEN in read_header(path).kinds) == (not decodes(path))


@pytest.mark.parametrize("value", range(1, 9))
@pytest.mark.parametrize("extension", ["jpg", "png", "webp", "tif"])
def test_sizes_are_those_that_are_shown(tmp_path, value, extension) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = value
    path = tmp_path / f"0.{extension}"
    noise(9).save(path, exif=exif)
    header = read_header(path)
    assert header.size == open_rgb(path).size
    assert (TURNED in header.kinds) == (value > 1)


def test_modes_transparency_and_frames(tmp_path) -> None:
    frames = [noise(20), noise(20).rotate(90)]
    frames[0].save(tmp_path / "two.webp", save_all=True, append_images=frames[1:])
    assert FRAMES in read_header(tmp_path / "two.webp").kinds
    for mode in ("RGBA", "LA"):
        noise(20).convert(mode).save(tmp_path / f"{mode}.png")
        header = read_header(tmp_path / f"{mode}.png")
        assert (header.mode, header.kinds) == (mode, (TRANSPARENT,))
    Image.fromarray(np.full((9, 9), 7, dtype=np.uint16)).save(tmp_path / "deep.png")
    header = read_header(tmp_path / "deep.png")
    assert "I;16" in header.kinds[0].what
    assert "65,535" in header.kinds[0].done
