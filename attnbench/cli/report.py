"""`attnbench report`: write one page and tables from stored records, or the records as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnbench.cli import options
from attnbench.cli.places import try_file, try_folder
from attnbench.cli.sources import default_source
from attnbench.errors import UserError

if TYPE_CHECKING:
    from attnbench.analysis.compare.verdict import Comparison
    from attnbench.cli.show.screen import Screen
    from attnbench.records.contents import Contents
    from attnbench.records.explanation import Explanation
    from attnbench.report.page.page import Written

COSTS = ("macs", "latency", "memory", "energy", "params")
"""Names of the axes, as `analysis/tradeoff/groups.py` has them."""
PAGES = {"html": "index.html", "md": "report.md"}
DATA = ("csv", "json", "parquet", "latex")
"""Formats of `report/export/frames.py`."""


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
        options.choice(
            (*PAGES, *DATA),
            "html: a page; md: a summary for a pull request; csv, json, parquet, latex: the "
            "records alone, a file for each kind.",
            "--format",
        ),
    ] = "html",
    baseline: Annotated[
        Path | None,
        typer.Option(help="Earlier results, a file or folder: show what changed since."),
    ] = None,
    figures: Annotated[
        bool, typer.Option("--figures", help="Draw static figures (SVG and PNG), too.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Write again whenever results are added, until Ctrl-C.")
    ] = False,
    opened: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Write tables, and one page with charts and all cells that opens from disk."""
    from attnbench.cli.show.screen import Screen

    needs_page = {"--baseline": baseline, "--figures": figures, "--open": opened}
    if form in DATA:
        _check_data(form, [flag for flag, given in needs_page.items() if given])
    try_folder(out, *([out / "figures"] if figures else []))
    if form in PAGES:
        try_file(out / PAGES[form], replaced=True)
    writing = _Writing(
        paths=paths or [default_source()], out=out, cost=cost, form=form, baseline=baseline,
        figures=figures, opened=opened, growing=watch, screen=Screen(stderr=True),
    )  # fmt: skip
    if watch:
        from attnbench.cli.watching import watch as watch_files

        try:
            watch_files(writing.again, writing.paths, writing.screen.say)
        finally:
            writing.finish()
    else:
        writing.again()


def _check_data(form: str, flags: Sequence[str]) -> None:
    """Refuse a format whose package is missing, and flags that are about the page."""
    from attnbench.report.export import frames

    frames.check(form)
    if flags:
        raise UserError(
            f"--format {form} writes the records alone: leave out {' and '.join(flags)}, or give "
            "--format html"
        )


@dataclass(kw_only=True)
class _Writing:
    """What to write, from where and whereto; it is written once, or again and again."""

    paths: Sequence[Path]
    out: Path
    cost: str
    form: str
    baseline: Path | None
    figures: bool
    opened: bool
    """Whether to open the page, which is done once."""
    growing: bool
    screen: Screen
    _told: set[str] = field(default_factory=set)

    def again(self) -> None:
        """Read and write; say what was written, and what was not said before."""
        from attnbench.cli.show.progress import status

        with status(self.screen, "analysing"):
            from attnbench.records import now, store

            with store.uncollected():  # between reading and writing, too
                contents = store.read_many(self.paths, growing=self.growing)
                written = self._data(contents) if self.form in DATA else self._page(contents)
        for line in (*written.problems, *written.brief):
            if line not in self._told:
                self.screen.say(line)
        self._told.update(written.problems, written.brief)
        first = written.files[0]
        when = f"{now()[11:19]} UTC, {len(contents.records):,} records: " if self.growing else ""
        print(f"{when}{len(written.files)} files in {self.out}; open {first}", flush=True)
        if self.opened and not _open(first):
            self.screen.say(f"no browser could be started; open {first} by hand")
        self.opened = False

    def finish(self) -> None:
        """The page looks for no newer one from here on: it is one file, to be sent."""
        if self.form == "html":
            from attnbench.report.page import watched

            watched.finish(self.out / PAGES["html"])

    def _page(self, contents: Contents) -> Written:
        comparison = self._compared(contents) if self.baseline else None
        from attnbench.cli.show.printed import printed_points
        from attnbench.report.page.page import Asked, write_contents

        asked = Asked(
            cost=self.cost, form=self.form, figures=self.figures, printed=printed_points(),
            comparison=comparison, explained=self._explained(), watched=self.growing,
        )  # fmt: skip
        return write_contents(contents, self.paths, self.out, asked)

    def _data(self, contents: Contents) -> Written:
        from attnbench.report.page.page import write_data

        return write_data(contents, self.out, self.form)

    def _compared(self, contents: Contents) -> Comparison:
        """The change since the baseline."""
        from attnbench.analysis.compare.pairs import Side
        from attnbench.analysis.compare.rule import Thresholds
        from attnbench.analysis.compare.verdict import compare
        from attnbench.records import store

        assert self.baseline is not None
        before = store.read_many([self.baseline], growing=self.growing)
        sides = (
            Side(name=str(self.baseline), records=before.costs, paths=[self.baseline]),
            Side(name=", ".join(map(str, self.paths)), records=contents.costs, paths=self.paths),
        )
        return compare(*sides, Thresholds())

    def _explained(self) -> Explanation | None:
        """The newest that `attnbench explain` left below these results; a damaged one is told."""
        from attnbench.records import explanation

        file = explanation.newest(self.paths)
        try:
            return explanation.read(file) if file else None
        except UserError as error:
            if str(error) not in self._told:
                self.screen.say(str(error))
            self._told.add(str(error))
            return None


def _open(page: Path) -> bool:
    import webbrowser

    return webbrowser.open(page.resolve().as_uri())
