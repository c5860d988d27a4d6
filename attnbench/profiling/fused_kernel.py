"""Which kernel torch's fused attention used: torch chooses by device, dtype, width and mask.

The unfused path, `math`, consists of plain products and is several times slower. Its numbers must
not pass for those of a fused kernel.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from attnbench.profiling.as_written import as_written
from attnbench.profiling.each_operator import EachOperator, name_of
from attnbench.profiling.latency.timer import Call

_PREFIX = "_scaled_dot_product_"


def fused_backend(call: Call) -> str:
    """Names of the kernels behind `scaled_dot_product_attention` in a call.

    "flash", "efficient", "cudnn", "flash (cpu)" or "math", several joined by ", "; "" if the
    function was not called.
    """
    with as_written(), _Asked() as asked, _Kernels() as kernels:
        call()
    return ", ".join(sorted(kernels.names)) or ("math" if asked.times else "")


class _Asked(TorchFunctionMode):
    """Counts calls of the public function."""

    def __init__(self) -> None:
        super().__init__()
        self.times = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.times += func is F.scaled_dot_product_attention
        return func(*args, **(kwargs or {}))


class _Kernels(EachOperator):
    """Notes the fused kernels; the unfused path appears as its single operators."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if name_of(func) == "scaled_dot_product_attention":  # in inference mode: not decomposed
            with self:
                return func.decompose(*args, **(kwargs or {}))
        return super().__torch_dispatch__(func, types, args, kwargs)

    def see(self, func: Any, args: Any, kwargs: Any, outputs: Any) -> None:
        """Note it if it is one of the kernels."""
        name = name_of(func)
        if name.startswith(_PREFIX) and not name.endswith("_backward"):
            self.names.add(_kind_of(name))


def _kind_of(operator: str) -> str:
    """Its short name: "flash (cpu)" of `_scaled_dot_product_flash_attention_for_cpu`."""
    if operator == f"{_PREFIX}attention_math":
        return "math"
    kind, _, device = operator.removeprefix(_PREFIX).partition("_attention")
    return f"{kind} (cpu)" if device == "_for_cpu" else kind
