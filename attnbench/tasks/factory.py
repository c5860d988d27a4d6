"""Tasks by name."""

from __future__ import annotations

from attnbench.errors import UserError
from attnbench.registry import TASKS
from attnbench.tasks.base import Task


def create_task(name: str) -> Task:
    """The task registered under `name`.

    Raises:
        UserError: unknown name, or a row whose target is no `Task`.
    """
    target = TASKS.load(name)
    if not (isinstance(target, type) and issubclass(target, Task)):
        raise UserError(f"task {name!r} must be a subclass of attnbench.tasks.base.Task")
    return target()
