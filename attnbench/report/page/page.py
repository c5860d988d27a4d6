"""Write the report folder: tables, CSV files and one self-contained page; figures if asked for.

Equal records give equal bytes: the report contains no time of writing and no random names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from attnbench.analysis.compare.verdict import Comparison
from attnbench.analysis.frame.frames import Frames, build
from attnbench.analysis.tradeoff.groups import COSTS, metric_of
from attnbench.errors import UserError
from attnbench.files.writing import replace_text
from attnbench.records import store
from attnbench.records.explanation import Explanation
from attnbench.report.export.files import write_files
from attnbench.report.page import limits, watched
from attnbench.report.page.analysed import Analysed, analysed
from attnbench.report.page.changes import changes
from attnbench.report.page.data import explained
from attnbench.report.page.data.payload import Growth, payload
from attnbench.report.page.data.printed import Printed
from attnbench.report.page.first_screen import first_screen, missing
from attnbench.report.page.notes import conditions_of
from attnbench.report.page.render import render
from attnbench.report.page.summary import summary
from attnbench.report.tables import cost as tables
from attnbench.report.tables import detail as detail_tables
from attnbench.report.tables import growth as growth_tables
from attnbench.report.tables import write
from attnbench.report.tables.columns import Table
from attnbench.units import METRICS


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to write, besides the tables."""

    cost: str = "macs"
    """The cost axis that the frontier shows first: macs, latency, memory, energy or params."""
    form: str = "html"
    """The page ("html"), or a summary for a pull request ("md")."""
    figures: bool = False
    """Whether to draw the static figures, too."""
    printed: Sequence[Printed] = ()
    """Points of papers, for panels of their own."""
    comparison: Comparison | None = None
    """The change against earlier results."""
    explained: Explanation | None = None
    """What trained models look at."""
    watched: bool = False
    """Whether the page reloads itself when it is written anew (see `watched`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The files that were written, with messages for the user."""

    files: tuple[Path, ...]
    """The page or the summary first."""
    problems: tuple[str, ...]
    """Lines of the input that could not be read."""
    notes: tuple[str, ...]
    """Those on the page."""
    brief: tuple[str, ...]
    """The first of each kind, for a terminal, with the number of the others."""


def write_report(
    paths: Sequence[Path], out: Path, cost: str = "macs", *, figures: bool = False
) -> Written:
    """Write tables and `index.html` into `out`, from the records in files and folders.

    Args:
        paths: results files, or folders of them.
        out: the folder to write into, created where needed.
        cost: cost axis of the frontier: macs, latency, memory, energy or params.
        figures: whether to draw the static figures, too.

    Raises:
        UserError: a path is missing or holds nothing readable, the cost is unknown, or the folder
            cannot be written to.
    """
    metric_of(cost)  # refused before anything is read
    asked = Asked(cost=cost, figures=figures)
    return write_contents(store.read_many(paths), paths, out, asked)


def write_contents(
    contents: store.Contents, paths: Sequence[Path], out: Path, asked: Asked
) -> Written:
    """`write_report` of what was read of the paths already."""
    with store.uncollected():  # rows have no cycles either; saves a fifth
        try:
            found = analysed(contents, paths, asked.cost, figures=asked.figures)
            return _write(found, out, asked)
        except OSError as error:
            raise UserError(
                f"cannot write the report to {out}: {error.strerror}; choose another --out"
            ) from error


def write_data(contents: store.Contents, out: Path, file_format: str) -> Written:
    """Write the records alone into `out`, a file for each kind, as `attnbench.load` gives them.

    Raises:
        UserError: there are none, a package is missing, or the folder cannot be written to.
    """
    with store.uncollected():
        frames = build(contents.records, contents.ceilings)
        files = write_files(frames, out, file_format)
    return Written(
        files=tuple(files), problems=tuple(contents.problems), notes=frames.notes,
        brief=frames.notes,
    )  # fmt: skip


