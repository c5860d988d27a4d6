"""How a process ended: its exit code, and the last line that it printed."""

from __future__ import annotations

import os
import signal
from typing import IO

from attnbench.isolation.failure import Failure

LAST_WORDS = 200
"""Characters of the last line of output that a reason keeps."""


def explain_end(exit_code: int | None, last_words: str = "") -> Failure:
    """Status and reason of a process that ended without an answer.

    Args:
        exit_code: negative codes are signals; None if the process is still running.
        last_words: the last line that it printed, which is added to the reason.
    """
    status, reason = _explain(exit_code)
    return status, ": ".join(filter(None, (reason, last_words)))


def _explain(exit_code: int | None) -> Failure:
    if exit_code is None:
        return "failed", "the process closed its connection and went on"
    if exit_code >= 0:
        return "failed", f"the process ended with exit code {exit_code}"
    names = {known.value: known.name for known in signal.Signals}
    name = names.get(-exit_code, f"signal {-exit_code}")
    if name == "SIGKILL":
        return "out_of_memory", "the kernel killed the process (SIGKILL), most likely for memory"
    return "failed", f"the process crashed ({name})"


def read_last_words(output: IO[bytes], since: int = 0) -> str:
    """The last line of a file, or "" if nothing was written after position `since`."""
    end = output.seek(0, os.SEEK_END)
    output.seek(max(since, end - 4 * LAST_WORDS))
    lines = output.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip()[:LAST_WORDS] if lines else ""
