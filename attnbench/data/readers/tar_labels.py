"""From the labels of samples to the names of their classes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from attnbench.data.findings import Findings, Kind
from attnbench.data.names import readable, some
from attnbench.data.readers.content import NO_LABEL
from attnbench.data.readers.tar_samples import LABELS, Label, Sample, is_number
from attnbench.errors import UserError
from attnbench.files.reading import read_text, shown

OTHER_KIND = Kind(
    "label of another kind than the others", "refused", "label all pictures in the same way"
)
UNKNOWN = Kind("label that is no number and no class", "refused", "correct it, or the list")

LISTS = ("classes.txt", "classes.json")
"""Lists of the names of classes, in the order of their numbers."""


def listed_classes(folders: Iterable[Path]) -> list[str]:
    """The names of the classes in a list beside the archives; [] if there is none.

    Raises:
        UserError: there are several lists, or one that cannot be used.
    """
    files = [file for one in folders for name in LISTS if (file := one / name).is_file()]
    if not files:
        return []
    if len(files) > 1:
        got = some([readable(str(file)) for file in files])
        raise UserError(f"expected one list of classes, got {got}; move the others away")
    (file,) = files
    text = read_text(file)
    lines = _in_json(text, file) if file.suffix == ".json" else text.rstrip().splitlines()
    names = [readable(line.strip()) for line in lines]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice or not all(names) or not names:
        got = f"{some(twice)} twice" if twice else "a line without a name"
        raise UserError(f"{shown(file)}: expected a name for each class, got {got}; correct it")
    return names


def _in_json(text: str, file: Path) -> list[str]:
    """The names in a list, or in a table of names and numbers from 0 on, either way round."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict):
        turned = all(type(number) is int for number in found.values())
        by_number = {str(number): name for name, number in found.items()} if turned else found
        found = [by_number.get(str(number)) for number in range(len(found))]
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise UserError(
            f"{shown(file)}: expected a JSON list of names, or a table of names and numbers from "
            "0 on, got something else; correct it"
        )
    return found


def class_names_of(
    samples: Sequence[Sample], listed: Sequence[str], findings: Findings
) -> list[str | None]:
    """The name of the class of each sample; None where the findings say why there is none.

    Args:
        samples: those of all splits, since they decide together of which kind labels are.
        listed: the names in the order of their numbers; [] if there is no list.
        findings: takes labels that are missing, of another kind, or unknown.
    """
    suffix, known = _suffix_of(samples), set(listed)
    labels: list[Label | None] = [sample.labels.get(suffix) for sample in samples]
    numbers = sum(_is_number(label) for label in labels if label is not None)
    mostly_numbers = 2 * numbers >= sum(label is not None for label in labels)
    names: list[str | None] = []
    for sample, label in zip(samples, labels, strict=True):
        kind, name = None, None
        if label is None:
            kind = OTHER_KIND if sample.labels else NO_LABEL
        elif listed:
            name = str(label) if label in known else _with_number(label, listed)
            kind = UNKNOWN if name is None else None
        elif _is_number(label) != mostly_numbers:
            kind = UNKNOWN if mostly_numbers else OTHER_KIND
        else:
            name = str(int(label)) if mostly_numbers else str(label)
        if kind is not None:
            findings.add_name(kind, _place(sample, label))
        names.append(name)
    return names


def _suffix_of(samples: Sequence[Sample]) -> str:
    """That of the labels: the first that at least half of the samples have, or else any has.

    Captions of pictures are in KEY.txt, too; they are not taken where there are labels.
    """
    counts = {suffix: sum(suffix in one.labels for one in samples) for suffix in LABELS}
    return next(
        (one for one, count in counts.items() if 2 * count >= len(samples)),
        max(counts, key=lambda one: counts[one]),
    )


def _place(sample: Sample, label: Label | None) -> str:
    return f"{sample.picture}" if label is None else f"{sample.picture}: {str(label)[:40]!r}"


def _is_number(label: Label) -> bool:
    return label >= 0 if isinstance(label, int) else is_number(label)


def _with_number(label: Label, listed: Sequence[str]) -> str | None:
    if not _is_number(label) or int(label) >= len(listed):
        return None
    return listed[int(label)]
