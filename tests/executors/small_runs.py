"""A plug-in with a small model whose cost is not measured, and which may kill its process.

With window attention it ends its process in the second epoch, unless the working folder has a file
that says that this was done. Jobs load it by its path.
"""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from attnbench import register_model
from attnbench.benchmark.runner import open_record
from attnbench.experiments import run
from attnbench.models.pyramid import Pyramid
from attnbench.spec import Protocol

KILLED = "killed"
"""The file in the working folder."""
A_EPOCH = 3
"""Steps."""

run.trained_cost = lambda model, workload, device: replace(
    open_record(workload, Protocol(), device), params=1
)


@register_model("small", family="mine")
class Small(Pyramid):
    """A pyramid that trains in a second."""

    def __init__(
        self,
        num_classes: int,
        img_size: tuple[int, int],
        *,
        attention: str = "dense",
        attention_options: dict[str, object] | None = None,
    ) -> None:
        super().__init__(
            num_classes, img_size, attention=attention, attention_options=attention_options,
            dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), head_width=8, stem_stride=2,
        )  # fmt: skip
        self.dies = attention == "window"
        self.steps = 0

    def forward(self, x: Tensor) -> Tensor:
        self.steps += self.training
        mark = Path(KILLED)
        if self.dies and self.steps > A_EPOCH and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(x)
