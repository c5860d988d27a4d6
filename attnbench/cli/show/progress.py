"""Progress bars for steps that take more than two seconds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


def bar(console: Console) -> Progress:
    """A bar with a text, a count and the time; it disappears when done."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


@contextmanager
def images_progress(console: Console) -> Iterator[Callable[[int, int], None]]:
    """A bar over images that are read: call the result with (done, total)."""
    with bar(console) as progress:
        task = progress.add_task("reading images", total=None, visible=False)
        yield lambda done, total: progress.update(task, completed=done, total=total, visible=True)


@contextmanager
def steps_progress(console: Console) -> Iterator[Callable[[int, int, float | None], None]]:
    """A bar over steps: call the result with (done, total, loss or None)."""
    with bar(console) as progress:
        task = progress.add_task("starting", total=None)

        def on_step(done: int, total: int, loss: float | None) -> None:
            text = "evaluating" if loss is None else f"loss {loss:.3f}"
            if done == total:
                text = "measuring the cost"
            progress.update(task, completed=done, total=total, description=text)

        yield on_step
