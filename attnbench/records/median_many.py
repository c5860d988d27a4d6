"""The intervals of many medians at once: those of `median`, in a fifth of the time.

Series of equally many samples are the rows of one array, and each step of the rule is taken for all
of them. Whatever the last digit of a sum might decide is left to `median_interval`, so that the
answers are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from attnbench.records.median import (
    BLOCKS,
    LEAST_SPAN_S,
    LEVEL,
    ROUNDING,
    Interval,
    median_interval,
    outer_rank,
    student,
)

if TYPE_CHECKING:
    import numpy as np

Series = tuple[tuple[float, ...], float | None]
"""Samples in the order in which they were taken, and the seconds that they span."""
FEW = 8
"""Fewer rows are quicker one by one."""
LONGEST = 2**14
"""Samples of a row; sums of more ranks would not fit into a float."""
NEAR = 1e-9
"""A rank this near to a whole number is worked out again."""


def median_intervals(many: Sequence[Series]) -> list[Interval | None]:
    """`median_interval` of each series."""
    found: list[Interval | None] = [None] * len(many)
    for count, places in _by_count(many).items():
        if len(places) < FEW or count > LONGEST:
            answers: Iterable[Interval | None] = (median_interval(*many[at]) for at in places)
        else:
            answers = _of_rows([many[at][0] for at in places])
        for at, answer in zip(places, answers, strict=True):
            found[at] = answer
    return found


def _by_count(many: Sequence[Series]) -> dict[int, list[int]]:
    """The places of the series that span long enough, by their number of samples."""
    places: dict[int, list[int]] = {}
    for at, (samples, span_s) in enumerate(many):
        if span_s is None or span_s >= LEAST_SPAN_S:
            places.setdefault(len(samples), []).append(at)
    return places


def _of_rows(rows: Sequence[tuple[float, ...]]) -> list[Interval | None]:
    import numpy as np

    count = len(rows[0])
    rank = outer_rank(count, LEVEL)
    if rank == 0:
        return [None] * len(rows)
    samples = np.array(rows)
    order = np.argsort(samples, axis=1, kind="stable")
    ordered = np.take_along_axis(samples, order, axis=1)
    ends, known = _outer_ends(order, rank)
    known &= (np.diff(ordered, axis=1) > 0).all(axis=1)  # equal samples share a rank
    known &= ordered[:, -1] - ordered[:, 0] > ROUNDING * abs(ordered[:, 0])
    place = np.clip(ends, 1, count // 2)
    at = np.arange(len(rows))
    both = zip(ordered[at, place - 1].tolist(), ordered[at, -place].tolist(), strict=True)
    columns = zip(rows, both, (ends >= 1).tolist(), known.tolist(), strict=True)
    return [
        (pair if is_inside else None) if is_known else median_interval(row)
        for row, pair, is_inside, is_known in columns
    ]


def _outer_ends(order: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """The rank of each interval's lower end, and whether it is sure to the last digit."""
    import numpy as np

    count = order.shape[1]
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(1 - count, count, 2)[None], axis=1)
    effective, is_whole = _effective(ranks)
    by_size = (count / 2 - rank) * np.sqrt(count / effective)
    half = by_size
    below = np.zeros((len(order), count + 1), dtype=np.int64)
    np.cumsum(np.where(ranks < 0, 2, ranks == 0), axis=1, out=below[:, 1:])
    for blocks in BLOCKS:
        half = np.maximum(half, _half_of_blocks(below, blocks))
    lower = count / 2 - half
    is_sure = (abs(lower - np.rint(lower)) > NEAR) | (is_whole & (half == by_size))
    return np.floor(lower).astype(np.int64), is_sure


def _effective(ranks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many independent samples each row counts as, and whether that is all of them."""
    import numpy as np

    count = ranks.shape[1]
    r = (ranks[:, :-1] * ranks[:, 1:]).sum(axis=1) / (ranks[:1] ** 2).sum()
    r += (1 + 3 * r) / count + np.sqrt(np.maximum(0.0, 1 - r * r) / count)
    fewer = count * (1 - r) / (1 + r)
    return np.where(r <= 0, count, np.where(r < 1, fewer, 1e-9)), r <= 0


def _half_of_blocks(below: np.ndarray, blocks: int) -> np.ndarray:
    """The half-widths in ranks that the blocks ask for; 0 if there are too few samples for them."""
    import numpy as np

    count = below.shape[1] - 1
    size = count // blocks
    if size < 2:
        return np.zeros(len(below))
    shares = np.diff(below[:, count - blocks * size :: size], axis=1) / (2 * size)
    variance = shares.var(axis=1, ddof=1)
    half: np.ndarray = student(LEVEL, blocks - 1) * count * np.sqrt(variance / blocks)
    return half
