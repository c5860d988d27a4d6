"""Read a folder with `train/` and `val/`, each with one subfolder of images per class."""

from __future__ import annotations

from pathlib import Path

from attnbench.data.class_folders import SPLITS, look_in
from attnbench.data.classified import image_data
from attnbench.data.decoding import OnProgress
from attnbench.data.findings import Findings, refuse
from attnbench.data.images import ImageData
from attnbench.data.layouts.found import Reading
from attnbench.data.names import readable


def open_folder(
    folder: Path,
    img_size: int | None = None,
    *,
    train: bool = True,
    settings: Reading | None = None,
    on_progress: OnProgress | None = None,
) -> ImageData:
    """The images below `folder`, in memory if they fit `MEMORY_LIMIT_BYTES`.

    Args:
        folder: holds `train/<class>/…` and `val/<class>/…`.
        img_size: side in pixels; by default the short side of the middle training image by size,
            at least 8 and at most 224.
        train: False reads `val/` alone; the classes are those found there.
        settings: whether repairs are refused, and broken files left out.
        on_progress: called with (images done, images in all), first while headers are read, then
            while a set is read into memory.

    Raises:
        UserError: the folder has another layout, or an image does not decode.
    """
    settings = settings or Reading()
    findings = Findings(folder, strict=settings.strict, skip_broken=settings.skip_broken)
    found = look_in(folder, findings, splits=SPLITS if train else ("val",), on_progress=on_progress)
    refuse(folder, findings.all())
    name = readable(folder.resolve().name)
    return image_data(found, name, findings, img_size, on_progress=on_progress)
