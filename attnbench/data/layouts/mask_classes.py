"""Which class the values or colours of masks stand for, and what is wrong with them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from attnbench.data.findings import Findings, Kind
from attnbench.data.layouts.found import MaskClasses, Reading
from attnbench.data.layouts.mask_files import VALUES, Colour, MaskContent
from attnbench.data.layouts.pictures import name_of
from attnbench.data.names import readable, some
from attnbench.data.targets import IGNORE
from attnbench.errors import UserError
from attnbench.files.reading import read_text

OUT_OF_RANGE = Kind(
    "mask with a value of no class", "refused",
    "correct it, or name its meaning: --mask-values lists the values of the classes, --mask-ignore "
    "one that is no class",
)  # fmt: skip
BINARY = Kind(
    "mask of the values 0 and 255 alone", "refused",
    "say what 255 means: --mask-values 0,255 for a second class, --mask-ignore 255 for no class",
)  # fmt: skip
GAPS = Kind(
    "value between those that masks have, most of them unused", "refused",
    "list the values that stand for classes: --mask-values 0,128,…",
)  # fmt: skip
COLOURED = Kind(
    "mask in colours, without a table", "refused", "write classes.txt with lines name, r, g, b"
)
UNKNOWN_COLOUR = Kind(
    "mask with a colour of no class", "refused", "add it to the table, or correct the mask"
)
IGNORED = Kind("value that is ignored", "counted", "neither trained on nor scored")
NO_PIXELS = Kind("class without pixels", "counted", "kept")
SHARES = Kind("class with its share of the pixels", "counted", "as it is labelled")

NAME_FILES = ("classes.txt", "label_colors.txt", "class_dict.csv")
MOST_CLASSES = 255
IGNORED_COLOUR_NAMES = ("ignore", "ignored")
"""Lines of a table of colours with such a name say which colours are no class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassTable:
    """The classes of masks, before or after their values are known."""

    names: tuple[str, ...] = ()
    colours: tuple[Colour, ...] = ()
    """Of the classes, in their order; () for masks of values."""
    ignored_colours: tuple[Colour, ...] = ()
    file: Path | None = None


def table_in(folder: Path) -> ClassTable:
    """The names of the classes, and their colours, if a file in the folder lists them.

    Raises:
        UserError: the file cannot be read, or two classes share a name or a colour.
    """
    file = next((folder / name for name in NAME_FILES if (folder / name).is_file()), None)
    if file is None:
        return ClassTable()
    lines = [_entry(line) for line in read_text(file).splitlines() if line.strip()]
    lines = [one for one in lines if one[0].lower() != "name" or one[1]]
    lines = [one for one in lines if one != ("name r g b", None)]
    ignored = [one for one in lines if one[1] and one[0].lower() in IGNORED_COLOUR_NAMES]
    classes = [one for one in lines if one not in ignored]
    painted = [colour for _, colour in classes if colour is not None]
    for what, given in (("name", [name for name, _ in classes]), ("colour", painted)):
        again = [str(one) for one, count in Counter(given).items() if count > 1]
        if again or (what == "colour" and 0 < len(given) < len(classes)):
            got = f"several with {some(again)}" if again else "some without"
            raise UserError(
                f"{readable(str(file))}: expected a {what} of its own for each class, got {got}; "
                "correct the table"
            )
    return ClassTable(
        names=tuple(name for name, _ in classes),
        colours=tuple(painted),
        ignored_colours=tuple(colour for _, colour in ignored if colour),
        file=file,
    )


def _entry(line: str) -> tuple[str, Colour | None]:
    """Name and colour of a line: "road, 128, 64, 128", "128 64 128 road", or "road"."""
    words = [word for word in re.split(r"[,;\s]+", line.strip()) if word]
    for numbers, rest in ((words[-3:], words[:-3]), (words[:3], words[3:])):
        if rest and all(word.isdecimal() and int(word) < VALUES for word in numbers):
            red, green, blue = map(int, numbers)
            return readable(" ".join(rest)), (red, green, blue)
    return readable(" ".join(words)), None


