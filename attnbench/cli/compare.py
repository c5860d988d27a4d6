"""`attnbench compare A B`: a verdict on each cell of two sets of results."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnbench.bounds import shortened
from attnbench.cli.options import names, number
from attnbench.errors import UserError

if TYPE_CHECKING:
    from attnbench.analysis.compare.pairs import Side
    from attnbench.analysis.compare.verdict import Comparison

FAIL_ON = ("slower", "broken", "cannot-tell", "more", "changed", "missing", "worse")
"""Values of --fail-on: keys of `Comparison.counts`, with dashes instead of spaces."""
COLOURS = {"broken": "red", "slower": "red", "cannot tell": "yellow", "faster": "green",
           "repaired": "green"}  # fmt: skip
WHOLE = ("before", "after", "verdict")
"""The columns whose texts are never wrapped."""
MOST_ROWS = 200
"""Nobody scrolls through more; to lay out a long table takes minutes."""


def command(
    before: Annotated[
        Path, typer.Argument(metavar="A", help="Results before: a file or a folder.")
    ],
    after: Annotated[Path, typer.Argument(metavar="B", help="Results after: a file or a folder.")],
    relative: Annotated[
        float, number("relative", "Smallest change of latency that matters, as a share.")
    ] = 0.05,
    absolute: Annotated[
        float, number("absolute", "Smallest change of latency that matters, in seconds.")
    ] = 30e-6,
    across_environments: Annotated[
        bool,
        typer.Option(
            "--across-environments",
            help="Also compare cells across devices, thread counts, torch or CUDA versions.",
        ),
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, in base units.")] = False,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(
            help="Exit with 1 if any cell is slower, broken, cannot-tell, more (memory), changed "
            "(MACs or params) or missing (in B), or a trained model scores worse; separated by "
            "commas, repeatable.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Compare results before (A) and after (B): faster, slower, same, or cannot tell.

    A change counts if it exceeds both --relative and --absolute. A change below the machine's
    resolution floor (attnbench doctor) is never called faster or slower. Scores of trained models
    are compared on the same images where their outcomes were kept.
    """
    from attnbench.analysis.compare.rule import Thresholds
    from attnbench.analysis.compare.verdict import compare
    from attnbench.records import store

    if markdown and as_json:
        raise UserError("--markdown and --json exclude each other; give one of them")
    failures = _failures(fail_on or ())
    thresholds = Thresholds(relative=relative, absolute_s=absolute)
    with store.uncollected():  # records have no cycles
        comparison = compare(
            _read(before), _read(after), thresholds, across_environments=across_environments
        )
    _show(comparison, markdown, as_json)
    found = [name for name in failures if comparison.counts[name.replace("-", " ")]]
    if found:
        print(f"--fail-on: found {', '.join(found)}", file=sys.stderr)
        raise typer.Exit(1)


def _failures(texts: Sequence[str]) -> list[str]:
    chosen = [name for text in texts for name in names(text)]
    unknown = [name for name in chosen if name not in FAIL_ON]
    if unknown or (texts and not chosen):
        raise UserError(
            f"--fail-on takes {', '.join(FAIL_ON)}; got {shortened(', '.join(unknown or texts))}"
        )
    return chosen


def _read(path: Path) -> Side:
    """The records of one side; unreadable lines are reported on standard error."""
    from attnbench.analysis.compare.pairs import Side
    from attnbench.records import store

    contents = store.read_many([path])
    for problem in contents.problems:
        print(problem, file=sys.stderr)
    return Side(name=str(path), records=contents.costs, paths=[path])


def _show(comparison: Comparison, markdown: bool, as_json: bool) -> None:
    from attnbench.cli.show.screen import json_text
    from attnbench.report.export import comparison as compare_json
    from attnbench.report.tables import comparison as compare_text

    if as_json:
        print(json_text(compare_json.plain(comparison)))
    elif markdown:
        print(compare_text.markdown(comparison))
    else:
        _print_table(comparison)


def _print_table(comparison: Comparison) -> None:
    from attnbench.cli.show.columns import Column
    from attnbench.cli.show.screen import Screen
    from attnbench.report.tables import comparison as compare_text

    columns = [
        Column(head, "right" if numeric else "left", whole=head in WHOLE)
        for head, numeric in zip(compare_text.HEADS, compare_text.NUMERIC, strict=True)
    ]
    facts = compare_text.Facts(comparison)
    shown = compare_text.rows(comparison, MOST_ROWS, facts)
    rows = [
        [(cell, COLOURS.get(cell, "") if cell == change.verdict else "") for cell in row]
        for change, row in zip(comparison.changes, shown, strict=False)
    ]
    screen = Screen()
    screen.say(compare_text.heading(comparison, facts))
    if rows:
        screen.table(columns, rows)
    if len(shown) < len(comparison.changes):
        screen.say(compare_text.cut_note(comparison, len(shown)))
    for note in compare_text.notes(comparison, facts):
        screen.say(note)
    screen.say((compare_text.summary(comparison), "bold"))
