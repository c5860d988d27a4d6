from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MakeFolder = Callable[..., Path]


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Write a folder of PNG files; an image holds (class, index) so that tests know it again."""

    def make(
        classes: tuple[str, ...] = ("cat", "dog", "eel"),
        counts: tuple[int, int] = (5, 2),
        shape: tuple[int, int] = (20, 14),
    ) -> Path:
        for split, count in zip(("train", "val"), counts, strict=True):
            for label, name in enumerate(classes):
                folder = tmp_path / "pets" / split / name
                folder.mkdir(parents=True)
                for index in range(count):
                    pixels = np.full(
                        (*shape, 3), (label * 50 % 256, index * 10, 200), dtype=np.uint8
                    )
                    Image.fromarray(pixels).save(folder / f"{index}.png")
        return tmp_path / "pets"

    return make
