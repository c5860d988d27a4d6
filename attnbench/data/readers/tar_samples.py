"""The samples of a tar archive, as WebDataset names them: members that share a key.

https://github.com/webdataset/webdataset: the key of "a/0001.jpg" is "a/0001", up to the first dot
of the file's name. A sample is one picture, and its label in KEY.cls, KEY.json or KEY.txt.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torchvision.datasets.folder import IMG_EXTENSIONS

from attnbench.data.findings import HIDDEN, NO_PICTURE, SPECIAL, Findings, Kind
from attnbench.data.names import is_hidden, readable
from attnbench.data.readers.tar_members import Member, members_of

TWICE = Kind("key that is there twice", "refused", "give each picture in an archive its own key")

Label = int | str
"""A number by its type, or text: the name of a class, or a number, too."""

LONGEST_LABEL = 2**20
"""Bytes of a member with a label."""

_KEY = re.compile(r"((?:.*/)?[^./]+)\.([^/]+)", re.DOTALL)
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(slots=True)
class Sample:
    """A picture, and its labels by the suffix of their member."""

    picture: Member | None = None
    labels: dict[str, Label] = field(default_factory=dict)


def samples_of(archive: Path, shown: str, findings: Findings) -> list[Sample]:
    """The samples of an archive that have a picture.

    Args:
        archive: the file.
        shown: its name in the data set.
        findings: takes what is left out, and keys that are there twice.

    Raises:
        ArchiveError: it is no plain tar archive, or is damaged.
        OSError: it cannot be read.
    """
    samples: dict[str, Sample] = {}
    seen: set[str] = set()
    for info in members_of(archive):
        inside = info.name.removeprefix("./")
        name, match = f"{shown}/{inside}", _KEY.fullmatch(inside)
        if info.isdir():
            continue
        if any(is_hidden(part) for part in inside.split("/")):
            findings.add_name(HIDDEN, name)
        elif not info.isreg() or info.issparse():
            findings.add_name(SPECIAL, name)
        elif match is None:
            findings.add_name(NO_PICTURE, name)
        else:
            member = Member(archive, readable(name), info.offset_data, info.size)
            sample = samples.setdefault(match[1], Sample())
            is_new = inside not in seen and _take(sample, match[2].lower(), member)
            seen.add(inside)
            if not is_new:
                findings.add_name(TWICE, name)
    for key, sample in samples.items():
        if sample.picture is None:
            findings.add_name(NO_PICTURE, f"{shown}/{key}")
    return [sample for sample in samples.values() if sample.picture is not None]


def _take(sample: Sample, suffix: str, member: Member) -> bool:
    """Add a member to its sample; False if it is a second picture."""
    if f".{suffix}" in IMG_EXTENSIONS:
        if sample.picture is not None:
            return False
        sample.picture = member
    elif suffix in LABELS and member.size <= LONGEST_LABEL:
        label = _label_in(member, LABELS[suffix])
        if label is not None:
            sample.labels[suffix] = label
    return True


def _label_in(member: Member, read: Callable[[str], Label | None]) -> Label | None:
    """The label that a member holds; None if there is none."""
    with member.open() as file:
        content = file.read()
    try:
        label = read(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):  # no UTF-8, no JSON, or numbers that Python refuses
        return None
    return readable(label.strip()) or None if isinstance(label, str) else label


def _in_json(text: str) -> Label | None:
    """A bare label, or that under the first of the usual names."""
    found: Any = json.loads(text)
    if isinstance(found, dict):
        found = next((found[name] for name in ("label", "cls", "class") if name in found), None)
    return found if type(found) in (int, str) else None


def _in_cls(text: str) -> Label:
    text = text.strip()
    return int(text) if is_number(text) else text


def is_number(text: str) -> bool:
    """Whether a text is the number of a class."""
    return _NUMBER.fullmatch(text) is not None


LABELS: Mapping[str, Callable[[str], Label | None]] = {
    "cls": _in_cls,
    "json": _in_json,
    "txt": lambda text: text,
}
"""How a label is read, by the suffix of its member."""
