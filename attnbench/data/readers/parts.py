"""The parts of a data set to read, and the classes of their pictures: one rule for all readers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from attnbench.data.classified import Classified, look_at
from attnbench.data.decoding import OnProgress
from attnbench.data.findings import NOT_JUDGED, Findings, Kind, refuse
from attnbench.data.labelled_folder import chosen_splits
from attnbench.data.names import readable, some
from attnbench.data.readers.content import Content, Named, Reader
from attnbench.data.readers.tar_samples import is_number
from attnbench.errors import UserError

HELD_OUT = 5
"""Of a set without held-out pictures, one of so many of each class is held out."""
NO_HELD_OUT = Kind("no pictures for validation", "counted", "one of five of each class is held out")
NOT_TRAINED = Kind("class without pictures to train on", "counted", "left out")


def parts_of(
    reader: Reader,
    findings: Findings,
    *,
    train: bool = True,
    held_out: str | None = None,
    on_progress: OnProgress | None = None,
) -> Content:
    """The pictures to train on, if asked for, and those that are held out; the latter are last.

    Raises:
        UserError: a part is missing or empty.
    """
    root = Path(reader.place)
    if tuple(reader.splits) == ("train",) and held_out in (None, "val"):
        content = reader.read(["train"], findings, on_progress)
        parts = with_held_out(content.splits["train"])
        findings.add_name(NO_HELD_OUT, reader.name)
        content = replace(content, splits=parts if train else {"val": parts["val"]})
    else:
        wanted = chosen_splits(root, reader, findings, train=train, held_out=held_out)
        content = reader.read(wanted, findings, on_progress)
    for split, pictures in content.splits.items():
        if not pictures:
            refuse(root, findings.all())
            raise UserError(f"{readable(reader.place)}: expected pictures for {split}, got none")
    return content


def with_held_out(pictures: Sequence[Named]) -> dict[str, list[Named]]:
    """Pictures to train on, and every fifth of each class, which is held out."""
    parts: dict[str, list[Named]] = {"train": [], "val": []}
    seen = Counter[str]()
    for one in pictures:
        seen[one.class_name] += 1
        parts["train" if seen[one.class_name] % HELD_OUT else "val"].append(one)
    return parts


def classified(
    content: Content,
    reader: Reader,
    findings: Findings,
    on_progress: OnProgress | None = None,
) -> Classified:
    """The pictures with the labels of their classes; their headers are read.

    The classes are those of the first part, in the order of the data set, or else sorted.

    Raises:
        UserError: there are fewer than two classes to train on, or others in a later part.
    """
    parts, listed = content.splits, content.class_names
    there = {split: {one.class_name for one in pictures} for split, pictures in parts.items()}
    first = there[next(iter(parts))]
    names = [one for one in listed if one in first] or sorted(first, key=_in_order)
    if "train" in parts:
        _check(there, names, reader, findings)
        for name in listed:
            if name not in first:
                findings.add_name(NOT_TRAINED, name)
        for name in names:
            if not any(name in own for split, own in there.items() if split != "train"):
                findings.add_name(NOT_JUDGED, name)
    labels = {name: label for label, name in enumerate(names)}
    labelled = {
        split: [(one.file, labels[one.class_name]) for one in pictures]
        for split, pictures in parts.items()
    }
    return look_at(tuple(names), labelled, findings, on_progress)


def _in_order(name: str) -> tuple[int, str]:
    """Numbers by their value, before all other names."""
    return (int(name) if is_number(name) else 10**9, name)


def _check(
    there: Mapping[str, set[str]], names: Sequence[str], reader: Reader, findings: Findings
) -> None:
    place = readable(reader.place)
    unknown = {split: sorted(own.difference(names)) for split, own in there.items()}
    if len(names) < 2 or any(unknown.values()):
        refuse(Path(reader.place), findings.all())  # pictures that were not read may be the reason
    if len(names) < 2:
        raise UserError(f"{place}: expected at least 2 classes to train on, got {some([*names])}")
    for split, own in unknown.items():
        if own:
            raise UserError(
                f"{place}: expected the same classes in train and {split}, got only in {split}: "
                f"{some(own)}; make them agree"
            )
