"""The options of `train` that replace settings of the recipe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from attnbench.cli import options


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeOptions:
    """Settings that are otherwise chosen by the data set."""

    epochs: Annotated[
        int | None, options.number("epochs", "Passes over the images. [default: by data set]")
    ] = None
    batch_size: Annotated[
        int | None, options.number("batch_size", "Images per step. [default: by data set]")
    ] = None
    lr: Annotated[
        float | None, options.number("lr", "Peak learning rate of AdamW. [default: by data set]")
    ] = None
    img_size: Annotated[
        Any, options.size_of_images("Size of the images in pixels. [default: by data set]")
    ] = None

    def overrides(self, *, gpu: bool) -> dict[str, Any]:
        """Settings for `recipe_for`; the size of the images belongs to the data set."""
        return {
            "epochs": self.epochs, "batch_size": self.batch_size, "lr": self.lr,
            "autocast": "bfloat16" if gpu else "none",
        }  # fmt: skip
