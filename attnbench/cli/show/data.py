"""Print what a data set holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from attnbench.cli.show.columns import Column, number
from attnbench.cli.show.screen import Cell, Screen

if TYPE_CHECKING:
    from attnbench.data.findings import Finding
    from attnbench.data.inspection import Inspection

Value = TypeVar("Value")

MOST_CLASSES = 20
MOST_SIZES, MOST_MODES = 4, 10
"""Those that are shown one by one."""
COLOURS = {"repaired": "green", "counted": "yellow", "refused": "red"}


def print_inspection(inspection: Inspection, screen: Screen) -> None:
    """Print classes, sizes, modes and findings."""
    screen.say(f"{inspection.name}: {_images(inspection)} in {_num_classes(inspection)} classes")
    screen.say(inspection.layout)
    _print_classes(inspection, screen)
    rest = len(inspection.classes) - MOST_CLASSES
    if rest > 0:
        screen.say(f"and {rest:,} classes more")
        screen.say()
    screen.say(f"sizes: {_sizes(inspection.sizes)}")
    screen.say(f"modes: {_most_common(inspection.modes, MOST_MODES, str)}")
    if inspection.findings:
        _print_table(inspection.findings, screen)
    else:
        screen.say("no findings")
        screen.say()


def print_findings(findings: Iterable[Finding], screen: Screen) -> None:
    """Print a line for each finding, before images are used."""
    for finding in findings:
        screen.say(f"{finding.kind.outcome}: {finding.text}")


def _print_classes(inspection: Inspection, screen: Screen) -> None:
    splits = list(inspection.images)
    screen.table(
        [Column("class"), *(number(f"{inspection.counted} in {split}") for split in splits)],
        [
            [name, *(_count_text(inspection, counts, split) for split in splits)]
            for name, counts in list(inspection.classes.items())[:MOST_CLASSES]
        ],
    )


def _images(inspection: Inspection) -> str:
    parts = [f"{count:,} {split}" for split, count in inspection.images.items()]
    return f"{', '.join(parts[:-1])} and {parts[-1]} images" if parts[1:] else f"{parts[0]} images"


def _num_classes(inspection: Inspection) -> int:
    """Without the row of pixels of no class."""
    return len(inspection.labels.names if inspection.labels else inspection.classes)


def _count_text(inspection: Inspection, counts: Mapping[str, int], split: str) -> str:
    """A count; of pixels, the share of all, since nobody reads their number."""
    if inspection.counted != "pixels":
        return f"{counts[split]:,}"
    total = sum(row[split] for row in inspection.classes.values())
    return f"{100 * counts[split] / max(total, 1):.2f} %"


def _sizes(sizes: Mapping[tuple[int, int], int]) -> str:
    """Every size with its count, or the range and the most common ones."""
    if not sizes:
        return "none known"
    text = _most_common(sizes, MOST_SIZES, lambda size: f"{size[0]} × {size[1]} px")
    if len(sizes) <= MOST_SIZES:
        return text
    widths, heights = zip(*sizes, strict=True)
    return (
        f"{min(widths)} to {max(widths)} px wide, {min(heights)} to {max(heights)} px high; {text}"
    )


def _most_common(counts: Mapping[Value, int], most: int, text_of: Callable[[Value], str]) -> str:
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    shown = [f"{text_of(value)}: {count:,}" for value, count in ranked[:most]]
    rest = sum(count for _, count in ranked[most:])
    return ", ".join([*shown, f"others: {rest:,}"] if rest else shown) or "none known"


def _print_table(findings: Sequence[Finding], screen: Screen) -> None:
    heads = [Column("finding"), number("count"), Column("outcome"), Column("such as")]
    screen.table(heads, [_row(finding) for finding in findings])


def _row(finding: Finding) -> list[Cell]:
    kind = finding.kind
    outcome = (f"{kind.outcome}: {kind.done}", COLOURS[kind.outcome])
    return [kind.what, f"{finding.count:,}", outcome, ", ".join(finding.examples)]
