"""How the operating system reports the most memory that this process has held (the mark).

| system | the mark | can be set back |
|---|---|---|
| Linux | `VmHWM` of /proc/self/status | yes, by `clear_refs` (proc(5)) |
| macOS | `ru_maxrss` of `getrusage`, in bytes | no |
| Windows | `peak_wset` (psutil) | no |

On Linux `ru_maxrss` would be wrong: it starts from the size of the parent process. The kernel
counts pages core by core and adds them up loosely, so a figure is good to a few MiB.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

import psutil

SET_BACK = "5"
"""What `clear_refs` takes as an order to set the mark back (proc(5))."""


class Mark(ABC):
    """The high-water mark of this process."""

    def why_unavailable(self) -> str | None:
        """Why the system keeps no mark, or None where it does."""
        return None

    @abstractmethod
    def mark_bytes(self) -> int:
        """The most that was held resident."""

    def held_bytes(self) -> int:
        """What is held resident at this moment."""
        return psutil.Process().memory_info().rss

    def set_back(self) -> bool:
        """Set the mark back to what is held at this moment; False where that is not possible."""
        return False


class LinuxMark(Mark):
    """The kernel's own figures."""

    def __init__(self, proc: Path = Path("/proc/self")) -> None:
        self._proc = proc

    def why_unavailable(self) -> str | None:
        """Some kernels and sandboxes leave the fields out."""
        if self._read("VmHWM") is None or self._read("VmRSS") is None:
            return f"this system reports no high-water mark ({self._proc / 'status'}, VmHWM)"
        return None

    def mark_bytes(self) -> int:
        """VmHWM."""
        return self._known("VmHWM")

    def held_bytes(self) -> int:
        """VmRSS, which is counted as the mark is."""
        return self._known("VmRSS")

    def set_back(self) -> bool:
        """Some containers refuse it."""
        try:
            (self._proc / "clear_refs").write_text(SET_BACK)
        except OSError:
            return False
        return True

    def _known(self, field: str) -> int:
        value = self._read(field)
        assert value is not None
        return value

    def _read(self, field: str) -> int | None:
        """A size from the status file, which says kB and means KiB."""
        with suppress(OSError):
            for line in (self._proc / "status").read_text().splitlines():
                name, _, value = line.partition(":")
                if name == field:
                    return int(value.split()[0]) * 1024
        return None


class MacMark(Mark):
    """The mark since the process began, from `getrusage`."""

    def mark_bytes(self) -> int:
        """`ru_maxrss`, which macOS gives in bytes."""
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


class WindowsMark(Mark):
    """The mark since the process began: the peak of its working set."""

    def mark_bytes(self) -> int:
        """`peak_wset`."""
        return psutil.Process().memory_info().peak_wset


class NoMark(Mark):
    """A system that attnbench has no way to ask."""

    def why_unavailable(self) -> str | None:
        """Names the system."""
        return f"attnbench cannot read a high-water mark on {sys.platform}"

    def mark_bytes(self) -> int:
        """Never asked for."""
        raise NotImplementedError


MARKS: dict[str, Mark] = {"linux": LinuxMark(), "darwin": MacMark(), "win32": WindowsMark()}
"""The mark of a system, by `sys.platform`."""


def mark_of_this_system() -> Mark:
    """The mark that the running system keeps."""
    return MARKS.get(sys.platform, NoMark())
