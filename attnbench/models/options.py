"""What a model takes, asked by its name: keyword options, and the attention inside."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from attnbench.registry import ATTENTIONS, MODELS

INSIDE = "attention_options"
"""Keyword of a trunk of ours for the options of the attention inside."""


def keywords_of(model: str) -> dict[str, inspect.Parameter]:
    """The keyword options of what builds a model."""
    parameters = inspect.signature(MODELS.load(model)).parameters.items()
    return {name: p for name, p in parameters if p.kind is p.KEYWORD_ONLY}


def takes_any_keyword(model: str) -> bool:
    """Whether what builds a model has `**options`: then only building tells what it takes."""
    parameters = inspect.signature(MODELS.load(model)).parameters.values()
    return any(p.kind is p.VAR_KEYWORD for p in parameters)


def attention_inside(model: str, options: Mapping[str, Any]) -> str:
    """The mechanism inside a model, or "" for a model that takes no registered mechanism."""
    parameter = keywords_of(model).get("attention")
    if parameter is None:
        return ""
    chosen = {**options, **MODELS.find(model).options}
    name = chosen.get("attention", parameter.default)
    if name is None and "backbone" in chosen:  # a head over a backbone that decides
        return attention_inside(chosen["backbone"], {})
    return name if name in ATTENTIONS.names() else ""
