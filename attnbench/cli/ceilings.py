"""`attnbench ceilings`: measure the limits of this device for each dtype."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnbench.cli import options
from attnbench.cli.grouped import grouped
from attnbench.cli.options import CEILINGS
from attnbench.cli.places import try_file
from attnbench.cli.threads import Threads
from attnbench.spec import DTYPES

if TYPE_CHECKING:
    import torch

    from attnbench.records import Ceiling
    from attnbench.spec import DType

DEFAULT_DTYPES = {"cpu": "float32", "cuda": "float32,bfloat16,float16"}


@grouped
def command(
    threads: Threads,
    dtype: Annotated[
        str | None,
        options.choice_list(
            DTYPES,
            "Dtypes, separated by commas. [default: float32; on a GPU all three]",
            show_default=False,
        ),
    ] = None,
    device: options.Device = "auto",
    out: Annotated[Path, typer.Option(help="File to append the ceilings to.")] = CEILINGS,
    force: Annotated[
        bool, typer.Option("--force", help="Measure again what the file already holds.")
    ] = False,
) -> None:
    """Measure this device's limits: rate of matrix products, bandwidth of copies, cost of a launch.

    The report then shows how close each cell comes to its limit, and its bottleneck. This takes
    half a minute per dtype; a second run measures only what is missing.
    """
    from attnbench.cli.show.progress import status
    from attnbench.cli.show.screen import Screen

    screen, progress = Screen(), Screen(stderr=True)
    try_file(out)
    with status(progress, "loading torch"):
        from attnbench.cli.show.ceilings import print_ceilings
        from attnbench.profiling.latency.timer import timer_for
        from attnbench.profiling.machine.ceilings import measure_ceilings
        from attnbench.profiling.machine.environment import choose_device
        from attnbench.records import store

        chosen = choose_device(device)
    threads.take(progress)
    with status(progress, "starting") as shown_step:
        asked = _dtypes(DEFAULT_DTYPES[chosen.type] if dtype is None else dtype)
        known = _stored(out, chosen)
        shown = [ceiling for ceiling in known if ceiling.dtype in asked]
        for name in asked:
            stored = [ceiling for ceiling in known if ceiling.dtype == name]
            if _is_complete(stored) and not force:
                screen.say_whole(_known(name, stored, out))
                continue
            try:
                shown += measure_ceilings(
                    name,
                    chosen,
                    timer_for(chosen, "warm"),
                    on_step=shown_step.update,
                    on_ceiling=lambda ceiling: store.append(out, ceiling),
                )
            except RuntimeError as error:
                screen.say(_refused(name, chosen, error))
    if not shown:
        return
    print_ceilings(shown, screen)
    print(f"\nStored in {out}; `attnbench report` compares the cells of {out.parent} with it.")


def _dtypes(text: str) -> list[DType]:
    """The dtypes of a comma-separated list, without repeats."""
    return list(dict.fromkeys(options.names(text)))  # type: ignore[arg-type] # were checked


def _stored(out: Path, device: torch.device) -> list[Ceiling]:
    """The ceilings in the file that were measured under the conditions here."""
    from attnbench.profiling.machine.environment import describe_environment
    from attnbench.records import store

    if not out.exists():
        return []
    contents = store.read(out)
    for problem in contents.problems:
        print(problem, file=sys.stderr)
    here = describe_environment(device).conditions
    return [ceiling for ceiling in contents.ceilings if ceiling.environment.conditions == here]


def _is_complete(stored: Sequence[Ceiling]) -> bool:
    """Whether all ceilings of a dtype are stored: launches are measured last.

    Launches of earlier versions, on one element, have no multiply-accumulates.
    """
    return any(ceiling.operation == "launch" and ceiling.macs for ceiling in stored)


def _known(dtype: str, stored: Sequence[Ceiling], out: Path) -> str:
    when = max(ceiling.created for ceiling in stored)[:19].replace("T", " ")
    return f"{dtype}: already measured at {when} UTC ({out}); --force measures again"


def _refused(dtype: str, device: torch.device, error: RuntimeError) -> str:
    reason = (str(error).strip().splitlines() or ["no message"])[0]
    return f"{dtype}: not measured on {device}: {reason}"
