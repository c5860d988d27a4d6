"""`attnbench report`: write tables and one page from stored records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnbench.cli import options
from attnbench.cli.places import try_file, try_folder
from attnbench.cli.sources import default_source

if TYPE_CHECKING:
    from attnbench.analysis.compare.verdict import Comparison
    from attnbench.records.contents import Contents

COSTS = ("macs", "latency", "memory", "energy", "params")
"""Names of the axes, as `analysis/tradeoff/groups.py` has them."""
FORMS = {"html": "index.html", "md": "report.md"}


def command(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Result files or folders. [default: results/runs, else results/measured]",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder to write to.")] = Path("report"),
    cost: Annotated[
        str,
        options.choice(COSTS, "Cost axis that the frontier shows first."),
    ] = "macs",
    form: Annotated[
        str,
        options.choice(tuple(FORMS), "html: a page; md: a summary for a pull request.", "--format"),
    ] = "html",
    baseline: Annotated[
        Path | None,
        typer.Option(help="Earlier results, a file or folder: show what changed since."),
    ] = None,
    figures: Annotated[
        bool, typer.Option("--figures", help="Draw static figures (SVG and PNG), too.")
    ] = False,
    opened: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Write tables, and one page with charts and all cells that opens from disk."""
    from attnbench.cli.show.progress import status
    from attnbench.cli.show.screen import Screen

    screen = Screen(stderr=True)
    try_folder(out, *([out / "figures"] if figures else []))
    page = out / FORMS[form]
    try_file(page, replaced=True)
    chosen = paths or [default_source()]
    with status(screen, "analysing"):
        from attnbench.records import store

        contents = store.read_many(chosen)  # refused before what draws is loaded
        comparison = _compared(baseline, chosen, contents) if baseline else None
        from attnbench.cli.show.printed import printed_points
        from attnbench.report.page.page import Asked, write_contents

        asked = Asked(
            cost=cost, form=form, figures=figures, printed=printed_points(), comparison=comparison
        )
        written = write_contents(contents, chosen, out, asked)
    for line in (*written.problems, *written.brief):
        screen.say(line)
    print(f"{len(written.files)} files in {out}; open {page}")
    if opened and not _open(page):
        screen.say(f"no browser could be started; open {page} by hand")


def _compared(baseline: Path, chosen: list[Path], contents: Contents) -> Comparison:
    """The change since the baseline."""
    from attnbench.analysis.compare.pairs import Side
    from attnbench.analysis.compare.rule import Thresholds
    from attnbench.analysis.compare.verdict import compare
    from attnbench.records import store

    before = store.read_many([baseline])
    sides = (
        Side(name=str(baseline), records=before.costs, paths=[baseline]),
        Side(name=", ".join(map(str, chosen)), records=contents.costs, paths=chosen),
    )
    return compare(*sides, Thresholds())


def _open(page: Path) -> bool:
    import webbrowser

    return webbrowser.open(page.resolve().as_uri())
