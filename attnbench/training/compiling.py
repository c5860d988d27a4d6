"""Training with torch.compile.

Modules are compiled in place: their names, and so the names in checkpoints, stay as they are, and a
run may go on with or without the compiler. What is computed differs by rounding, and dropout draws
other numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn

from attnbench.bounds import shortened_message
from attnbench.errors import UserError
from attnbench.spec import Recipe

COMPILER = "inductor"
"""The backend that `--compile` takes."""


def refuse_compiler(recipe: Recipe, backend: str) -> None:
    """Refuse what torch's compiler does not take, before the first step.

    Raises:
        UserError: blocks are to be computed again.
    """
    if backend and recipe.recompute:
        raise UserError(
            "--compile and --recompute exclude each other: the compiler does not take blocks that "
            "are computed again; leave out one of them"
        )


@contextmanager
def compiled(modules: Sequence[nn.Module], backend: str) -> Iterator[None]:
    """The modules compiled by a backend of torch; "" leaves them as they are.

    Each size of batch is compiled for itself, when it first comes: that of the last batch too. The
    compiler forgets all it knows at the start and at the end, or the next model of the same class
    would count as a variant of this one, and after eight variants torch gives up.

    Raises:
        UserError: the compiler fails on a module.
    """
    if not backend:
        yield
        return
    from torch._dynamo.exc import TorchDynamoException

    torch.compiler.reset()
    for module in modules:
        module.compile(backend=backend, dynamic=False)
    try:
        yield
    except TorchDynamoException as error:
        raise UserError(
            f"--compile: {type(modules[0]).__name__} cannot be compiled with {backend} "
            f"({_reason(error)}); leave it out"
        ) from error
    finally:
        for module in modules:
            module._compiled_call_impl = None
        torch.compiler.reset()


def _reason(error: Exception) -> str:
    """What a message of the compiler says before it shows where and how to look further."""
    text = " ".join(str(error).partition("\n\n")[0].split())
    return shortened_message(f"{type(error).__name__}: {text}")
