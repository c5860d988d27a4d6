"""The report folder: tables, figures and one page that needs nothing but itself.

The same records give the same bytes: no clock, no random names.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jinja2
import pandas as pd

from attnbench import store
from attnbench.errors import UserError
from attnbench.report import tables
from attnbench.report.figures import Drawing, drawings, latest_profile
from attnbench.report.frame import Frames, build
from attnbench.report.style import house_style
from attnbench.report.tables import Table
from attnbench.report.tradeoff import Tradeoff, left_out, metric_of, tradeoffs
from attnbench.units import METRICS

ROWS_ON_PAGE = 500
"""A longer table would make the page too heavy for a phone; the CSV holds every row."""

SECTIONS = (
    ("latest", "The latest profile"),
    ("frontier", "Accuracy against cost"),
    ("tokens", "Cost against tokens"),
    ("anchors", "Cost against anchors"),
    ("profiles", "Other profiles"),
    ("training", "Training"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written, and what a reader should be told about it."""

    files: tuple[Path, ...]
    problems: tuple[str, ...]
    """Lines of the input that could not be read."""
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A figure on disk, and as the page shows it."""

    section: str
    title: str
    subtitle: str
    svg: Path
    png: Path

    @property
    def data_uri(self) -> str:
        """The SVG as an address that holds the whole image."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg.read_bytes()).decode()


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
            f"nothing to report: {places} holds no record. "
            "Run `attnbench profile` or `attnbench train` first, or name other files"
        )
    frames = build(contents.records)
    try:
        return _write(frames, contents, [str(path) for path in paths], out, metric)
    except OSError as error:
        raise UserError(f"cannot write the report to {out}: {error.strerror}") from error


def _write(
    frames: Frames, contents: store.Contents, sources: Sequence[str], out: Path, metric: str
) -> Written:
    groups = list(tradeoffs(frames.models, metric))
    frames = replace(frames, models=_with_frontier(frames.models, groups))
    out.mkdir(parents=True, exist_ok=True)
    written, shown = _write_tables(frames, out, metric)
    figures = _save_all(drawings(frames, groups, metric), out / "figures")
    written += [path for figure in figures for path in (figure.svg, figure.png)]
    notes = (*frames.notes, *_measuring_notes(frames), *_frontier_notes(frames, groups, metric))
    page = out / "index.html"
    page.write_text(
        _render(
            frames=frames,
            tables=[_shortened(table) for table in shown],
            summary=_summary(frames.layers),
            sections=_sections(figures),
            conditions=_conditions(frames),
            notes=notes,
            problems=contents.problems,
            sources=sources,
            num_records=len(contents.records),
            files=[path.relative_to(out).as_posix() for path in written],
            newest=max(record.created for record in contents.records),
        ),
        encoding="utf-8",
    )
    return Written(files=(page, *written), problems=tuple(contents.problems), notes=notes)


def _with_frontier(models: pd.DataFrame, groups: Iterable[Tradeoff]) -> pd.DataFrame:
    """`on_frontier` is "yes" or "no", and missing where there is nothing to compare."""
    verdicts = {
        index: "no" if is_beaten else "yes"
        for group in groups
        for members, is_beaten in zip(group.members, group.beaten, strict=True)
        for index in members
    }
    return models.assign(on_frontier=[verdicts.get(index, "") for index in models.index])


def _write_tables(frames: Frames, out: Path, metric: str) -> tuple[list[Path], list[Table]]:
    """The files of the kinds of which there are records, and their tables for the page."""
    written: list[Path] = []
    shown: list[Table] = []
    for name, frame in (
        ("layers", frames.layers),
        ("models", frames.models),
        ("training", frames.epochs),
    ):
        if frame.empty:
            continue
        tables.write_csv(frame, out / f"{name}.csv")
        written.append(out / f"{name}.csv")
        if name == "training":
            continue
        table = (
            tables.layer_table(frame)
            if name == "layers"
            else tables.model_table(frame, METRICS[metric].label)
        )
        (out / f"{name}.md").write_text(tables.markdown(table), encoding="utf-8")
        written.append(out / f"{name}.md")
        shown.append(table)
    return written, shown


def _save_all(figures: Iterable[Drawing], folder: Path) -> list[Saved]:
    saved: list[Saved] = []
    names: dict[str, int] = {}
    with house_style():
        for drawing in figures:
            folder.mkdir(exist_ok=True)
            names[drawing.name] = names.get(drawing.name, 0) + 1
            again = names[drawing.name]
            saved.append(
                _save(drawing, folder / (drawing.name if again == 1 else f"{drawing.name}-{again}"))
            )
    return saved
