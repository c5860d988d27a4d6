"""Are two results the same, but for the order of additions?"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

TOLERANCE = {
    torch.float64: 1e-6, torch.float32: 1e-3, torch.bfloat16: 3e-2, torch.float16: 1e-2,
    torch.complex64: 1e-3, torch.complex128: 1e-6,
}  # fmt: skip
"""Share of the size of the result: far above what the order of additions changes, far below bugs.
Other dtypes must be equal."""
NOT_FINITE_TOLERANCE = 0.01
"""Share of the elements that may overflow in one of two results and not in the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """How far two results are apart, as shares."""

    largest: float
    """Largest difference ÷ largest element, of those that are finite in both."""
    typical: float
    """The same of the root mean squares."""
    not_finite: float
    """Share of the elements that are finite in one of them alone, or infinite with other sign."""

    def within(self, dtype: torch.dtype) -> bool:
        """Whether they are the same at this dtype."""
        return self.relative <= TOLERANCE.get(dtype, 0.0) and not self.overflows

    @property
    def relative(self) -> float:
        """The larger of the two shares."""
        return max(self.largest, self.typical)

    @property
    def overflows(self) -> bool:
        """Whether more than a few elements are finite in one of the two alone."""
        return self.not_finite > NOT_FINITE_TOLERANCE


@torch.no_grad()
def distance(given: Tensor, expected: Tensor) -> Distance:
    """Compare two tensors of one shape and dtype."""
    if expected.numel() == 0 or torch.equal(given, expected):  # the usual case, and the cheapest
        return Distance(largest=0.0, typical=0.0, not_finite=0.0)
    if not (expected.is_floating_point() or expected.is_complex()):
        return Distance(largest=1.0, typical=1.0, not_finite=0.0)
    wide = torch.complex128 if expected.is_complex() else torch.float64
    one, other = given.to(wide), expected.to(wide)
    finite = one.isfinite() & other.isfinite()
    apart = one.isfinite() ^ other.isfinite() | (one.isinf() & other.isinf() & (one != other))
    difference, size = (one - other)[finite].abs(), other[finite].abs()
    return Distance(
        largest=_share(difference, size, "max"),
        typical=_share(difference, size, "rms"),
        not_finite=apart.double().mean().item(),
    )


def _share(difference: Tensor, size: Tensor, of: str) -> float:
    """A difference as a share of a size; infinite where something differs from zeros."""
    if difference.numel() == 0:
        return 0.0
    above, below = (
        one.max().item() if of == "max" else one.square().mean().sqrt().item()
        for one in (difference, size)
    )
    if not above:
        return 0.0
    return above / below if below else float("inf")


def share_not_finite(tensor: Tensor) -> float:
    """Share of the elements that are NaN or infinite."""
    if tensor.numel() == 0 or not (tensor.is_floating_point() or tensor.is_complex()):
        return 0.0
    return 1 - tensor.isfinite().double().mean().item()


def says_nothing(tensor: Tensor) -> bool:
    """Whether all elements are equal, or all tokens of a layer are: no input can be seen in it."""
    if tensor.numel() == 0:
        return False
    if bool((tensor == tensor.flatten()[0]).all()):
        return True
    return tensor.ndim == 3 and tensor.shape[1] > 1 and bool((tensor == tensor[:1, :1]).all())