def _write(found: Analysed, out: Path, asked: Asked) -> Written:
    shown = _tables(found.frames, found.growth, COSTS[asked.cost])
    out.mkdir(parents=True, exist_ok=True)
    files = _write_tables(found.frames, found.growth, shown, out)
    if asked.figures:
        files += _draw(found, asked.cost, out)
    if asked.form == "md":
        page, text = out / "report.md", summary(found, asked.comparison, asked.cost)
    else:
        page, text = out / "index.html", _page(found, [p.relative_to(out) for p in files], asked)
    if asked.watched and asked.form == "html":
        watched.write(page, text)
    else:
        replace_text(page, text)
    return Written(
        files=(page, *files), problems=tuple(found.problems),
        notes=tuple(on_page(found)),
        brief=tuple(note for kind in found.notes for note in kind.on_terminal()),
    )  # fmt: skip


def _page(found: Analysed, files: Sequence[Path], asked: Asked) -> str:
    data = payload(found.frames, found.growth, found.groups, found.costs, asked.printed, asked.cost)
    seen = asked.explained
    conditions = limits.listed(conditions_of(found.frames), "in the CSV files")
    parts = {"change": asked.comparison, "conditions": conditions}
    return render(
        data | {"explained": explained.drawn(seen) if seen else None},
        first=first_screen(found.frames, found.records, found.sources),
        missing=missing(found.frames) | ({} if seen else {"explain": explained.MISSING}),
        explained=explained.told(seen) if seen else None,
        score_texts=explained.texts,
        findings=found.findings,
        changes=changes(asked.comparison) if asked.comparison else None,
        conditions=conditions,
        absent=[name for name, content in parts.items() if not content],
        notes=[*limits.cells_note(found.frames.layers, found.frames.models), *on_page(found)],
        problems=limits.listed(found.problems, "printed by the command"),
        files=[path.as_posix() for path in files],
    )


def on_page(found: Analysed) -> list[str]:
    """The notes, as many of each kind as the page shows."""
    return [note for kind in found.notes for note in kind.on_page()]


def _draw(found: Analysed, cost: str, out: Path) -> list[Path]:
    # seaborn loads for a second, and most reports need no static figures.
    from attnbench.report.figures.save import save_all
    from attnbench.report.figures.which_figures import drawings

    figures = drawings(found.frames, found.groups[cost], COSTS[cost])
    saved = save_all(figures, out / "figures")
    return [path for figure in saved for path in (figure.svg, figure.png)]


def _write_tables(
    frames: Frames, growth: Growth, shown: Mapping[str, Table], out: Path
) -> list[Path]:
    """Write a CSV file per kind of record, and a Markdown file per table."""
    files = []
    kinds = {"layers": frames.layers, "models": frames.models, "training": frames.epochs}
    told = growth_tables.with_texts(growth.crossovers, frames.machines)
    derived = {"scaling": growth.scaling, "crossover": told}
    own = {name: write.without_names(frame) for name, frame in kinds.items()}
    for name, frame in {**own, **derived}.items():
        if not frame.empty:
            write.write_csv(frame, out / f"{name}.csv")
            files.append(out / f"{name}.csv")
    for name, table in shown.items():
        replace_text(out / f"{name}.md", write.markdown(table))
        files.append(out / f"{name}.md")
    return files


def _tables(frames: Frames, growth: Growth, metric: str) -> dict[str, Table]:
    """The tables by file name (without suffix); empty ones are left out."""
    found = {}
    if not frames.layers.empty:
        found["layers"] = tables.layer_table(frames.layers)
    if not frames.models.empty:
        found["models"] = tables.model_table(frames.models, METRICS[metric].label)
    if not growth.scaling.empty:
        found["scaling"] = growth_tables.scaling_table(growth.scaling, frames.machines)
    if not growth.crossovers.empty:
        found["crossover"] = growth_tables.crossover_table(growth.crossovers, frames.machines)
    return found | detail_tables.detail_tables(frames.layers, frames.models)
