"""The options of every command that computes: how many threads, and on which cores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from attnbench.bounds import shortened
from attnbench.cores import available_cores
from attnbench.errors import UserError

if TYPE_CHECKING:
    from attnbench.cli.show.screen import Screen

AUTO = "auto"


def _checked(text: str | None) -> str | None:
    """Refuse what is neither `auto` nor a number of threads that this process has cores for."""
    if text is None or text == AUTO:
        return text
    cores = available_cores()
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= cores):
        raise UserError(
            f"--threads takes {AUTO}, or 1 to {cores} (the cores that this process may use); "
            f"got {shortened(text)}"
        )
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """Options that choose threads and cores; later processes take them over."""

    threads: Annotated[
        str | None,
        typer.Option(
            metavar="N|auto", callback=_checked, show_default=False,
            help="CPU threads of torch; auto finds by trial how many this machine gives now. "
            "\\[default: torch's own number]",
        ),
    ] = None  # fmt: skip
    pin: Annotated[
        bool, typer.Option("--pin", help="Stay on as many cores as threads, the quietest ones.")
    ] = False

    @property
    def change_anything(self) -> bool:
        """Whether `take` changes what later processes take over."""
        return self.threads is not None or self.pin

    def take(self, screen: Screen) -> None:
        """Do as asked, and say in a line what was found; loads torch.

        Raises:
            UserError: this system cannot pin processes.
        """
        if self.threads is not None:
            _use(self.threads, screen)
        if self.pin:
            _pin(screen)


def _use(threads: str, screen: Screen) -> None:
    from attnbench.cli.show.progress import status
    from attnbench.profiling.machine.threads import try_threads, use_threads

    if threads != AUTO:
        use_threads(int(threads))
        return
    with status(screen, "trying numbers of threads"):
        trial = try_threads(available_cores())
    use_threads(trial.chosen)
    screen.say_whole(f"--threads auto: {trial.text}")


def _pin(screen: Screen) -> None:
    import torch

    from attnbench.profiling.machine.pinning import pin

    threads = torch.get_num_threads()
    cores = pin(threads)
    text = f"on core{'s' * (len(cores) > 1)} {', '.join(map(str, cores))}"
    if len(cores) < threads:
        text += f"; {threads} threads share them, --threads {len(cores)} would not"
    screen.say_whole(f"--pin: {text}")
