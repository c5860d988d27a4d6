"""The entries of a COCO result file, checked one by one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attnbench.bounds import QUANTITIES, shortened
from attnbench.errors import UserError
from attnbench.files.reading import read_bytes, shown

KEYS = ("image_id", "category_id", "bbox", "score")
MOST_PIXELS = 10**9
"""No picture is so large, and areas of larger numbers overflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One detection as the file has it."""

    image_id: int | str
    category_id: int
    bbox: tuple[float, float, float, float]
    """x, y, width, height."""
    score: float
    file_name: str = ""
    """Of the picture; only files of ours have it."""
    category_name: str = ""
    """The same."""


def entries_in(path: Path) -> list[Entry]:
    """All entries of a file.

    Raises:
        UserError: it cannot be read, or is something else; or an entry lacks a key, or has a box or
            a score that means nothing.
    """
    content = read_bytes(path)
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{shown(path)} expected a COCO result file in JSON, got something else ({error})"
        ) from error
    if not isinstance(found, list):
        what = "annotations" if isinstance(found, dict) and "annotations" in found else "no list"
        raise UserError(
            f"{shown(path)} expected a list of entries with {', '.join(KEYS)}, got {what}: give "
            "the file that holds the detections of a model"
        )
    return [_entry(path, number, one) for number, one in enumerate(found)]


def _entry(path: Path, number: int, given: Any) -> Entry:
    missing = [key for key in KEYS if not (isinstance(given, Mapping) and key in given)]
    if missing:
        raise UserError(
            f"{shown(path)}: entry {number} expected {', '.join(KEYS)}, lacks {missing[0]}"
        )
    image, category = given["image_id"], given["category_id"]
    where = f"{shown(path)}: entry {number} of image_id {shortened(image)}"
    if not _is(image, int, str) or not _is(category, int):
        raise UserError(
            f"{where} expected whole numbers as ids, got category_id {shortened(category)}"
        )
    box, score = given["bbox"], given["score"]
    if not (isinstance(box, list) and len(box) == 4 and all(map(_finite, box))):
        raise UserError(f"{where} expected bbox as x, y, width, height, got {shortened(box)}")
    if max(map(abs, box)) > MOST_PIXELS:
        raise UserError(f"{where} expected a box in pixels, got {shortened(box)}")
    if min(box[2:]) < 0:
        raise UserError(
            f"{where} expected a width and height of at least 0, got {shortened(box)}: write x, y, "
            "width, height"
        )
    if not _finite(score):
        raise UserError(f"{where} expected a finite score, got {shortened(score)}")
    x, y, width, height = map(float, box)
    return Entry(
        image_id=image, category_id=category, score=float(score), bbox=(x, y, width, height),
        file_name=str(given.get("file_name", "")),
        category_name=str(given.get("category_name", "")),
    )  # fmt: skip


def _is(value: Any, *types: type) -> bool:
    return isinstance(value, types) and not isinstance(value, bool)


def _finite(value: Any) -> bool:
    return QUANTITIES["score"].hold(value)
