"""Open what a reader has found, or look at it."""

from __future__ import annotations

from pathlib import Path

from attnbench.data.classified import Classified, image_data
from attnbench.data.decoding import OnProgress
from attnbench.data.findings import Findings, refuse
from attnbench.data.images import ImageData
from attnbench.data.layouts.found import Reading
from attnbench.data.readers import hugging_face, shards, torchvision_sets
from attnbench.data.readers.content import Reader
from attnbench.data.readers.parts import classified, parts_of

FINDERS = (hugging_face.find, torchvision_sets.find, shards.find)


def reader_of(data: str) -> Reader | None:
    """What reads the data set that `data` names; None if it is of another kind.

    Raises:
        UserError: it is a pattern, and what it names is not there.
    """
    return next((found for find in FINDERS if (found := find(data)) is not None), None)


def open_reader(
    reader: Reader,
    img_size: int | None = None,
    *,
    train: bool = True,
    held_out: str | None = None,
    settings: Reading | None = None,
    on_progress: OnProgress | None = None,
) -> ImageData:
    """The pictures as sets of images; see `open_data`.

    Raises:
        UserError: they cannot be used.
    """
    findings = _findings(reader, settings or Reading())
    content = parts_of(reader, findings, train=train, held_out=held_out, on_progress=on_progress)
    refuse(findings.root, findings.all())  # before the headers of all pictures are read
    found = classified(content, reader, findings, on_progress)
    refuse(findings.root, findings.all())
    return image_data(
        found, reader.name, findings, img_size, held_out=[*content.splits][-1],
        photographs=content.photographs, on_progress=on_progress,
    )  # fmt: skip


def look_into(
    reader: Reader, settings: Reading, on_progress: OnProgress | None = None
) -> tuple[Classified, Findings]:
    """The pictures to train on and those that are held out, before any is decoded.

    Raises:
        UserError: they have no labels that can be used.
    """
    findings = _findings(reader, settings)
    content = parts_of(reader, findings, on_progress=on_progress)
    return classified(content, reader, findings, on_progress), findings


def _findings(reader: Reader, settings: Reading) -> Findings:
    return Findings(Path(reader.place), strict=settings.strict, skip_broken=settings.skip_broken)
