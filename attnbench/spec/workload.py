"""What is measured: one attention layer at one input size, or one model at one image size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, get_args

from attnbench.errors import UserError
from attnbench.spec.grid import Grid
from attnbench.spec.validation import one_of, pair_within, within

DType = Literal["float32", "bfloat16", "float16"]
Mode = Literal["forward", "backward", "forward+backward", "train"]
"""`train` is a whole training step: forward, backward and an update of the parameters."""
Kind = Literal["layer", "model"]
DTYPES, MODES = (get_args(choices) for choices in (DType, Mode))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One attention layer on a map of `grid` (height, width) tokens."""

    kind: ClassVar[Kind] = "layer"

    attention: str
    grid: Grid
    dim: int = 192
    num_heads: int = 3
    batch: int = 1
    dtype: DType = "float32"
    mode: Mode = "forward"
    impl: str = "reference"
    options: Mapping[str, Any] = field(default_factory=dict)
    """Keyword options of the mechanism."""
    seed: int = 0
    """Seeds the weights and the input."""

    def __post_init__(self) -> None:
        pair_within(n_tokens=self.grid)
        within(n_tokens=self.num_tokens, dim=self.dim, heads=self.num_heads)
        within(batch=self.batch, seed=self.seed)
        one_of(DTYPES, dtype=self.dtype)
        one_of(MODES, mode=self.mode)
        if self.dim % self.num_heads:
            raise UserError(
                f"--heads must divide --dim: {self.dim} is no multiple of {self.num_heads}"
            )

    @property
    def num_tokens(self) -> int:
        """Tokens of the map, class tokens not counted."""
        return self.grid[0] * self.grid[1]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of one input in tokens."""
        return self.grid

    @property
    def extent(self) -> int:
        """Size of one input: tokens."""
        return self.num_tokens

    def comparison(self) -> Workload:
        """What the workloads of one comparison share: everything except the attention."""
        return replace(self, attention="", impl="", options={})

    def without_size(self) -> Workload:
        """The workload without its size: two that differ only in size give the same."""
        return replace(self, grid=(1, 1), batch=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWorkload:
    """One whole model on images of (height, width) pixels."""

    kind: ClassVar[Kind] = "model"
    impl: ClassVar[str] = ""
    """A whole model names no implementation."""

    model: str
    attention: str
    """The mechanism inside, or "" where the model is no trunk of ours."""
    img_size: tuple[int, int]
    num_classes: int
    batch: int = 1
    dtype: DType = "float32"
    mode: Mode = "forward"
    options: Mapping[str, Any] = field(default_factory=dict)
    task: str = "classification"
    """The task that the model's head is for."""
    seed: int = 0
    """Seeds the weights and the input."""

    def __post_init__(self) -> None:
        pair_within(img_size=self.img_size)
        within(num_classes=self.num_classes, batch=self.batch, seed=self.seed)
        one_of(DTYPES, dtype=self.dtype)
        one_of(MODES, mode=self.mode)

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of one input in pixels."""
        return self.img_size

    @property
    def extent(self) -> int:
        """Size of one image: pixels."""
        return self.img_size[0] * self.img_size[1]

    def comparison(self) -> ModelWorkload:
        """Itself: models are measured one by one."""
        return self

    def without_size(self) -> ModelWorkload:
        """The workload without its size: two that differ only in size give the same."""
        return replace(self, img_size=(1, 1), batch=1)


AnyWorkload = Workload | ModelWorkload
