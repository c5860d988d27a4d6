"""Build attentions by name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from attnbench.attention.base import Attention
from attnbench.errors import UserError
from attnbench.registry import ATTENTIONS


def attention_class(name: str) -> type[Attention]:
    """The class registered under `name`."""
    target = ATTENTIONS.load(name)
    if not (isinstance(target, type) and issubclass(target, Attention)):
        raise UserError(f"attention {name!r} must be a subclass of attnbench.Attention")
    return target


def create_attention(name: str, dim: int, num_heads: int, **options: Any) -> Attention:
    """Build the attention registered under `name`.

    Raises:
        UserError: unknown name, an option that the mechanism does not have, or sizes that do
            not fit.
    """
    cls = attention_class(name)
    known = accepted_options(cls)
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise UserError(
            f"attention {name!r} has no option {', '.join(unknown)}; it has: {', '.join(known)}"
        )
    return cls(dim, num_heads, **options)


def placed_attention(
    name: str, dim: int, num_heads: int, stage: int, block: int, options: Mapping[str, Any]
) -> Attention:
    """Build the attention of one block of a trunk.

    Args:
        name: as registered.
        dim: channels of a token.
        num_heads: must divide `dim`.
        stage: see `Attention.options_at`.
        block: index of the block inside its stage.
        options: they override what follows from stage and block.
    """
    of_block = attention_class(name).options_at(stage=stage, block=block)
    return create_attention(name, dim, num_heads, **{**of_block, **options})


def accepted_options(cls: type[Attention]) -> list[str]:
    """Names of the keyword options of a mechanism, those passed on to the base included."""
    names: list[str] = []
    for owner in cls.__mro__:
        if owner is Attention or "__init__" in vars(owner):
            parameters = inspect.signature(vars(owner)["__init__"]).parameters.values()
            names += [
                p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in names
            ]
            if not any(p.kind is p.VAR_KEYWORD for p in parameters):
                break
    return names
