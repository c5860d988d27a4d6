"""Write the report folder: tables, figures and one self-contained page.

Equal records give equal bytes: the report contains no time of writing and no random names.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from attnbench.analysis.frame.frames import Frames, build
from attnbench.analysis.growth.exponent import scaling
from attnbench.analysis.speedup.crossover import crossovers
from attnbench.analysis.tradeoff.groups import Tradeoff, metric_of, tradeoffs
from attnbench.errors import UserError
from attnbench.files.writing import replace_text
from attnbench.records import store
from attnbench.report.figures.save import Saved, save_all
from attnbench.report.figures.which_figures import drawings, latest_profile
from attnbench.report.page import limits
from attnbench.report.page.notes import Notes, conditions_of, notes_of
from attnbench.report.tables import cost as tables
from attnbench.report.tables import detail as detail_tables
from attnbench.report.tables import growth as growth_tables
from attnbench.report.tables import write
from attnbench.report.tables.columns import Table
from attnbench.units import METRICS
from attnbench.visible import visible

SECTIONS = {
    "latest": "The latest profile",
    "frontier": "Score against cost",
    "tokens": "Cost against tokens",
    "scaling": "How cost grows",
    "crossover": "Where each mechanism overtakes dense",
    "options": "Cost against an option",
    "roofline": "Share of the machine's limits",
    "profiles": "Other profiles",
    "training": "Training",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The files that were written, with messages for the user."""

    files: tuple[Path, ...]
    """The page first."""
    problems: tuple[str, ...]
    """Lines of the input that could not be read."""
    notes: tuple[str, ...]
    """Those on the page."""
    brief: tuple[str, ...]
    """The first of each kind, for a terminal, with the number of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """The results that need several sizes."""

    scaling: pd.DataFrame
    crossovers: pd.DataFrame


def write_report(paths: Sequence[Path], out: Path, cost: str = "macs") -> Written:
    """Write tables, figures and `index.html` into `out`, from the records in files and folders.

    Args:
        paths: results files, or folders of them.
        out: the folder to write into, created where needed.
        cost: cost axis of the frontier: macs, latency, memory or params.

    Raises:
        UserError: a path is missing, there are no records, the cost is unknown, or the folder
            cannot be written to.
    """
    metric_of(cost)  # refused before anything is read
    return write_contents(store.read_many(paths), paths, out, cost)


def write_contents(
    contents: store.Contents, paths: Sequence[Path], out: Path, cost: str = "macs"
) -> Written:
    """`write_report` of what was read of the paths already."""
    metric = metric_of(cost)
    with store.uncollected():  # rows have no cycles either; saves a fifth
        return _written(contents, paths, out, metric)


def _written(contents: store.Contents, paths: Sequence[Path], out: Path, metric: str) -> Written:
    if not contents.records:
        named = ", ".join(str(path) for path in paths) or "an empty list of paths"
        raise UserError(
            f"nothing to report: there are no records in {named}; "
            "run `attnbench profile` or `attnbench train` first, or give other files"
        )
    try:
        return _write(contents, [str(path) for path in paths], out, metric)
    except OSError as error:
        raise UserError(
            f"cannot write the report to {out}: {error.strerror}; choose another --out"
        ) from error


def _write(contents: store.Contents, sources: Sequence[str], out: Path, metric: str) -> Written:
    frames = build(contents.records, contents.ceilings)
    frames = replace(frames, layers=limits.newest_first(frames.layers))
    groups = list(tradeoffs(frames.models, metric))
    frames = replace(frames, models=_with_frontier(frames.models, groups))
    growth = Growth(scaling=scaling(frames.layers), crossovers=crossovers(frames.layers))
    shown = _tables(frames, growth, metric)
    out.mkdir(parents=True, exist_ok=True)
    files = _write_tables(frames, growth, shown, out)
    figures = save_all(drawings(frames, groups, metric), out / "figures")
    files += [path for figure in figures for path in (figure.svg, figure.png)]
    kinds = [*(Notes(items=[note]) for note in frames.notes), *notes_of(frames, groups, metric)]
    notes = tuple(note for kind in kinds for note in kind.on_page())
    on_page = {
        name: table.first(limits.ROWS_ON_PAGE, complete=_complete(name, table))
        for name, table in shown.items()
    }
    page = out / "index.html"
    replace_text(
        page,
        _render(
            sources=sources,
            num_records=len(contents.records),
            newest=max(record.created for record in contents.records),
            conditions=limits.listed(conditions_of(frames), "in the CSV files"),
            sections=_sections(figures, {"latest": _summary(frames.layers), **on_page}),
            tables={name: table for name, table in on_page.items() if name not in SECTIONS},
            notes=notes,
            problems=limits.listed(contents.problems, "printed by the command"),
            files=[path.relative_to(out).as_posix() for path in files],
        ),
    )
    return Written(
        files=(page, *files), problems=tuple(contents.problems), notes=notes,
        brief=tuple(note for kind in kinds for note in kind.on_terminal()),
    )  # fmt: skip


def _with_frontier(models: pd.DataFrame, groups: Iterable[Tradeoff]) -> pd.DataFrame:
    """Add `on_frontier`: "yes" or "no", empty if score or cost is missing."""
    verdicts = {
        index: "no" if is_beaten else "yes"
        for group in groups
        for members, is_beaten in zip(group.members, group.beaten, strict=True)
        for index in members
    }
    return models.assign(on_frontier=[verdicts.get(index, "") for index in models.index])


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


def _render(**context: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("attnbench.report.page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(**context)


def _visible(value: Any) -> Any:
    """Text from elsewhere, before it is escaped; what macros return has been through this."""
    return visible(value) if type(value) is str else value


def _summary(layers: pd.DataFrame) -> Table | None:
    latest = latest_profile(layers)
    if latest.empty:
        return None
    return tables.summary_table(latest).first(limits.ROWS_ON_PAGE, complete="layers.csv")


def _sections(figures: Sequence[Saved], shown: Mapping[str, Table | None]) -> list[dict[str, Any]]:
    """Name, title, table and figures of each non-empty section, in page order.

    Figures are grouped in rows; those in one row share their conditions.
    """
    sections = []
    for name, title in SECTIONS.items():
        rows: dict[Hashable, list[Saved]] = {}
        for figure in figures:
            if figure.section == name:
                rows.setdefault(figure.row, []).append(figure)
        table = shown.get(name)
        if rows or table:
            section = {"name": name, "title": title, "rows": list(rows.values()), "table": table}
            sections.append(section)
    return sections


def _complete(name: str, table: Table) -> str:
    """The file with every row of a table, if the table itself is complete."""
    return table.csv if name in ("layers", "models") else f"{name}.md"
