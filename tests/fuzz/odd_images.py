"""Folders of images with something wrong or unusual in them."""

from __future__ import annotations

import os
import random
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from fuzz import damage
from PIL import Image

MODES = ["L", "LA", "P", "RGBA", "CMYK", "1", "I;16", "I", "F", "YCbCr"]
NAMES = ["Thumbs.db", "._0.png", ".DS_Store", "notes.txt", "0.PNG", "0.png.part", "a b\n.png",
         "\x1b[31m.png", "日本.png", "x" * 240 + ".png"]  # fmt: skip


def _one_file(rng: random.Random, folder: Path) -> Path:
    return rng.choice(sorted(path for path in folder.rglob("*.png") if path.is_file()))


def _bytes(rng: random.Random, folder: Path) -> None:
    damage.spoil(_one_file(rng, folder), rng, damage.BYTES)


def _mode(rng: random.Random, folder: Path) -> None:
    mode, path = rng.choice(MODES), _one_file(rng, folder)
    image = Image.fromarray(np.full((9, 5), 7, dtype=np.uint16)) if mode == "I;16" else None
    image = image or Image.new("RGB", (9, 5), (1, 2, 3)).convert(mode)
    image.save(path, format="TIFF" if mode in ("CMYK", "I", "F", "YCbCr") else "PNG")


def _size(rng: random.Random, folder: Path) -> None:
    Image.new("RGB", rng.choice([(1, 1), (1, 3000), (3000, 1)])).save(_one_file(rng, folder))


def _bomb(rng: random.Random, folder: Path) -> None:
    """A header that promises billions of pixels."""
    side = rng.choice([20_000, 2**31 - 1, 0])
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(100))), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    _one_file(rng, folder).write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def _extra_file(rng: random.Random, folder: Path) -> None:
    path = _one_file(rng, folder).parent / rng.choice(NAMES)
    path.write_bytes(rng.choice([b"", b"no picture", _one_file(rng, folder).read_bytes()]))


def _extra_class(rng: random.Random, folder: Path) -> None:
    name = rng.choice(
        [".cache", "empty", "zebra", "\x1b[31mcat", b"caf\xe9".decode(errors="surrogateescape")]
    )
    (folder / rng.choice(["train", "val"]) / name).mkdir()


def _missing(rng: random.Random, folder: Path) -> None:
    path = rng.choice(sorted(folder.rglob("*")))
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def _link(rng: random.Random, folder: Path) -> None:
    place = rng.choice(["train", "val", "train/cat", "val/dog"])
    (folder / place / "link").symlink_to(rng.choice(["..", ".", "nowhere", "link", folder]))
    (folder / place / "link.png").symlink_to(rng.choice(["nowhere.png", "link.png", "/dev/zero"]))


def _pipe(rng: random.Random, folder: Path) -> None:
    os.mkfifo(_one_file(rng, folder).with_name("pipe.png"))


def _folder_for_file(rng: random.Random, folder: Path) -> None:
    path = _one_file(rng, folder)
    path.unlink()
    path.mkdir()


def _renamed(rng: random.Random, folder: Path) -> None:
    path = _one_file(rng, folder)
    path.rename(path.with_suffix(rng.choice([".jpg", ".gif", ".webp", ".txt", ""])))


WAYS: list[Callable[[random.Random, Path], None]] = [
    _bytes, _bytes, _bytes, _mode, _mode, _size, _bomb, _extra_file, _extra_file, _extra_class,
    _missing, _link, _pipe, _folder_for_file, _renamed,
]  # fmt: skip


def spoil_images(folder: Path, rng: random.Random) -> str:
    """Do one or two of these things to a folder of images; returns their names."""
    ways = [rng.choice(WAYS) for _ in range(rng.choice([1, 1, 2]))]
    for way in ways:
        way(rng, folder)
    return ", ".join(way.__name__.strip("_") for way in ways)
