"""The call that is timed: a forward pass, a backward pass, both, or a whole training step.

A call can be told to keep what it computes, so that the work that was timed can be verified.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from attnbench.profiling.random_state import RandomState
from attnbench.spec import Mode

STEP_SIZE = 1e-6
"""Learning rate. Thousands of steps must not shrink weights to denormals, which are slow."""
EPSILON, HALF_EPSILON = 1e-8, 1e-4
"""What AdamW adds to its divisor; 1e-8 is zero in float16, and small gradients would become NaN."""
UPSTREAM_SEED = 7
"""Seeds the gradient that arrives at the outputs."""
OUTPUT, INPUT_GRADIENT = "output", "gradient of input"
"""Names among what a call computes."""


class Pass(ABC):
    """A call without arguments that runs a mode on the same memory each time.

    Gradients are computed for the input and for every parameter, from a fixed random gradient at
    the output: one of ones would cancel out behind a normalisation.
    """

    def __init__(self, module: nn.Module, x: Tensor, arguments: Sequence[Any]) -> None:
        self.module = module.train(self.trains)
        self.x = x
        self.arguments = arguments
        self.keep = False
        """Whether the next calls keep what they compute."""
        self._kept: Any = None

    @property
    def trains(self) -> bool:
        """Whether the module is in training mode."""
        return True

    @property
    def varied(self) -> Sequence[Tensor]:
        """What may get other values between two calls."""
        return [self.x]

    @abstractmethod
    def __call__(self) -> None:
        """Run the mode once."""

    def computed(self) -> Mapping[str, Any]:
        """What the last call computed, by name; the output only if it was told to keep it."""
        return {OUTPUT: self._kept}

    def drop(self) -> None:
        """Forget what was kept."""
        self.keep, self._kept = False, None

    def _note(self, outputs: Any) -> None:
        self._kept = outputs if self.keep else None


class Forward(Pass):
    """A forward pass in evaluation mode."""

    @property
    def trains(self) -> bool:
        """See `Pass.trains`."""
        return False

    @torch.inference_mode()
    def __call__(self) -> None:
        """See `Pass`."""
        self._note(self.module(self.x, *self.arguments))


class _WithGradients(Pass):
    def __init__(
        self,
        module: nn.Module,
        x: Tensor,
        arguments: Sequence[Any],
        upstream: Sequence[Tensor] = (),
    ) -> None:
        super().__init__(module, x.requires_grad_(), arguments)
        self.upstream = list(upstream)
        """The gradients that arrive at the outputs."""

    def _arriving(self, outputs: Sequence[Tensor]) -> list[Tensor]:
        """The gradients at the outputs, each in new memory."""
        if [one.shape for one in self.upstream] != [output.shape for output in outputs]:
            self.upstream = _random_like(outputs)
        return [one.clone() for one in self.upstream]

    def _leaves(self) -> dict[str, Tensor]:
        """What gets gradients: the input and the parameters, by name."""
        named = self.module.named_parameters()
        return {"input": self.x, **{name: leaf for name, leaf in named if leaf.requires_grad}}


class Backward(_WithGradients):
    """A backward pass; the forward pass runs once, here, and each call goes through its graph."""

    def __init__(
        self,
        module: nn.Module,
        x: Tensor,
        arguments: Sequence[Any],
        upstream: Sequence[Tensor] = (),
    ) -> None:
        super().__init__(module, x, arguments, upstream)
        self.random = RandomState(x.device)
        """The random numbers before the forward pass."""
        self._outputs = _differentiable(module(x, *arguments))
        self._to = self._leaves()
        self._arriving(self._outputs)

    @property
    def varied(self) -> Sequence[Tensor]:
        """See `Pass`: the graph is bound to the values of the input."""
        return self.upstream

    def __call__(self) -> None:
        """See `Pass`."""
        self._note(
            torch.autograd.grad(
                self._outputs,
                list(self._to.values()),
                self._arriving(self._outputs),
                retain_graph=True,
                allow_unused=True,
            )
        )

    def computed(self) -> Mapping[str, Any]:
        """See `Pass`."""
        kept = self._kept or [None] * len(self._to)
        return {_gradient(name): one for name, one in zip(self._to, kept, strict=True)}


class ForwardBackward(_WithGradients):
    """A forward and a backward pass."""

    def __call__(self) -> None:
        """See `Pass`."""
        for leaf in self._leaves().values():
            leaf.grad = None
        outputs = self.module(self.x, *self.arguments)
        self._note(outputs)
        starts = _differentiable(outputs)
        torch.autograd.backward(starts, self._arriving(starts))

    def computed(self) -> Mapping[str, Any]:
        """See `Pass`."""
        gradients = {_gradient(name): leaf.grad for name, leaf in self._leaves().items()}
        return {OUTPUT: self._kept, **gradients}


class TrainingStep(ForwardBackward):
    """A forward and a backward pass, and an update of the parameters by AdamW."""

    def __init__(self, module: nn.Module, x: Tensor, arguments: Sequence[Any]) -> None:
        super().__init__(module, x, arguments)
        self._optimizer = _optimizer(module)

    def __call__(self) -> None:
        """See `Pass`."""
        super().__call__()
        if self._optimizer:
            self._optimizer.step()


PASSES: Mapping[Mode, type[Pass]] = {
    "forward": Forward,
    "backward": Backward,
    "forward+backward": ForwardBackward,
    "train": TrainingStep,
}


def call_of(mode: Mode, module: nn.Module, x: Tensor, arguments: Sequence[Any] = ()) -> Pass:
    """The call of a mode.

    Args:
        mode: what the call runs.
        module: what is called as `module(x, *arguments)`; set to evaluation mode for `forward`, and
            to training mode otherwise.
        x: the input, a leaf.
        arguments: further arguments of the call.
    """
    return PASSES[mode](module, x, arguments)


def twin_of(call: Pass, twin: nn.Module, x: Tensor) -> Pass:
    """The call on a copy of the module and of the input, without an update of its parameters."""
    if isinstance(call, _WithGradients):
        kind = Backward if isinstance(call, Backward) else ForwardBackward
        return kind(twin, x, call.arguments, call.upstream)
    return Forward(twin, x, call.arguments)


def _optimizer(module: nn.Module) -> torch.optim.AdamW | None:
    """None for a module without parameters."""
    parameters = list(module.parameters())
    if not parameters:
        return None
    half = any(parameter.dtype == torch.float16 for parameter in parameters)
    return torch.optim.AdamW(parameters, lr=STEP_SIZE, eps=HALF_EPSILON if half else EPSILON)


def _gradient(name: str) -> str:
    return f"gradient of {name}"


def _random_like(tensors: Sequence[Tensor]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(UPSTREAM_SEED)
    return [
        torch.randn(one.shape, generator=generator).to(device=one.device, dtype=one.dtype)
        for one in tensors
    ]


def _differentiable(outputs: Any) -> list[Tensor]:
    """The tensors of a nested output that need gradients."""
    tensors = (leaf for leaf in tree_leaves(outputs) if isinstance(leaf, Tensor))
    return [tensor for tensor in tensors if tensor.requires_grad]
