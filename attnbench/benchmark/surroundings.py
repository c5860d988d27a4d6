"""What all cells of a comparison share, watched so that no cell changes it for another."""

from __future__ import annotations

from attnbench.ambient.threads import Threads
from attnbench.ambient.watch import Ambient
from attnbench.registry import changes_by_import
from attnbench.spec import AnyWorkload, ModelWorkload

PUT_BACK = "put back. Set it around the work and restore it, or set it for all before measuring"


class Surroundings:
    """Functions, settings, threads and processes as they are before any cell is built."""

    def __init__(self) -> None:
        self._ambient = Ambient()
        self._threads = Threads()

    def restore(self) -> str:
        """Put back what was changed, and end what was left running; says what it was, or ""."""
        changes = self._ambient.put_back()
        changed = f"{', '.join(changes)}; {PUT_BACK}" if changes else ""
        left = self._threads.left_running()
        self._threads = Threads()
        return "; ".join(filter(None, [changed, *left]))


def import_changes(workload: AnyWorkload) -> tuple[str, bool]:
    """What importing the plug-in of a workload changed, and whether that was a function: a clock.

    A setting that was put back does no harm: many libraries change one when they are imported.
    """
    names = [workload.attention, *([workload.model] if isinstance(workload, ModelWorkload) else [])]
    text = "; ".join(filter(None, dict.fromkeys(changes_by_import(name) for name in names)))
    return text, "replaced" in text
