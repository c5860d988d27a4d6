"""Watches each operator of a call."""

from __future__ import annotations

from typing import Any

from torch._ops import HigherOrderOperator, OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

Operator = OpOverload | HigherOrderOperator


class EachOperator(TorchDispatchMode):
    """Tells `see` of each operator after it ran.

    An operator of higher order, such as FlexAttention or `torch.cond`, is one operator: those that
    it calls are not seen.
    """

    supports_higher_order_operators = True

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        outputs = func(*args, **kwargs)
        self.see(func, args, kwargs, outputs)
        return outputs

    def see(self, func: Operator, args: Any, kwargs: Any, outputs: Any) -> None:
        """Look at one operator, its arguments and its outputs."""


def name_of(operator: Operator) -> str:
    """Its short name, without library and overload."""
    if isinstance(operator, HigherOrderOperator):
        return operator.name()
    return str(operator._overloadpacket.__name__)


def is_view(operator: Operator) -> bool:
    """Whether its output is the memory that it was given."""
    return isinstance(operator, OpOverload) and operator.is_view
