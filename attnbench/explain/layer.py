"""Which layer of a model Grad-CAM looks at, and how its output lies over the image.

A head that reads the mean of a map: the last part of the model whose output is a map. A head that
reads a class token: the first norm of the last block. Behind it the tokens of the patches no longer
reach the logits, and their gradient is exactly zero. A head over a `Backbone`, as detectors and
segmenters have it: the coarsest map of the backbone. Where no part of a model gives a single map,
the parts of its first part are looked through, which is the trunk of other people's detectors.

The grid of tokens follows from the sides of the image: a trunk of stride s makes ⌈height / s⌉ ×
⌈width / s⌉ of them, and no two strides give the same number in different shapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor, nn

from attnbench.errors import UserError
from attnbench.models.backbone import Backbone
from attnbench.spec import Grid

FIRST_NORM = "norm1"
"""How the blocks of both libraries, ours and timm's, call the norm before the attention."""
REMEDY = "choose another with --layer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the output of a layer becomes maps (images, channels, height, width)."""

    num_prefix_tokens: int
    channels_last: bool

    def maps(self, output: object, image: Grid) -> Tensor | None:
        """The maps in an output for images of (height, width) pixels; None if it holds none."""
        if not isinstance(output, Tensor):
            return None
        if output.ndim == 4:
            return output.permute(0, 3, 1, 2) if self.channels_last else output
        if output.ndim != 3:
            return None
        grid = grid_of_tokens(output.shape[1] - self.num_prefix_tokens, image)
        tokens = output[:, self.num_prefix_tokens :]
        return None if grid is None else tokens.transpose(1, 2).unflatten(2, grid)


def grid_of_tokens(count: int, image: Grid) -> Grid | None:
    """(height, width) of so many tokens of an image of (height, width) pixels, or None."""
    for stride in range(1, max(image) + 1):
        grid = ceil(image[0] / stride), ceil(image[1] / stride)
        if grid[0] * grid[1] <= count:
            return grid if grid[0] * grid[1] == count else None
    return None


def layout_of(model: nn.Module) -> Layout:
    """The layout of a model's outputs, from what the model says of itself."""
    default = int(getattr(model, "cls_token", None) is not None)
    return Layout(
        num_prefix_tokens=int(getattr(model, "num_prefix_tokens", default)),
        channels_last=getattr(model, "output_fmt", "NCHW") == "NHWC",
    )


def layer_of(model: nn.Module, images: Tensor, asked: str | None = None) -> str:
    """The name of the layer to look at.

    Args:
        model: in evaluation mode.
        images: (1, 3, height, width), tried on the model.
        asked: the name that a user chose.

    Raises:
        UserError: there is no such layer, or none is found.
    """
    modules = dict(model.named_modules())
    if asked is not None:
        if asked not in modules or not asked:
            raise UserError(
                f"expected a layer of the model, got {asked[:80]!r}; it has "
                + ", ".join(name for name, _ in _parts(model))
            )
        return asked
    backbone = next(
        (name for name, one in modules.items() if name and isinstance(one, Backbone)), ""
    )
    if backbone:
        return backbone
    if _reads_a_token(model):
        norms = [name for name in modules if name.rpartition(".")[2] == FIRST_NORM]
        if norms:
            return norms[-1]
    for name, part in _first_parts(model):
        mapped = _parts_with_maps(model, _parts(part, name), images)
        if mapped:
            return mapped[-1]
    raise UserError(
        f"expected a layer with a map, got none among {', '.join(n for n, _ in _parts(model))}"
        f" of {type(model).__name__}; {REMEDY}"
    )


def _first_parts(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The model, its first part, the first part of that one, and so on, with their names."""
    name, part = "", model
    while True:
        yield name, part
        below = next(_parts(part, name), None)
        if below is None:
            return
        name, part = below


def _reads_a_token(model: nn.Module) -> bool:
    """Whether the head reads the class token: where there is one, timm says if it is not so."""
    has_token = getattr(model, "cls_token", None) is not None
    return has_token and getattr(model, "global_pool", "token") == "token"


def _parts(module: nn.Module, above: str = "") -> Iterator[tuple[str, nn.Module]]:
    """A module's direct parts; those in a list, which is never called, one by one."""
    for key, child in module.named_children():
        name = f"{above}.{key}" if above else key
        if isinstance(child, (nn.ModuleList, nn.ModuleDict)):
            yield from ((f"{name}.{key}", part) for key, part in child.named_children())
        else:
            yield name, child


def _parts_with_maps(
    model: nn.Module, parts: Iterable[tuple[str, nn.Module]], images: Tensor
) -> list[str]:
    """The parts whose output is a map of several cells, in the order in which they end."""
    layout, image = layout_of(model), (int(images.shape[-2]), int(images.shape[-1]))
    found: list[str] = []

    def look(name: str, output: object) -> None:
        maps = layout.maps(output, image)
        if maps is not None and maps.shape[2] * maps.shape[3] > 1:
            found.append(name)

    hooks = [
        part.register_forward_hook(lambda m, args, output, name=name: look(name, output))
        for name, part in parts
    ]
    try:
        with torch.no_grad():
            model(images)
    finally:
        for hook in hooks:
            hook.remove()
    return found
