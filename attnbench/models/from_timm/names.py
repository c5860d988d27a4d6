"""The names of timm's models as rows of the registry of models. Loads no torch before it is asked.

A name is that of an architecture, such as "resnet18", with or without the tag of published
weights, as in "resnet18.a1_in1k". The tag decides the default input size; weights stay random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from attnbench.errors import UserError
from attnbench.registry import Entry

PREFIX = "timm:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """One line of `attnbench list models --timm`."""

    name: str
    """With the prefix, as every command takes it."""
    family: str
    """timm's module, such as "swin_transformer"."""
    input_size: tuple[int, int]
    """Height and width that it is built for by default, in pixels."""


def entry_of(timm_name: str) -> Entry:
    """The row of one of timm's models.

    Raises:
        UserError: timm has no such model; the nearest names are given.
    """
    import timm

    _refuse_unknown(timm_name)
    return Entry(
        kind="model",
        name=f"{PREFIX}{timm_name}",
        target="attnbench.models.from_timm.create:create_timm_model",
        family=_module_of(timm_name),
        summary=f"timm {timm.__version__}'s {timm_name}",
        link="https://github.com/huggingface/pytorch-image-models",
        options={"timm_name": timm_name},
    )


def architectures(pattern: str) -> list[Architecture]:
    """The models of timm whose names match a shell pattern such as "swin*".

    Raises:
        UserError: none matches.
    """
    import timm

    names = timm.list_models(pattern.removeprefix(PREFIX))
    if not names:
        raise UserError(
            f"no model of timm matches {pattern!r}; a pattern must match the whole name, as "
            "'*swin*' does"
        )
    return [
        Architecture(
            name=f"{PREFIX}{name}", family=_module_of(name), input_size=default_input_size(name)
        )
        for name in names
    ]


def default_input_size(timm_name: str) -> tuple[int, int]:
    """Height and width that timm builds the model for, in pixels."""
    import timm

    config = timm.get_pretrained_cfg(timm_name)
    height, width = config.input_size[1:] if config else (224, 224)
    return height, width


def _module_of(timm_name: str) -> str:
    import timm

    module: str = timm.model_entrypoint(timm_name).__module__
    return module.rpartition(".")[2]


def _refuse_unknown(timm_name: str) -> None:
    import timm

    architecture, _, tag = timm_name.partition(".")
    if not timm.is_model(architecture):
        near = get_close_matches(architecture, timm.list_models(), n=3, cutoff=0.5)
        raise UserError(_unknown(timm_name, near, f"*{architecture[:4]}*"))
    tagged = timm.list_models(f"{architecture}.*", pretrained=True) if tag else []
    if tag and timm_name not in tagged:
        raise UserError(_unknown(timm_name, [architecture, *tagged], f"{architecture}*"))


def _unknown(timm_name: str, near: Sequence[str], pattern: str) -> str:
    found = " or ".join(f"{PREFIX}{name}" for name in near)
    hint = f"did you mean {found}?" if found else "nothing is near that name."
    return f"timm has no model {timm_name!r}: {hint} `attnbench list models --timm '{pattern}'`"
