"""Checks of savings: whether a printed one is possible at all, and what the mechanism saves.

Each check takes the claimed number, then the arguments of its line in `claims.csv`. A bound is
`kept` (keys, values and output projections of all tokens stay) or `removed` (attention costs
nothing); see `savings.py`. What is to be saved is that of `table1`, with its digits, or that of a
mechanism.
"""

from __future__ import annotations

from attnbench.models.presets import DEIT
from attnbench.reproduce.model_checks import counted_params
from attnbench.reproduce.savings import Bounds, bounds, deit, levit_bounds, reached_at, saving
from attnbench.reproduce.span import Outcome, Span, agrees, exact, is_possible
from attnbench.reproduce.table_checks import cell, fall

TABLE1 = "table1"


def saving_possible(claimed: Span, size: str, of: str, bound: str) -> Outcome:
    """Whether a saving over DeiT is within a bound; the claim is the saving itself."""
    if of == TABLE1:
        saved = printed_fall(size, "flops_G")
    else:
        saved = exact(100 * (1 - deit(size).macs(of) / deit(size).macs("dense")))
    outcome = is_possible(saved, _percent(bounds(deit(size)), bound))
    return Outcome(computed=outcome.computed, holds=outcome.holds and claimed.meets(saved))


def levit_saving_possible(claimed: Span, width: str, bound: str) -> Outcome:
    """Whether a saving over LeViT is within a bound."""
    return is_possible(claimed, _percent(levit_bounds(width), bound))


def deit_saving(claimed: Span, size: str, impl: str) -> Outcome:
    """Percent that 30 anchors save in DeiT at 224 px."""
    return agrees(claimed, exact(100 * saving(deit(size), impl)))


def reached(claimed: Span, size: str, impl: str) -> Outcome:
    """Image side in px from which 30 anchors save as much of DeiT as table 1 prints."""
    return agrees(claimed, exact(side_of_printed_saving(size, impl) or 0))


def parameter_cut_possible(claimed: Span, size: str, of: str) -> Outcome:
    """Whether a cut is within DeiT's query projections, all that anchors replace."""
    dim, depth = DEIT[size]["dim"], DEIT[size]["depth"]
    total = counted_params(claimed, f"deit-{size}").computed.value * 1e6
    queries = exact(100 * depth * (dim**2 + dim) / total)
    cut = printed_fall(size, "params_M") if of == TABLE1 else queries
    outcome = is_possible(cut, queries)
    return Outcome(computed=outcome.computed, holds=outcome.holds and claimed.meets(cut))


def printed_fall(size: str, column: str) -> Span:
    """Percent by which a row of AnchorFormer lies below that of DeiT in table 1."""
    rows = (f"{name}-{size.upper()}" for name in ("DeiT", "AnchorFormer"))
    return fall(*(cell(TABLE1, row, column) for row in rows))


def side_of_printed_saving(size: str, impl: str) -> int | None:
    """Image side in px from which 30 anchors save what table 1 prints; None if none does."""
    return reached_at(printed_fall(size, "flops_G").value / 100, size, impl)


def _percent(both: Bounds, bound: str) -> Span:
    return exact(100 * {"kept": both.kept, "removed": both.removed}[bound])
