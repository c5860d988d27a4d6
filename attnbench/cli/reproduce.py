"""`attnbench reproduce`: compare the paper's tables and claims with numbers counted here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnbench.bounds import shortened
from attnbench.cli import options
from attnbench.cli.executing import AtOnce
from attnbench.cli.grouped import grouped
from attnbench.cli.options import RUNS
from attnbench.cli.places import try_file, try_folder
from attnbench.cli.sources import MEASURED
from attnbench.cli.threads import Threads
from attnbench.errors import UserError

if TYPE_CHECKING:
    from attnbench.cli.show.screen import Screen
    from attnbench.explain.anchor_use import AnchorUse
    from attnbench.records import Record
    from attnbench.reproduce.row import Row

WHAT = ("table1", "table2", "table3", "table4", "table5", "fig5", "claims")
WITH_ANCHORS = ("table4", "table5")
IMAGES = 128
"""Number of held-out images on which the use of anchors is measured."""


@grouped
def command(
    threads: Threads,
    executing: AtOnce,
    what: Annotated[str, typer.Argument(help=f"{', '.join(WHAT[:-1])} or {WHAT[-1]}.")],
    results: Annotated[
        list[Path] | None,
        typer.Option(
            help="Result files or folders with trained models and latencies; repeatable. "
            "[default: results/runs and results/measured]",
            show_default=False,
        ),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            help="A `last.pt` with anchor attention: also show how it uses its anchors (table4, "
            "table5).",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the counts and the table as CSV.")] = RUNS,
    plugin: options.Plugin = None,
) -> None:
    """Show the paper's numbers beside published numbers and those counted and measured here.

    Counts are stored in OUT/reproduce-WHAT.jsonl; a second run counts only what is missing. With
    --jobs, or by the jobs of an engine, several models are counted at the same time.
    """
    from attnbench.cli.show.screen import Screen

    if what not in WHAT:
        raise UserError(f"expected one of {', '.join(WHAT)}; got {shortened(what)}")
    if checkpoint is not None and what not in WITH_ANCHORS:
        raise UserError(f"--checkpoint works with {' or '.join(WITH_ANCHORS)} only; got {what}")
    executing.check("cpu", threads)
    executing.check_jobs()
    if what == "claims" and (executing.elsewhere or executing.jobs):
        raise UserError("claims are judged in this process; leave out --executor and --jobs")
    try_folder(out)
    try_file(*(out / f"reproduce-{name}" for name in _files(what, checkpoint)), replaced=True)
    executing.take(threads, Screen(stderr=True))
    if what == "claims":
        _claims(out)
        return
    # First, so that a wrong file is refused before anything is counted.
    found = _anchor_use(checkpoint, Screen(stderr=True)) if checkpoint is not None else None
    _table(what, results, out, executing, tuple(plugin or ()))
    if found is not None:
        _show_anchors(*found, f"{checkpoint}, on", out)


def _files(what: str, checkpoint: Path | None) -> list[str]:
    """What is written beside "reproduce-" in the folder."""
    counts = [] if what == "claims" else [f"{what}.jsonl"]
    return [f"{what}.csv", *counts, *(["anchor-use.csv"] if checkpoint else [])]


def _table(
    what: str,
    results: list[Path] | None,
    out: Path,
    executing: AtOnce,
    plugins: tuple[str, ...],
) -> None:
    from attnbench.cli.counting_elsewhere import CountElsewhere
    from attnbench.cli.show.progress import status
    from attnbench.cli.show.screen import Screen

    screen = Screen(stderr=True)
    with status(screen, "loading torch"):
        from attnbench.cli.show.reproduce import print_rows
        from attnbench.report.export.csv_file import write

        paths = results or [path for path in (RUNS, MEASURED) if any(path.rglob("*.jsonl"))]
        reproduce = _reproducer(what, paths)
    records = _stored(paths, screen)
    path = out / f"reproduce-{what}.jsonl"
    with _progress(screen) as on_step:
        elsewhere = CountElsewhere(
            path=path, executing=executing, plugins=plugins, on_count=on_step, screen=screen
        )
        count_first = elsewhere if executing.elsewhere or executing.jobs else None
        rows = reproduce(path, records, on_step, count_first)
    write(out / f"reproduce-{what}.csv", [asdict(row) for row in rows])
    print_rows(what, rows, Screen())
    print(f"\nStored in {out / f'reproduce-{what}.csv'}, with notes and sources.")


@contextmanager
def _progress(screen: Screen) -> Iterator[Callable[[int, int, str], None]]:
    """The state of counting: call the result with (done, total, name of the next step)."""
    from attnbench.cli.show.progress import steps

    with steps(screen, "starting") as shown:
        yield lambda done, total, name: shown.update(name, done, total)


def _reproducer(what: str, results: list[Path]) -> Callable[..., list[Row]]:
    from attnbench.analysis.paired.files import OutcomeFiles
    from attnbench.reproduce import ablation, dense_tables, figure5, table1

    reproducers: dict[str, Callable[..., list[Row]]] = {
        "table1": table1.reproduce,
        "table2": dense_tables.table2,
        "table3": dense_tables.table3,
        "table4": partial(ablation.table4, outcomes=OutcomeFiles(results)),
        "table5": partial(ablation.table5, outcomes=OutcomeFiles(results)),
        "fig5": figure5.reproduce,
    }
    return reproducers[what]


def _stored(paths: list[Path], screen: Screen) -> list[Record]:
    """The stored records to search for trained models and latencies; named files must exist."""
    from attnbench.records import store

    contents = store.read_many(paths)
    for problem in contents.problems:
        screen.say(problem)
    return contents.records


def _claims(out: Path) -> None:
    from attnbench.cli.show.progress import status
    from attnbench.cli.show.screen import Screen

    screen = Screen(stderr=True)
    with status(screen, "loading torch"):
        from attnbench.cli.show.claims import print_claims
        from attnbench.report.export.csv_file import write
        from attnbench.reproduce.claims import judge_claims
    with _progress(screen) as on_step:
        judged = judge_claims(on_step)
    write(out / "reproduce-claims.csv", [claim.row for claim in judged])
    print_claims(judged, Screen())
    print(f"\nStored in {out / 'reproduce-claims.csv'}.")
    changed = [claim.line["id"] for claim in judged if not claim.as_stored]
    if changed:
        print(f"These verdicts differ from claims.csv: {', '.join(changed)}", file=sys.stderr)
        raise typer.Exit(1)


def _show_anchors(uses: list[AnchorUse], data: str, of: str, out: Path) -> None:
    from attnbench.cli.show.reproduce import print_anchor_use
    from attnbench.cli.show.screen import Screen
    from attnbench.report.export.csv_file import write

    path = out / "reproduce-anchor-use.csv"
    write(path, [asdict(use) for use in uses])
    print_anchor_use(uses, f"{of} {data}", Screen())
    print(f"\nStored in {path}.")


def _anchor_use(checkpoint: Path, screen: Screen) -> tuple[list[AnchorUse], str]:
    import torch

    from attnbench.cli.show.progress import images_progress, status
    from attnbench.data.augment import normalise
    from attnbench.data.opening import open_data
    from attnbench.experiments.needs import data_of, refuse_missing_names
    from attnbench.explain.anchor_use import anchor_use
    from attnbench.explain.trained import trained_model
    from attnbench.training.checkpoint import load

    trained = load(checkpoint)
    refuse_missing_names(trained)
    source = data_of(trained, None)
    with images_progress(screen) as on_images:
        data = open_data(source, trained.img_size, train=False, on_progress=on_images)
    pixels, _ = next(iter(data.val.batches(IMAGES, seed=None, device=torch.device("cpu"))))
    with status(screen, "measuring the use of anchors"):
        return anchor_use(trained_model(trained), normalise(pixels)), data.name
