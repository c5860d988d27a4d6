"""What is measured and how: the settings, frozen and checked at birth.

`Workload` is one attention layer on one input, `ModelWorkload` one whole model on one image
size. `Protocol` says how a cost is measured, `Recipe` how a model is trained.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from math import isqrt
from typing import Any, Literal, get_args

from attnbench.errors import UserError

DType = Literal["float32", "bfloat16", "float16"]
Mode = Literal["forward", "backward", "forward+backward", "train"]
"""`train` is a whole training step: forward, backward and an update of the parameters."""
Cache = Literal["auto", "cold", "warm"]
Grid = tuple[int, int]
DTYPES, MODES, CACHES = (get_args(choices) for choices in (DType, Mode, Cache))

MAX_ASPECT_RATIO = 2.0
"""A token grid longer than this is no image that vision transformers are used on."""


def _at_least(minimum: float, **values: float) -> None:
    """Refuse a value below the minimum; the keyword is the flag's name without dashes."""
    for name, value in values.items():
        if not value >= minimum:
            flag = "--" + name.replace("_", "-")
            raise UserError(f"{flag} must be at least {minimum:g}, got {value:g}")


def _above_zero(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise UserError(f"--{name.replace('_', '-')} must be above 0, got {value:g}")


def _one_of(choices: Sequence[str], **values: str) -> None:
    for name, value in values.items():
        if value not in choices:
            allowed = ", ".join(choices)
            raise UserError(f"--{name} must be one of {allowed}; got {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One attention layer, built and called: `grid` is (height, width) in tokens."""

    attention: str
    grid: Grid
    dim: int = 192
    num_heads: int = 3
    batch: int = 1
    dtype: DType = "float32"
    mode: Mode = "forward"
    impl: str = "reference"
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword options of the mechanism, such as `num_anchors`."""

    def __post_init__(self) -> None:
        _at_least(1, n_tokens=min(self.grid), dim=self.dim, heads=self.num_heads, batch=self.batch)
        _one_of(DTYPES, dtype=self.dtype)
        _one_of(MODES, mode=self.mode)
        if self.dim % self.num_heads:
            raise UserError(
                f"--heads must divide --dim: {self.dim} is no multiple of {self.num_heads}"
            )
        _at_least(1, anchors=self.options.get("num_anchors", 1))

    @property
    def num_tokens(self) -> int:
        """Tokens of the map, class tokens not counted."""
        return self.grid[0] * self.grid[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWorkload:
    """One whole model on images of (height, width) pixels."""

    model: str
    attention: str
    """The mechanism inside, or "" where the model is no trunk of ours."""
    img_size: tuple[int, int]
    num_classes: int
    batch: int = 1
    dtype: DType = "float32"
    mode: Mode = "forward"
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _at_least(1, img_size=min(self.img_size), batch=self.batch)
        _at_least(2, num_classes=self.num_classes)
        _one_of(DTYPES, dtype=self.dtype)
        _one_of(MODES, mode=self.mode)


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """How a cost is measured: warm up until steady, then sample until the median is known."""

    warmup_s: float = 0.3
    """At least; longer, by up to ten times, until the calls have become steady."""
    min_samples: int = 30
    precision: float = 0.01
    """Stop when the 95 % interval of the median is narrower than this share of the median …"""
    time_budget_s: float = 2.0
    """… or when this much time a cell has gone into sampling, warm-up not counted."""
    cache: Cache = "auto"
    """Whether caches are flushed before each sample; `auto` is cold on a GPU, warm on the CPU."""
    energy: bool = False
    """Whether to meter energy too, which takes several seconds a cell."""

    def __post_init__(self) -> None:
        _at_least(0, warmup=self.warmup_s)
        _at_least(1, min_samples=self.min_samples)
        _above_zero(precision=self.precision, time_budget=self.time_budget_s)
        _one_of(CACHES, cache=self.cache)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a model is trained: every knob, so that two rows with equal recipes are comparable."""

    data: str
    """Name of the set; for a folder its last component."""
    img_size: int
    epochs: int
    batch_size: int = 128
    lr: float = 1e-3
    """Peak learning rate of AdamW."""
    weight_decay: float = 0.05
    warmup_epochs: float = 1.0
    label_smoothing: float = 0.1
    crop_padding: int = 0
    """Pixels of reflected border from which a crop of the image's size is taken."""
    flip: bool = False
    """Mirror half of the images; right for photographs, wrong for digits."""
    clip_grad: float = 1.0
    autocast: Literal["none", "bfloat16"] = "none"
    seed: int = 0

    def __post_init__(self) -> None:
        _at_least(1, epochs=self.epochs, batch_size=self.batch_size, img_size=self.img_size)
        _at_least(0, seed=self.seed, weight_decay=self.weight_decay)
        _at_least(0, warmup_epochs=self.warmup_epochs, crop_padding=self.crop_padding)
        _at_least(0, clip_grad=self.clip_grad, label_smoothing=self.label_smoothing)
        _above_zero(lr=self.lr)


def as_plain(spec: object) -> dict[str, Any]:
    """The fields of a dataclass that holds none, ready for JSON or a hash.

    A whole number of seconds is written as any other: 1 and 1.0 are one cell.
    """
    cls: type = type(spec)
    plain = {name: getattr(spec, name) for name in _names(cls)}
    for name in _floats(cls):
        plain[name] = float(plain[name])
    return plain


@cache
def _names(cls: type) -> tuple[str, ...]:
    return tuple(known.name for known in fields(cls))


@cache
def _floats(cls: type) -> tuple[str, ...]:
    return tuple(known.name for known in fields(cls) if known.type in (float, "float"))


def identity(workload: Workload | ModelWorkload, impl: str | None = None) -> Hashable:
    """What tells a workload from others: equal for those that are; with another `impl` if given."""
    plain = as_plain(workload)
    if impl is not None:
        plain["impl"] = impl
    options = plain.pop("options")
    return type(workload), json_in_order(options) if options else "", *plain.values()


json_in_order = json.JSONEncoder(sort_keys=True).encode
"""JSON with sorted keys; to make an encoder for each call takes longer than to encode."""


def grid_of(num_tokens: int) -> Grid:
    """The squarest (height, width) with that many tokens.

    Raises:
        UserError: no grid with an aspect ratio up to 2 has that many tokens; the nearest token
            counts that have one are named.
    """
    _at_least(1, n_tokens=num_tokens)
    grid = _squarest(num_tokens)
    if not _is_useful(grid):
        below, above = (_nearest_useful(num_tokens, step) for step in (-1, 1))
        raise UserError(
            f"--n-tokens {num_tokens} has no useful grid (its squarest is {grid[0]} × {grid[1]}); "
            + "the nearest that have one: "
            + ", ".join(f"{h * w} ({h} × {w})" for h, w in (below, above))
        )
    return grid


def grid_of_image(resolution: tuple[int, int], patch: int) -> Grid:
    """The token grid of an image of (height, width) pixels cut into square patches."""
    _at_least(1, patch=patch, resolution=min(resolution))
    for side in resolution:
        if side % patch:
            low, high = side // patch * patch, (side // patch + 1) * patch
            nearest = f"{low} or {high}" if low else f"{high}"
            raise UserError(
                f"--resolution {side} is no multiple of --patch {patch}; nearest: {nearest}"
            )
    return resolution[0] // patch, resolution[1] // patch


def _squarest(num_tokens: int) -> Grid:
    height = next(h for h in range(isqrt(num_tokens), 0, -1) if num_tokens % h == 0)
    return height, num_tokens // height


def _is_useful(grid: Grid) -> bool:
    return grid[1] <= MAX_ASPECT_RATIO * grid[0]


def _nearest_useful(num_tokens: int, step: int) -> Grid:
    while not _is_useful(_squarest(num_tokens)):
        num_tokens += step
    return _squarest(num_tokens)
