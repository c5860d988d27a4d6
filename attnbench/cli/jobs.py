"""What commands that run jobs have in common: the files of jobs, and a signal that stops them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from attnbench.errors import Stopped

if TYPE_CHECKING:
    from attnbench.cli.show.screen import Screen
    from attnbench.executors.merging import Merged


@contextmanager
def files_of_jobs(out: Path, screen: Screen) -> Iterator[tuple[Path, Merged]]:
    """The folder of the files of jobs, and the results that their records join.

    Raises:
        UserError: the results cannot be read or written.
    """
    from attnbench.executors.folder import jobs_folder, shared_folder
    from attnbench.executors.merging import Merged

    folder, merged = jobs_folder(out), Merged(out)
    with shared_folder(folder, merged) as left:
        if left:
            screen.say(f"{len(left)} records of an earlier call's jobs joined {out}")
        yield folder, merged


@contextmanager
def stopping_jobs(what: str) -> Iterator[Callable[[], None]]:
    """Take the signals that ask to stop: call the result while jobs are waited for.

    Args:
        what: the jobs, for people.

    Raises:
        Stopped: by the result, once a signal has come.
    """
    from attnbench.experiments.stopping import stop_signals

    with stop_signals() as asked:

        def look() -> None:
            if number := asked():
                raise Stopped(f"{what} were stopped by {signal.Signals(number).name}", number)

        yield look
