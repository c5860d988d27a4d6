"""What only shows above the operators: einsum, complex convolutions, and data that leaves torch.

torch takes these apart before a counter of operators sees them:

- An einsum of three operands becomes products of two, in an order that depends on what is
  installed.
- A complex convolution becomes three real ones, with additions. A complex product counts as four
  real ones, so it is replaced by four while it is counted.
- Values that NumPy or Python take over are worked on where no counter looks.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils._pytree import tree_leaves

from attnbench.profiling.counting.origins import Constants

CONVOLUTIONS = frozenset(
    {
        torch.conv1d, torch.conv2d, torch.conv3d,
        torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d,
    }
)  # fmt: skip
LEAVING = frozenset(
    {Tensor.numpy, Tensor.__array__, Tensor.tolist, Tensor.data_ptr, Tensor.__dlpack__}
)
"""Methods by which other code than torch gets at the values."""


class Functions(TorchFunctionMode):
    """Watches the calls of torch's functions, and replaces complex convolutions."""

    def __init__(self, constants: Constants | None = None) -> None:
        """Watch; `constants` are the tensors whose values do not depend on the input."""
        super().__init__()
        self.constants = constants
        self.long_einsums: list[tuple[int, str]] = []
        """Operands and equation of each einsum of more than two."""
        self.leaving: set[str] = set()
        """Names of the methods by which values left torch."""
        self.reads: set[str] = set()
        """Those by which values left that may depend on the input."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.functional.einsum:
            self._watch_einsum(args)
        elif func in LEAVING:
            self._watch_leaving(resolve_name(func) or str(func), args[:1])
        elif func in CONVOLUTIONS and _is_complex(args, kwargs):
            return _by_real_convolutions(func, *args, **kwargs)
        return func(*args, **kwargs)

    def _watch_leaving(self, name: str, tensors: Any) -> None:
        self.leaving.add(name)
        if self.constants is not None and not self.constants.include(tensors):
            self.reads.add(name.rpartition(".")[2].strip("_"))

    def _watch_einsum(self, args: Any) -> None:
        operands = sum(isinstance(leaf, Tensor) for leaf in tree_leaves(args))
        if operands > 2:
            equation = args[0] if isinstance(args[0], str) else ""
            self.long_einsums.append((operands, equation))


def _is_complex(args: Any, kwargs: Any) -> bool:
    leaves = tree_leaves((args, kwargs))
    return any(isinstance(leaf, Tensor) and leaf.is_complex() for leaf in leaves)


def _by_real_convolutions(
    convolve: Any, input: Tensor, weight: Tensor, bias: Tensor | None = None, *args: Any, **kw: Any
) -> Tensor:
    """(a + ib) ∗ (c + id) = (a∗c - b∗d) + i (a∗d + b∗c)."""

    def of(image: Tensor, kernel: Tensor) -> Tensor:
        return convolve(image, kernel, None, *args, **kw)

    out = torch.complex(
        of(input.real, weight.real) - of(input.imag, weight.imag),
        of(input.real, weight.imag) + of(input.imag, weight.real),
    )
    return out if bias is None else out + bias.reshape(-1, *[1] * (weight.dim() - 2))
