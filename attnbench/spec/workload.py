"""What is measured: one attention layer on one input, or one whole model on one image size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, get_args

from attnbench.errors import UserError
from attnbench.spec.grid import Grid
from attnbench.spec.validation import at_least, one_of

DType = Literal["float32", "bfloat16", "float16"]
Mode = Literal["forward", "backward", "forward+backward", "train"]
"""`train` is a whole training step: forward, backward and an update of the parameters."""
Kind = Literal["layer", "model"]
DTYPES, MODES = (get_args(choices) for choices in (DType, Mode))


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One attention layer, built and called: `grid` is (height, width) in tokens."""

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
    """Keyword options of the mechanism, such as `num_anchors`."""

    def __post_init__(self) -> None:
        at_least(1, n_tokens=min(self.grid), dim=self.dim, heads=self.num_heads, batch=self.batch)
        one_of(DTYPES, dtype=self.dtype)
        one_of(MODES, mode=self.mode)
        if self.dim % self.num_heads:
            raise UserError(
                f"--heads must divide --dim: {self.dim} is no multiple of {self.num_heads}"
            )
        at_least(1, anchors=self.options.get("num_anchors", 1))

    @property
    def num_tokens(self) -> int:
        """Tokens of the map, class tokens not counted."""
        return self.grid[0] * self.grid[1]

    @property
    def extent(self) -> int:
        """Size of the input, batch apart: tokens."""
        return self.num_tokens

    def comparison(self) -> Workload:
        """What workloads have in common that are compared with each other."""
        return replace(self, attention="", impl="", options={})

    def without_size(self) -> Workload:
        """The workload with its size taken out: equal ones differ in size alone."""
        return replace(self, grid=(1, 1), batch=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelWorkload:
    """One whole model on images of (height, width) pixels."""

    kind: ClassVar[Kind] = "model"

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

    def __post_init__(self) -> None:
        at_least(1, img_size=min(self.img_size), batch=self.batch)
        at_least(2, num_classes=self.num_classes)
        one_of(DTYPES, dtype=self.dtype)
        one_of(MODES, mode=self.mode)

    @property
    def extent(self) -> int:
        """Size of the input, batch apart: pixels, which tokens grow with."""
        return self.img_size[0] * self.img_size[1]

    def comparison(self) -> ModelWorkload:
        """A model is compared with nothing while it is measured."""
        return self

    def without_size(self) -> ModelWorkload:
        """The workload with its size taken out: equal ones differ in size alone."""
        return replace(self, img_size=(1, 1), batch=1)


AnyWorkload = Workload | ModelWorkload
