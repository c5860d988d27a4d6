"""Draw the trainings of `evidence_frontier.sh` into docs/frontier.md: a table and a figure a set.

    python scripts/frontier_page.py FILE...              (results files or folders)
    python scripts/frontier_page.py --page PAGE FILE...  (another page than docs/frontier.md)

The text of the page is written by hand; what stands between two of its marks is replaced. The
verdicts come from the outcomes of single images, which lie beside the results files.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from mechanisms_tables import latency_text
from page_marks import filled

from attnbench.analysis.compare.score_changes import ScoreChange, score_change
from attnbench.analysis.compare.score_text import difference_text
from attnbench.analysis.frame.frames import build
from attnbench.analysis.paired.files import OutcomeFiles
from attnbench.analysis.tradeoff.frontier import Point
from attnbench.analysis.tradeoff.groups import Tradeoff, tradeoffs
from attnbench.analysis.trained import Trained, trained_variants
from attnbench.errors import UserError
from attnbench.files.writing import replacing
from attnbench.records import store
from attnbench.report.figures.frontier import frontier
from attnbench.report.figures.save import PNG_DPI
from attnbench.report.figures.style import house_style, settle
from attnbench.report.tables.markdown import in_markdown, table_lines
from attnbench.units import METRICS

PAGE = Path(__file__).parent.parent / "docs" / "frontier.md"
BASELINE = "dense"
SEEDS = 3
"""Of a row that is complete; others say how many they have."""
HEADS = (
    "attention", "parameters", "GMACs", "latency", "top-1 [95 %]", "difference to dense, points",
    "verdict", "on the frontier of MACs",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Row:
    """One attention in the trunk, on one set of images."""

    point: Point
    trained: Trained
    change: ScoreChange | None
    """To dense attention; None for dense attention."""
    timed: Any
    """The row of a frame whose latency is shown."""
    standing: str
    share: float
    """Of the MACs of dense attention."""

    @property
    def cells(self) -> list[str]:
        """In the order of `HEADS`."""
        first, (low, high) = self.trained.records[0], self.point.interval or (None, None)
        score = f"{100 * self.point.score:.1f} %"
        if low is not None and high is not None:
            score += f" [{100 * low:.1f} – {100 * high:.1f}]"
        return [
            self.name,
            METRICS["params"].format(first.params or 0),
            METRICS["macs"].format(self.point.cost).removesuffix(" G"),
            latency_text(self.timed),
            score,
            "baseline"
            if self.change is None
            else difference_text(self.change).removesuffix(" points"),
            "" if self.change is None else self.change.verdict,
            self.standing,
        ]

    @property
    def name(self) -> str:
        """The attention, with the number of its anchors: the trunk is the same for all."""
        workload = self.trained.records[0].workload
        inside = workload.options.get("attention_options") or {}
        return "-".join([workload.attention, *map(str, inside.values())])

    @property
    def sentence(self) -> str:
        """What the numbers allow to say of it."""
        change = self.change
        assert change is not None
        half = "" if change.interval is None else f" ({difference_text(change)})"
        fewer = f", {_number(self.point.seeds, 'seed')}" if self.point.seeds < SEEDS else ""
        rest = f"{half}{fewer}, at {self.share:.2f} of its MACs."
        return f"{self.name} {SAYS[change.verdict]} dense{rest}"


SAYS = {
    "better": "scores higher than", "worse": "scores lower than", "equal": "scores as",
    "cannot tell": "cannot be told from",
}  # fmt: skip


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def main() -> None:
    """Read the records, and write the page and its figures."""
    parser = argparse.ArgumentParser(description="Draw the trainings of the frontier.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--page", type=Path, default=PAGE)
    chosen = parser.parse_args()
    try:
        write_page(chosen.page, chosen.files)
    except UserError as error:
        sys.exit(str(error))


def write_page(page: Path, files: list[Path]) -> None:
    """Fill the marked parts of a page, and write the figures beside it.

    Raises:
        UserError: there are no trainings, or a mark is missing.
    """
    contents, outcomes = store.read_many(files), OutcomeFiles(files)
    frames = build(contents.records, contents.ceilings)
    known = {
        record.key: trained
        for trained in trained_variants(contents.records).values()
        for record in trained.records
    }
    groups = list(tradeoffs(frames.models, "macs", outcomes))
    if not groups:
        raise UserError("expected trainings in these files, found none")
    lines = [line for group in groups for line in _of_group(group, known, outcomes, page)]
    text = filled(page.read_text(), "frontiers", lines)
    with replacing(page) as new:
        new.write_text(text)


def _of_group(
    group: Tradeoff, known: dict[str, Trained], outcomes: OutcomeFiles, page: Path
) -> Iterator[str]:
    rows = _rows(group, known, outcomes)
    first = rows[0].trained.records[0]
    recipe, scores = first.recipe, first.scores
    assert recipe is not None
    assert scores is not None
    picture = page.with_name(f"{page.stem}-{recipe.data}.png")
    names = {row.point.name: row.name for row in rows}
    _draw(group, names, picture)
    yield f"### {recipe.data}, {recipe.img_size[0]} × {recipe.img_size[1]} px"
    yield ""
    yield in_markdown(
        f"{_number(recipe.epochs, 'epoch')} of batches of {recipe.batch_size}; "
        f"{scores.count:,} held-out images; {group.subtitle}."
    )
    yield from ("", f"![Top-1 against MACs, {recipe.data}]({picture.name})", "")
    yield from table_lines(list(HEADS), [False, *[True] * 5, False, False], [r.cells for r in rows])
    yield ""
    yield from (f"- {in_markdown(row.sentence)}" for row in rows if row.change)
    yield ""


def _rows(group: Tradeoff, known: dict[str, Trained], outcomes: OutcomeFiles) -> list[Row]:
    trained = [known[str(group.models.loc[members[0], "key"])] for members in group.members]
    dense = next((t for t in trained if t.records[0].workload.attention == BASELINE), None)
    if dense is None:
        raise UserError(f"expected a training with {BASELINE} attention on each set")
    base = group.points[trained.index(dense)].cost
    rows = [
        Row(
            point=point,
            trained=one,
            change=None if one is dense else score_change(dense, one, outcomes),
            timed=_timed(group.models.loc[list(members)]),
            standing=standing.verdict,
            share=point.cost / base,
        )
        for point, one, members, standing in zip(
            group.points, trained, group.members, group.standings, strict=True
        )
    ]
    return sorted(rows, key=lambda row: row.point.cost)


def _timed(seeds: pd.DataFrame) -> Any:
    """The median of the seeds whose latency may be quoted, else of all."""
    usable = seeds[seeds["quotable"]] if seeds["quotable"].any() else seeds
    ordered = usable.sort_values("latency_s", kind="stable")
    return ordered.iloc[(len(ordered) - 1) // 2]


def _draw(group: Tradeoff, names: Mapping[str, str], file: Path) -> None:
    points = [replace(point, name=names[point.name]) for point in group.points]
    with house_style():
        figure = frontier(
            points, group.beaten, "macs", group.score, hollow=group.dominated,
            title="Top-1 against MACs", subtitle=group.subtitle,
        )  # fmt: skip
        settle(figure)
        with replacing(file) as new:
            figure.savefig(new, format="png", dpi=PNG_DPI)


if __name__ == "__main__":
    main()