def classes_of(
    masks: Sequence[MaskContent],
    table: ClassTable,
    settings: Reading,
    folder: Path,
    findings: Findings,
) -> MaskClasses:
    """What the values of masks stand for; what has no meaning, or two, is refused.

    Args:
        masks: all that were read.
        table: the names and colours of the classes, as far as a file lists them.
        settings: the values that the user says stand for classes, or for none.
        folder: examples are named below it.
        findings: takes what was found.

    Raises:
        UserError: the settings contradict the table or each other.
    """
    _check(table, settings)
    values = _values(masks, table, settings, findings)
    names = table.names or tuple(map(str, settings.mask_values or sorted(values)))
    ignored = {settings.mask_ignore, IGNORE} - values.keys()
    colours = {colour: label for label, colour in enumerate(table.colours)}
    colours |= dict.fromkeys(table.ignored_colours, IGNORE)
    found = MaskClasses(names=names, values=values, colours=colours)
    for mask in masks:
        name = name_of(mask.path, folder)
        unknown = [str(one) for one in mask.values if one not in values and one not in ignored]
        if unknown and not findings.has(BINARY) and not findings.has(GAPS):
            findings.add_name(OUT_OF_RANGE, f"{name}: {some(unknown)}, of {len(names)} classes")
        strange = [str(one) for one in mask.colours if one not in colours]
        if strange:
            findings.add_name(UNKNOWN_COLOUR if colours else COLOURED, f"{name}: {some(strange)}")
    _say_shares(found, masks, ignored, findings)
    return found


def _check(table: ClassTable, settings: Reading) -> None:
    given = settings.mask_values
    if table.names and given and len(table.names) != len(given):
        raise UserError(
            f"--mask-values: expected the values of the {len(table.names)} classes in "
            f"{table.file}, got {len(given)}"
        )
    if max(len(table.names), len(given)) > MOST_CLASSES:
        raise UserError(f"masks expect at most {MOST_CLASSES} classes, got more")
    if settings.mask_ignore in given:
        raise UserError(f"--mask-ignore {settings.mask_ignore} is among --mask-values, too")


def _values(
    masks: Sequence[MaskContent], table: ClassTable, settings: Reading, findings: Findings
) -> dict[int, int]:
    """The label of each value that stands for a class."""
    given = settings.mask_values
    if given:
        return {value: label for label, value in enumerate(given)}
    found = Counter[int]()
    for mask in masks:
        found.update(mask.values.keys())
    if set(found) == {0, IGNORE} and settings.mask_ignore is None and len(table.names) in (0, 2):
        for mask in masks:
            findings.add(BINARY, mask.path)
    if table.names:
        return _numbered(len(table.names), settings)
    used = sorted(set(found) - {settings.mask_ignore, IGNORE})
    count = min(used[-1] + 1, MOST_CLASSES) if used else 0
    if count > 2 * len(used):
        for value in used:
            findings.add_name(GAPS, str(value))
    return _numbered(count, settings)


def _numbered(count: int, settings: Reading) -> dict[int, int]:
    """The classes 0 to count - 1, whose values are their labels.

    Raises:
        UserError: the ignored value lies among them: the labels of those after it may be meant
            either way.
    """
    ignore = settings.mask_ignore
    if ignore is not None and ignore < count:
        ranges = [f"{low}-{high}" for low, high in ((0, ignore - 1), (ignore + 1, count - 1))
                  if low <= high]  # fmt: skip
        raise UserError(
            f"--mask-ignore {ignore} lies among the values 0 to {count - 1} of the classes: say "
            f"which stand for them, such as --mask-values {','.join(ranges)}"
        )
    return {value: value for value in range(count)}


def _say_shares(
    found: MaskClasses, masks: Sequence[MaskContent], ignored: set[int | None], findings: Findings
) -> None:
    counts = found.pixels(masks)
    total = max(sum(counts), 1)
    order = sorted(range(len(found.names)), key=lambda label: -counts[label])
    for label in order:
        if counts[label]:
            findings.add_name(SHARES, f"{found.names[label]} {100 * counts[label] / total:.1f} %")
        else:
            findings.add_name(NO_PIXELS, found.names[label])
    for value in sorted(one for one in ignored if one is not None):
        count = sum(mask.values.get(value, 0) for mask in masks)
        if count:
            findings.add_name(IGNORED, f"{value}: {100 * count / total:.1f} % of the pixels")
