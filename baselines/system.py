"""A baseline system: its name here, its source, and what builds it.

Loads neither torch nor timm. `results/paper/` holds the published cost and accuracy of the systems
and the input sizes of both; its `systems.csv` joins them to the names given here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from attnbench.registry import Entry

NO_LICENCE = "no licence"
"""In place of an identifier where a repository has no licence file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The publication of a family of systems, and its code."""

    paper: str
    link: str
    code: str
    """The authors' own repository."""
    licence: str
    """Licence of that repository, as an SPDX identifier, or `NO_LICENCE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """One system; `entry` is its row in the registry of models."""

    name: str
    family: str
    """Family of its attention (dense, window, sparse …), or convolution if it has none."""
    source: Source
    summary: str
    target: str
    """Import string of its builder."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword options of the builder that the name stands for."""
    pretrained: bool = False
    """Whether `create_model(name, pretrained=True)` loads published weights."""

    @property
    def entry(self) -> Entry:
        """Its row in the registry."""
        return Entry(
            kind="model",
            name=self.name,
            target=self.target,
            family=self.family,
            summary=f"{self.summary} ({self.source.licence})",
            paper=self.source.paper,
            link=self.source.link,
            options=self.options,
        )


def timm_systems(names: Mapping[str, str], *, family: str, source: Source) -> tuple[System, ...]:
    """Systems from timm, with published weights.

    Args:
        names: name here → timm's name with the tag of the weights, such as "deit_tiny.fb_in1k".
        family: family of the attention.
        source: the publication.
    """
    return tuple(
        System(
            name=name,
            family=family,
            source=source,
            summary=f"timm's {timm_name.partition('.')[0]}",
            target="baselines.timm_models:create_timm_model",
            options={"timm_name": timm_name},
            pretrained=True,
        )
        for name, timm_name in names.items()
    )
