"""The report folder: tables, figures and one page that needs nothing but itself.

The same records give the same bytes: no clock, no random names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from attnbench import store
from attnbench.errors import UserError
from attnbench.report import detail_tables, tables
from attnbench.report.figures import drawings, latest_profile
from attnbench.report.frame import Frames, build
from attnbench.report.save import Saved, save_all
from attnbench.report.tables import Table
from attnbench.report.tradeoff import (
    TASK,
    Tradeoff,
    left_out,
    machines_of,
    metric_of,
    task_of,
    tradeoffs,
)
from attnbench.units import METRICS

ROWS_ON_PAGE = 500
"""A longer table would be too heavy for a phone; the files beside the page hold every row."""

SECTIONS = {
    "latest": "The latest profile",
    "frontier": "Accuracy against cost",
    "tokens": "Cost against tokens",
    "anchors": "Cost against anchors",
    "roofline": "How near the limits",
    "profiles": "Other profiles",
    "training": "Training",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written, and what a reader should be told about it."""

    files: tuple[Path, ...]
    """The page first."""
    problems: tuple[str, ...]
    """Lines of the input that could not be read."""
    notes: tuple[str, ...]


def write_report(paths: Sequence[Path], out: Path, cost: str = "macs") -> Written:
    """Write tables, figures and `index.html` into `out`, from the records in files and folders.

    Args:
        paths: results files, or folders of them.
        out: the folder to write into, created where needed.
        cost: cost axis of the frontier: macs, latency, memory or params.

    Raises:
        UserError: a path is missing, no record is in them, the cost is unknown, or the folder
            cannot be written to.
    """
    metric = metric_of(cost)
    contents = store.read_many(paths)
    if not contents.records:
        places = ", ".join(str(path) for path in paths) or "no path at all"
        raise UserError(
            f"nothing to report: there is no record in {places}; "
            "run `attnbench profile` or `attnbench train` first, or name other files"
        )
    try:
        return _write(contents, [str(path) for path in paths], out, metric)
    except OSError as error:
        raise UserError(f"cannot write the report to {out}: {error.strerror}") from error


def _write(contents: store.Contents, sources: Sequence[str], out: Path, metric: str) -> Written:
    frames = build(contents.records, contents.ceilings)
    groups = list(tradeoffs(frames.models, metric))
    frames = replace(frames, models=_with_frontier(frames.models, groups))
    shown = _tables(frames, metric)
    out.mkdir(parents=True, exist_ok=True)
    files = _write_tables(frames, shown, out)
    figures = save_all(drawings(frames, groups, metric), out / "figures")
    files += [path for figure in figures for path in (figure.svg, figure.png)]
    notes = (*frames.notes, *_quoting_notes(frames), *_frontier_notes(frames, groups, metric))
    page = out / "index.html"
    page.write_text(
        _render(
            sources=sources,
            num_records=len(contents.records),
            newest=max(record.created for record in contents.records),
            conditions=_conditions(frames),
            summary=_summary(frames.layers),
            sections=_sections(figures),
            tables={name: _shortened(table, name) for name, table in shown.items()},
            notes=notes,
            problems=contents.problems,
            files=[path.relative_to(out).as_posix() for path in files],
        ),
        encoding="utf-8",
    )
    return Written(files=(page, *files), problems=tuple(contents.problems), notes=notes)


def _with_frontier(models: pd.DataFrame, groups: Iterable[Tradeoff]) -> pd.DataFrame:
    """Add `on_frontier`: "yes" or "no", empty where accuracy or cost is missing."""
    verdicts = {
        index: "no" if is_beaten else "yes"
        for group in groups
        for members, is_beaten in zip(group.members, group.beaten, strict=True)
        for index in members
    }
    return models.assign(on_frontier=[verdicts.get(index, "") for index in models.index])


def _write_tables(frames: Frames, shown: Mapping[str, Table], out: Path) -> list[Path]:
    """A CSV for each kind of record there is, and Markdown for the tables that are shown."""
    files = []
    kinds = {"layers": frames.layers, "models": frames.models, "training": frames.epochs}
    for name, frame in kinds.items():
        if not frame.empty:
            tables.write_csv(frame, out / f"{name}.csv")
            files.append(out / f"{name}.csv")
    for name, table in shown.items():
        (out / f"{name}.md").write_text(tables.markdown(table), encoding="utf-8")
        files.append(out / f"{name}.md")
    return files


def _tables(frames: Frames, metric: str) -> dict[str, Table]:
    """The tables for people, by the stem of their file's name; empty ones are left out."""
    found = {}
    if not frames.layers.empty:
        found["layers"] = tables.layer_table(frames.layers)
    if not frames.models.empty:
        found["models"] = tables.model_table(frames.models, METRICS[metric].label)
    return found | detail_tables.detail_tables(frames.layers, frames.models)


def _quoting_notes(frames: Frames) -> list[str]:
    """What the records say must be known before their numbers are quoted."""
    count: Counter[str] = Counter()
    for frame in (frames.layers, frames.models):
        for notes in frame["notes"]:
            count.update(note for note in notes.split("; ") if note)
    return [f"{note} ({times:,} records)" for note, times in count.items()]


def _frontier_notes(frames: Frames, groups: Sequence[Tradeoff], metric: str) -> list[str]:
    notes = [note for group in groups for note in group.notes]
    for group in groups:
        if len(group.points) == 1:
            notes.append(f"No frontier is drawn of one model alone ({group.points[0].name}).")
    return notes + left_out(frames.models, metric)


def _render(**context: Any) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("attnbench.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html").render(**context)


def _summary(layers: pd.DataFrame) -> Table | None:
    latest = latest_profile(layers)
    return None if latest.empty else tables.summary_table(latest)


def _sections(figures: Sequence[Saved]) -> list[dict[str, Any]]:
    """Name, title and figures of each section, in rows of figures that share their conditions."""
    sections = []
    for name, title in SECTIONS.items():
        rows: dict[str, list[Saved]] = {}
        for figure in figures:
            if figure.section == name:
                together = figure.subtitle if name in ("tokens", "anchors") else ""
                rows.setdefault(together, []).append(figure)
        sections.append({"name": name, "title": title, "rows": list(rows.values())})
    return sections


def _conditions(frames: Frames) -> list[str]:
    """One line for each set of conditions under which something was measured."""
    lines = []
    for conditions, rows in frames.layers.groupby("conditions", sort=False):
        tokens = " · ".join(f"{number:,}" for number in sorted(rows["tokens"].unique()))
        lines.append(f"Layers: {conditions}; {len(rows):,} cells at {tokens} tokens")
    machine = [*TASK, "environment"]
    for kind, frame in (("Models", frames.models), ("Training", frames.epochs)):
        for _, rows in frame.groupby(machine, sort=False):
            lines.append(f"{kind}: {task_of(rows)}, {machines_of(rows)}; {len(rows):,} records")
    return lines


def _shortened(table: Table, name: str) -> Table:
    if len(table.rows) <= ROWS_ON_PAGE:
        return table
    file = f"{name}.csv" if name in ("layers", "models") else f"{name}.md"
    note = f" The first {ROWS_ON_PAGE:,} of {len(table.rows):,} rows; all of them are in {file}."
    return replace(table, caption=table.caption + note, rows=table.rows[:ROWS_ON_PAGE])
