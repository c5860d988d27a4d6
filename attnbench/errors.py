"""What a user is meant to read: why a request cannot be served, or why work was stopped."""

from __future__ import annotations


class UserError(ValueError):
    """A request that cannot be served; the command line prints it as one line and exits with 2.

    The message says what was expected, what came, and what to do about it. Anything else that
    is raised is a defect of attnbench and keeps its traceback.
    """


class Stopped(KeyboardInterrupt):
    """Work that a signal has ended in good order; the message says what is saved.

    The command line exits with 128 and the signal's number, as shells show it.
    """

    def __init__(self, message: str, signal: int) -> None:
        super().__init__(message)
        self.signal = signal
