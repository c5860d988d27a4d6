"""Print what a data set holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from attnbench.data.findings import Finding
    from attnbench.data.inspection import Inspection

Value = TypeVar("Value")

MOST_CLASSES = 20
MOST_SIZES, MOST_MODES = 4, 10
"""Those that are shown one by one."""
COLOURS = {"repaired": "green", "counted": "yellow", "refused": "red"}


def print_inspection(inspection: Inspection, console: Console) -> None:
    """Print classes, sizes, modes and findings."""
    images = " and ".join(f"{count:,} {split}" for split, count in inspection.images.items())
    console.print(Text(f"{inspection.name}: {images} images in {len(inspection.classes)} classes"))
    console.print(Text(inspection.layout))
    console.print(_classes(inspection))
    rest = len(inspection.classes) - MOST_CLASSES
    if rest > 0:
        console.print(Text(f" and {rest:,} classes more\n"))
    console.print(Text(f"sizes  {_sizes(inspection.sizes)}"))
    console.print(Text(f"modes  {_most_common(inspection.modes, MOST_MODES, str)}"))
    if inspection.findings:
        console.print(_findings(inspection.findings))
    else:
        console.print(Text("no findings\n"))


def print_findings(findings: Iterable[Finding], console: Console) -> None:
    """Print a line for each finding, before images are used."""
    for finding in findings:
        console.print(Text(f"{finding.kind.outcome}: {finding.text}"))


def _classes(inspection: Inspection) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("class", overflow="fold")
    for split in inspection.images:
        table.add_column(f"{inspection.counted} in {split}", justify="right")
    for name, counts in list(inspection.classes.items())[:MOST_CLASSES]:
        table.add_row(Text(name), *(f"{counts[split]:,}" for split in inspection.images))
    return table


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


def _findings(findings: Sequence[Finding]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("finding", overflow="fold")
    table.add_column("count", justify="right")
    table.add_column("outcome", overflow="fold")
    table.add_column("such as", overflow="fold")
    for finding in findings:
        kind = finding.kind
        outcome = Text(f"{kind.outcome}: {kind.done}", COLOURS[kind.outcome])
        table.add_row(
            Text(kind.what), f"{finding.count:,}", outcome, Text(", ".join(finding.examples))
        )
    return table
