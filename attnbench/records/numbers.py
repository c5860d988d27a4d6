"""The numbers in a record, as types: each is held to its row of the table of bounds.

The decoder of `records.schema` checks them while it reads a line, at no cost. A checkpoint's
numbers are checked by the same types.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from attnbench.bounds import QUANTITIES

LONGEST = 2**16
"""Characters of a text."""


def _of(quantity: str) -> Meta:
    bounds = QUANTITIES[quantity]
    if bounds.above:
        return Meta(gt=bounds.least, le=bounds.most)
    return Meta(ge=bounds.least, le=bounds.most)


Duration = Annotated[float, _of("duration")]
"""Seconds that were measured: above zero, so that rates and ratios can be taken of them."""
Seconds = Annotated[float, _of("seconds")]
"""Seconds that may be zero."""
Joules = Annotated[float, _of("joules")]
Share = Annotated[float, _of("share")]
Score = Annotated[float, _of("score")]
Amount = Annotated[float, _of("amount")]
"""Cores in use, a resolution: a finite number from zero on."""
Count = Annotated[int, _of("count")]
Some = Annotated[int, _of("some")]
"""A count of at least one."""
Bytes = Annotated[int, _of("bytes")]
MacCount = Annotated[int, _of("macs")]
Params = Annotated[int, _of("params")]
Pixels = Annotated[int, _of("img_size")]
Classes = Annotated[int, _of("num_classes")]
Text = Annotated[str, Meta(max_length=LONGEST)]
