"""The failure of a cell whose numbers would stand for work that was not done."""

from __future__ import annotations

from attnbench.isolation.failure import ExplainedError


class DishonestError(ExplainedError):
    """The module does not do the work that was timed, or does more than that."""
