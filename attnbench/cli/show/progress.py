"""What is going on, for steps that take more than two seconds.

On a terminal one line is drawn over and over. In a file, and on a terminal that cannot do that, a
line is written every few seconds, so that a log neither is silent nor grows by a line per step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from attnbench.cli.show.screen import Screen
from attnbench.clocks import monotonic
from attnbench.visible import one_line

EVERY_S = 5.0
"""Seconds between two lines of a log. Shorter work leaves none."""
SHOWN = 6
"""Pieces of work whose state is shown, of those that go on at the same time."""


class Steps:
    """The state of one piece of work: a text, and how many steps of how many are done."""

    def __init__(self, screen: Screen, text: str) -> None:
        self._screen, self._text = screen, text
        self._done, self._total = 0, 0

    def update(self, text: str | None = None, done: int | None = None, total: int = 0) -> None:
        """Show another text or count; what is not given stays."""
        self._text = self._text if text is None else one_line(text)
        self._done = self._done if done is None else done
        self._total = total or self._total
        self._show()

    def advance(self) -> None:
        """One more step is done."""
        self.update(done=self._done + 1)

    def _show(self) -> None:
        if monotonic() - self._screen.said_at >= EVERY_S:
            self._screen.say(self._line())

    def _line(self) -> str:
        count = f", {self._done} of {self._total}" if self._total else ""
        return f"{self._text}{count}, after {monotonic() - self._screen.began:,.0f} s"


class _Drawn(Steps):
    """The same on a terminal, as a bar."""

    def __init__(self, screen: Screen, text: str, bar: Progress) -> None:
        super().__init__(screen, text)
        self._bar = bar
        self._task = bar.add_task(text, total=None)
        self._show()

    def _show(self) -> None:
        text = self._screen.shown(self._text)
        self._bar.update(
            self._task, description=text, completed=self._done, total=self._total or None
        )

    def remove(self) -> None:
        """Draw it no more."""
        self._bar.remove_task(self._task)


@contextmanager
def steps(screen: Screen, text: str, total: int = 0) -> Iterator[Steps]:
    """Show the state of a piece of work while the block lasts; nothing of it stays.

    Args:
        screen: where.
        text: what is being done first.
        total: the number of steps, if it is known.
    """
    if not screen.moves:
        shown = Steps(screen, text)
        shown.update(total=total)
        yield shown
        return
    with _bar(screen, counted=True) as bar:
        drawn = _Drawn(screen, text, bar)
        drawn.update(total=total)
        yield drawn


@contextmanager
def status(screen: Screen, text: str) -> Iterator[Steps]:
    """The same for work without a count of steps."""
    if not screen.moves:
        yield Steps(screen, text)
        return
    with _bar(screen, counted=False) as bar:
        yield _Drawn(screen, text, bar)


def _bar(screen: Screen, *, counted: bool) -> Progress:
    is_utf = screen.console.encoding.lower().startswith("utf")
    count = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(
        SpinnerColumn("dots" if is_utf else "line"),
        TextColumn("{task.description}", markup=False),
        *(count if counted else ()),
        console=screen.console,
        transient=True,
        redirect_stdout=False,  # what others print is made visible by `streams.guarded`
        redirect_stderr=False,
    )


State = tuple[str, int, int]
"""What is going on in a piece of work, and how many steps of how many are done."""


class Several:
    """The state of pieces of work that go on at the same time: `show` it again and again."""

    def __init__(self, screen: Screen, text: str, total: int) -> None:
        self._all = Steps(screen, text)
        self._text, self._total = text, total

    def show(self, states: Mapping[str, State], ended: int) -> None:
        """The pieces that are at work, by name, and how many have ended."""
        parts = [f"{name}: {_with_count(*state)}" for name, state in islice(states.items(), SHOWN)]
        if len(states) > SHOWN:
            parts.append(f"and {len(states) - SHOWN} more")
        self._all.update("; ".join([f"{ended} of {self._total} {self._text}", *parts]))


def _with_count(text: str, done: int, total: int) -> str:
    return f"{text}, {done} of {total} steps" if total else text


class _SeveralDrawn(Several):
    """The same on a terminal, with a bar for each piece at work below that of all."""

    def __init__(self, screen: Screen, text: str, total: int, bar: Progress) -> None:
        super().__init__(screen, text, total)
        self._screen, self._bar = screen, bar
        self._whole = _Drawn(screen, text, bar)
        self._drawn: dict[str, _Drawn] = {}

    def show(self, states: Mapping[str, State], ended: int) -> None:
        """See `Several.show`."""
        shown = dict(islice(states.items(), SHOWN))
        for name in self._drawn.keys() - shown.keys():
            self._drawn.pop(name).remove()
        for name, (text, done, total) in shown.items():
            drawn = self._drawn.get(name) or _Drawn(self._screen, name, self._bar)
            self._drawn[name] = drawn
            drawn.update(f"{name}: {text}", done, total)
        self._whole.update(done=ended, total=self._total)


@contextmanager
def several(screen: Screen, text: str, total: int) -> Iterator[Several]:
    """Show the state of pieces of work while the block lasts; nothing of it stays.

    Args:
        screen: where.
        text: what the pieces are, such as "runs".
        total: how many there are.
    """
    if not screen.moves:
        yield Several(screen, text, total)
        return
    with _bar(screen, counted=True) as bar:
        yield _SeveralDrawn(screen, text, total, bar)


@contextmanager
def images_progress(screen: Screen) -> Iterator[Callable[[int, int], None]]:
    """The state of reading images: call the result with (done, total)."""
    with steps(screen, "reading images") as shown:
        yield lambda done, total: shown.update(done=done, total=total)


@contextmanager
def steps_progress(screen: Screen) -> Iterator[Callable[[int, int], None]]:
    """The state of an evaluation: call the result with (done, total)."""
    with steps(screen, "starting") as shown:

        def on_step(done: int, total: int) -> None:
            shown.update("measuring the cost" if done == total else "evaluating", done, total)

        yield on_step
