"""Cells that need no try, because a smaller one of their kind ran out of memory."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.benchmark.subject import subject_of
from attnbench.isolation.failure import Failure
from attnbench.spec import AnyWorkload


def too_large(workload: AnyWorkload, exhausted: Sequence[AnyWorkload]) -> Failure | None:
    """Out of memory without a try, if one of the exhausted cells is smaller and of its kind."""
    smaller = [other for other in exhausted if _is_smaller(other, workload)]
    if not smaller:
        return None
    least = min(smaller, key=_size)
    name = f"{subject_of(least).name}, batch {least.batch}"
    return "out_of_memory", f"not tried: {name}, which is smaller, ran out of memory"


def _is_smaller(one: AnyWorkload, other: AnyWorkload) -> bool:
    """Whether both are the same but for fewer tokens or a smaller batch, and more of neither.

    The product does not count: many small images may have more tokens in all and need less memory,
    because attention grows with the square of the tokens of an image.
    """
    fits_inside = one.extent <= other.extent and one.batch <= other.batch
    return fits_inside and _size(one) != _size(other) and one.without_size() == other.without_size()


def _size(workload: AnyWorkload) -> tuple[int, int]:
    return workload.extent, workload.batch
