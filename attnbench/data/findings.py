"""What was found in a data set that its user may not expect, and what is done about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from attnbench.data.names import readable
from attnbench.data.stored import PictureFile
from attnbench.errors import UserError

NUM_EXAMPLES = 3
Outcome = Literal["repaired", "counted", "refused"]
"""Repaired as it is read; only counted; or refused before the first step."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of finding."""

    what: str
    outcome: Outcome
    done: str
    """What is done about it, or what the user should do."""


HIDDEN = Kind("hidden, or of a file manager", "counted", "left out")
NO_PICTURE = Kind("not named as a picture", "counted", "left out")
LOOSE = Kind("picture outside the class folders", "counted", "left out")
REACHED_AGAIN = Kind("folder that a link leads to again", "counted", "read once")
DEAD_LINK = Kind("link that leads nowhere", "counted", "left out")
SPECIAL = Kind("neither file nor folder", "counted", "left out")
UNREADABLE_NAME = Kind("name that is no UTF-8", "counted", r"shown with \x")
NOT_JUDGED = Kind("class without held-out pictures", "counted", "not judged")
TURNED = Kind("orientation tag", "repaired", "turned upright")
TRANSPARENT = Kind("transparency", "repaired", "laid over white")
FRAMES = Kind("several frames", "counted", "the first is used")
BROKEN = Kind("does not decode", "refused", "replace or delete it")
OUT_OF_RANGE = Kind("values outside the range of its type", "refused", "convert it to 8 bits")
TOO_LARGE = Kind("too large to decode safely", "refused", "make it smaller")
BROKEN_MASK = Kind("mask that does not decode", "refused", "replace it")
MISSING = Kind("picture that is missing", "refused", "add it, or delete its labels")
OTHER_MODE = Kind("colours that cannot be converted", "refused", "convert it to RGB")


UNREADABLE = (BROKEN, BROKEN_MASK, MISSING, OUT_OF_RANGE, TOO_LARGE, OTHER_MODE)
"""Pictures that `--skip-broken` leaves out."""


def deep(mode: str, top: str) -> Kind:
    """Pictures with more than 8 bits a channel, scaled from the range of their type."""
    return Kind(f"mode {mode}, over 8 bits", "repaired", f"scaled from 0–{top}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One kind of finding in a data set."""

    kind: Kind
    count: int
    examples: tuple[str, ...]
    """The first few places, below the folder of the data set."""

    @property
    def text(self) -> str:
        """One line: "12 × orientation tag: turned upright (train/a/0.jpg, …)"."""
        more = ", …" if self.count > len(self.examples) else ""
        where = f" ({', '.join(self.examples)}{more})" if self.examples else ""
        return f"{self.count:,} × {self.kind.what}: {self.kind.done}{where}"


@dataclass(slots=True)
class Findings:
    """Collects findings by their kind."""

    root: Path
    """Examples are named below it."""
    strict: bool = False
    """Repairs are refused."""
    skip_broken: bool = False
    """Pictures that cannot be read are left out instead of refused."""
    _found: dict[Kind, list[str]] = field(default_factory=dict)
    _counts: dict[Kind, int] = field(default_factory=dict)

    def add(self, kind: Kind, place: PictureFile) -> None:
        """Count one place."""
        if isinstance(place, Path) and place.is_relative_to(self.root):
            place = place.relative_to(self.root)
        self.add_name(kind, str(place))

    def add_name(self, kind: Kind, name: str) -> None:
        """Count one name, such as that of a class."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        examples = self._found.setdefault(kind, [])
        if len(examples) < NUM_EXAMPLES:
            examples.append(readable(name))

    def has(self, kind: Kind) -> bool:
        """Whether there is a finding of a kind."""
        return kind in self._counts

    def all(self) -> tuple[Finding, ...]:
        """The findings so far; what is refused comes first."""
        found = [
            Finding(kind=self._treated(kind), count=self._counts[kind], examples=tuple(examples))
            for kind, examples in self._found.items()
        ]
        return tuple(sorted(found, key=lambda finding: finding.kind.outcome != "refused"))

    def skips(self, kinds: Iterable[Kind]) -> bool:
        """Whether a picture of these kinds is left out."""
        return self.skip_broken and any(kind in UNREADABLE for kind in kinds)

    def _treated(self, kind: Kind) -> Kind:
        """A kind with the outcome that the settings give it."""
        if self.skip_broken and kind in UNREADABLE:
            return replace(kind, outcome="counted", done="left out")
        if self.strict and kind.outcome == "repaired":
            return replace(kind, outcome="refused", done=f"without --strict: {kind.done}")
        return kind


class PictureError(UserError):
    """A picture that cannot be used, with the kind of finding that it is."""

    def __init__(self, path: PictureFile, kind: Kind, got: str) -> None:
        self.kind = kind
        super().__init__(f"{readable(str(path))}: expected an image, got {got}; {kind.done}")


def refuse(root: Path, findings: tuple[Finding, ...]) -> None:
    """Raise a `UserError` if a finding does not let training begin; every kind is named."""
    bad = [finding.text for finding in findings if finding.kind.outcome == "refused"]
    if bad:
        raise UserError(
            f"{readable(str(root))}: expected images that can be used, got {'; '.join(bad)}"
        )
