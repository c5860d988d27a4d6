"""One model in several processes: torch's DDP adds up the gradients of all of them.

A model that is sharded (`training.sharding`) does that itself. What DDP wraps is not the model but
its loss: losses that modules add themselves, and heads that are taken apart, are then part of what
it sees. Parameters that a step does not use are allowed.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from attnbench import together
from attnbench.tasks.whole_batch import sharing
from attnbench.training.batch_norm import shared_statistics
from attnbench.training.sharding import is_sharded
from attnbench.training.share import Part

Loss = Callable[[Tensor, Any], Tensor]
"""From images and targets to the mean loss."""


class Parallel:
    """The loss of parts of a batch, with the gradients of all processes; alone just the loss."""

    def __init__(self, model: nn.Module, loss: Loss) -> None:
        """The model is on its device; it gets the weights of the first process.

        Args:
            model: what is trained.
            loss: calls it.
        """
        self._loss: Any = loss
        self._model: Any = model
        self._sharded = is_sharded(model)
        self._ddp: DistributedDataParallel | None = None
        if together.size() > 1 and not self._sharded:
            self._ddp = self._loss = DistributedDataParallel(
                _Loss(model, loss), find_unused_parameters=True
            )

    @contextmanager
    def part(self, part: Part, *, is_last: bool) -> Iterator[Callable[[], Tensor]]:
        """The loss of a part of a batch: call it, and its `backward`, within the block.

        Args:
            part: what this process sees.
            is_last: whether the gradients of the batch are complete with it.
        """
        if together.size() == 1:
            yield lambda: self._loss(part.images, part.targets)
            return
        with warnings.catch_warnings(), sharing(part.counted, part.whole):
            # That all parameters were used, or that gradients lie in another order than DDP likes.
            warnings.filterwarnings("ignore", message=".*(find_unused|[Gg]rad strides).*")
            with shared_statistics(), self._synchronised(is_last):
                yield lambda: self._loss(part.images, part.targets)

    @contextmanager
    def _synchronised(self, is_last: bool) -> Iterator[None]:
        if self._sharded:
            self._model.set_requires_gradient_sync(is_last)
        with nullcontext() if is_last or self._ddp is None else self._ddp.no_sync():
            yield


class _Loss(nn.Module):
    def __init__(self, model: nn.Module, loss: Loss) -> None:
        super().__init__()
        self.model = model
        self.loss = loss

    def forward(self, images: Tensor, targets: Any) -> Tensor:
        return self.loss(images, targets)
