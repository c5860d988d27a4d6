"""The one exception that a user is meant to read."""

from __future__ import annotations


class UserError(ValueError):
    """A request that cannot be served; the command line prints it as one line and exits with 2.

    The message says what was expected, what came, and what to do about it. Anything else that
    is raised is a defect of attnbench and keeps its traceback.
    """
