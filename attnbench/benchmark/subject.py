"""The subject of a workload: how to build its module, and which input the module takes.

The runner treats every subject alike, one attention layer or a whole model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, singledispatch
from typing import Any

import torch
from torch import nn

from attnbench.analysis.naming import subject_name
from attnbench.attention.base import Attention
from attnbench.attention.factory import attention_class, create_attention
from attnbench.benchmark.sources import code_hash
from attnbench.kernels.availability import reason_against
from attnbench.kernels.conditions import CallConditions
from attnbench.models.factory import create_model
from attnbench.registry import MODELS
from attnbench.spec import AnyWorkload, ModelWorkload, Workload

IN_CHANS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A module that can be built and called on one input."""

    name: str
    """A short description, for progress and errors."""
    build: Callable[[], nn.Module]
    input_shape: tuple[int, ...]
    arguments: tuple[Any, ...] = ()
    """What the call takes besides the input."""
    output_shape: tuple[int, ...] | None = None
    """None where the output may be any nest of tensors."""
    unsupported: Callable[[torch.device], str | None] = lambda device: None
    """Why it cannot run on a device, or None where it can."""
    stated_macs: Callable[[nn.Module], int] | None = None
    """Its closed form of multiply-accumulates, where it has one."""
    owners: tuple[Any, ...] = ()
    """Classes and functions that define its code."""

    @property
    def code(self) -> str:
        """Hash of its code; numbers of other code are stale."""
        return code_hash(*self.owners) if self.owners else ""


@singledispatch
def subject_of(workload: AnyWorkload) -> Subject:
    """The subject of a workload; nothing is built yet."""
    raise TypeError(f"nothing can be built of a {type(workload).__name__}")


@subject_of.register
def _layer(workload: Workload) -> Subject:
    cls = attention_class(workload.attention)

    def build() -> nn.Module:
        options = {"impl": workload.impl, **workload.options}
        return create_attention(workload.attention, workload.dim, workload.num_heads, **options)

    def stated_macs(layer: nn.Module) -> int:
        assert isinstance(layer, Attention)
        return layer.macs(workload.grid, workload.batch)

    return Subject(
        name=subject_name(workload),
        build=build,
        input_shape=(workload.batch, workload.num_tokens, workload.dim),
        arguments=(workload.grid,),
        output_shape=(workload.batch, workload.num_tokens, workload.dim),
        unsupported=partial(_reason_against, cls, workload),
        stated_macs=stated_macs,
        owners=(cls,),
    )


def _reason_against(cls: type[Attention], workload: Workload, device: torch.device) -> str | None:
    """Why the mechanism or the implementation cannot run the workload on this device.

    A mechanism whose `unsupported` raises counts as unable.
    """
    try:
        reason = cls.unsupported(workload)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger may raise anything
        return f"{cls.__name__}.unsupported raised {type(error).__name__}: {error}"
    conditions = CallConditions(
        device=device.type,
        dtype=getattr(torch, workload.dtype),
        head_dim=workload.dim // workload.num_heads,
        gradients=workload.mode != "forward",
        options=workload.options,
    )
    return reason or reason_against(workload.impl, conditions)


@subject_of.register
def _model(workload: ModelWorkload) -> Subject:
    height, width = workload.img_size
    # A plug-in's mechanism lies outside our packages; its changes count too.
    inside = [attention_class(workload.attention)] if workload.attention else []

    def build() -> nn.Module:
        return create_model(
            workload.model,
            num_classes=workload.num_classes,
            img_size=height if height == width else (height, width),
            **workload.options,
        )

    return Subject(
        name=subject_name(workload),
        build=build,
        input_shape=(workload.batch, IN_CHANS, height, width),
        owners=(MODELS.load(workload.model), *inside),
    )
