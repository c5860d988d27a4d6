"""The options of every command that trains: a named recipe, a file, and each of its settings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from attnbench.bounds import QUANTITIES, shortened
from attnbench.cli import options
from attnbench.cli.options import number
from attnbench.errors import UserError
from attnbench.spec.recipe import AUTOCASTS, DISTILLATIONS

RECIPES = ("quick", "deit", "cifar", "detection", "segmentation")
PANEL = "Recipe"
OF_NO_RECIPE = ("config", "img_size")
"""Options that are no setting: where settings are, and what belongs to the data set."""


def _range(text: str, flag: str) -> None:
    crop_scale(text, flag)


def crop_scale(text: str, flag: str = "--crop-scale") -> tuple[float, float]:
    """Read "0.08,1" as (0.08, 1.0)."""
    parts = text.split(",")
    if len(parts) != 2:
        raise UserError(f"{flag}: expected two numbers such as 0.08,1; got {shortened(text)}")
    try:
        low, high = (float(QUANTITIES["crop_scale"].read(part)) for part in parts)
    except ValueError as error:
        raise UserError(f"{flag}: {error}") from None
    return low, high


def _readable(path: Path | None) -> Path | None:
    """Refuse a file that is no recipe before anything is loaded."""
    from attnbench.training.recipe_file import read_recipe

    if path is not None:
        read_recipe(path)
    return path


def _setting(quantity: str, help: str) -> Any:
    return number(quantity, help, show_default=False, rich_help_panel=PANEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeOptions:
    """Options named as the fields of `Recipe`; None leaves a setting to the recipe."""

    recipe: Annotated[
        str | None,
        options.choice(
            RECIPES, f"One of {', '.join(RECIPES)}. \\[default: quick]", show_default=False,
            rich_help_panel=PANEL,
        ),
    ] = None  # fmt: skip
    config: Annotated[
        Path | None,
        typer.Option(
            help="TOML or YAML file of settings; flags go before it.", show_default=False,
            rich_help_panel=PANEL, callback=_readable,
        ),
    ] = None  # fmt: skip
    epochs: Annotated[int | None, _setting("epochs", "Passes over the images.")] = None
    batch_size: Annotated[int | None, _setting("batch_size", "Images per step.")] = None
    lr: Annotated[float | None, _setting("lr", "Peak learning rate of AdamW.")] = None
    min_lr: Annotated[float | None, _setting("min_lr", "Rate that the cosine ends at.")] = None
    weight_decay: Annotated[
        float | None, _setting("weight_decay", "Of matrices; norms and biases have none.")
    ] = None
    warmup_epochs: Annotated[
        float | None, _setting("warmup_epochs", "In which the rate rises to its peak.")
    ] = None
    layer_decay: Annotated[
        float | None, _setting("layer_decay", "Factor on the rate, layer by layer from the top.")
    ] = None
    clip_grad: Annotated[
        float | None, _setting("clip_grad", "Largest norm of gradients; 0: any.")
    ] = None
    accumulate: Annotated[
        int | None, _setting("accumulate", "Parts that a batch is computed in, to save memory.")
    ] = None
    recompute: Annotated[
        bool | None,
        typer.Option(
            "--recompute/--no-recompute", show_default=False, rich_help_panel=PANEL,
            help="Compute blocks again in the backward pass, to save memory.",
        ),
    ] = None  # fmt: skip
    ema_decay: Annotated[
        float | None, _setting("ema_decay", "Of the average of the weights, which is scored.")
    ] = None
    drop_path: Annotated[
        float | None, _setting("drop_path", "Probability that the last block is skipped.")
    ] = None
    label_smoothing: Annotated[
        float | None, _setting("label_smoothing", "Share of a target that all classes have.")
    ] = None
    crop_padding: Annotated[
        int | None, _setting("crop_padding", "Pixels around an image that crops may reach.")
    ] = None
    flip: Annotated[
        bool | None,
        typer.Option(
            "--flip/--no-flip", help="Mirror half of the images.", show_default=False,
            rich_help_panel=PANEL,
        ),
    ] = None  # fmt: skip
    crop_scale: Annotated[
        str | None,
        options.checked(
            _range, "Share of a picture that a random crop keeps, such as 0.08,1.",
            metavar="LOW,HIGH", show_default=False, rich_help_panel=PANEL,
        ),
    ] = None  # fmt: skip
    rand_augment: Annotated[
        str | None,
        typer.Option(
            help="RandAugment as timm writes it, such as rand-m9-mstd0.5-inc1.",
            show_default=False, rich_help_panel=PANEL,
        ),
    ] = None  # fmt: skip
    mixup: Annotated[
        float | None, _setting("mixup", "Mix pairs of images by Beta(MIXUP, MIXUP).")
    ] = None
    cutmix: Annotated[float | None, _setting("cutmix", "The same with pasted rectangles.")] = None
    erasing: Annotated[
        float | None, _setting("erasing", "Share of images with a rectangle of noise.")
    ] = None
    repeats: Annotated[
        int | None, _setting("repeats", "How often an image is in a pass, augmented anew.")
    ] = None
    autocast: Annotated[
        str | None,
        options.choice(
            AUTOCASTS, f"{', '.join(AUTOCASTS)}. \\[default: bfloat16 on a GPU]",
            show_default=False, rich_help_panel=PANEL,
        ),
    ] = None  # fmt: skip
    tf32: Annotated[
        bool | None,
        typer.Option(
            "--tf32/--no-tf32", show_default=False, rich_help_panel=PANEL,
            help="Multiply float32 matrices in TF32, on a GPU.",
        ),
    ] = None  # fmt: skip
    teacher: Annotated[
        str | None,
        typer.Option(
            help="Model to learn from: a checkpoint, or timm:NAME.", show_default=False,
            rich_help_panel=PANEL,
        ),
    ] = None  # fmt: skip
    distillation: Annotated[
        str | None,
        options.choice(
            DISTILLATIONS, "Learn the teacher's answers (hard) or its probabilities (soft).",
            show_default=False, rich_help_panel=PANEL,
        ),
    ] = None  # fmt: skip
    distillation_weight: Annotated[
        float | None, _setting("distillation_weight", "Share of the loss that the teacher has.")
    ] = None
    temperature: Annotated[
        float | None, _setting("temperature", "Of the probabilities that are learnt.")
    ] = None

    img_size: Annotated[
        Any, options.size_of_images("Size of the images in pixels. \\[default: by data set]")
    ] = None

    def overrides(self, *, gpu: bool) -> dict[str, Any]:
        """Keyword arguments of `recipe_for`, from file and flags; that of the size is not one.

        Raises:
            UserError: the file is no recipe, or the teacher is not there.
        """
        from attnbench.experiments.teacher import identified
        from attnbench.training.recipe_file import PRESET, over, read_recipe

        given = {name: one for name, one in asdict(self).items() if name not in OF_NO_RECIPE}
        if self.crop_scale is not None:
            given["crop_scale"] = crop_scale(self.crop_scale)
        found = over(read_recipe(self.config) if self.config else {}, given)
        found.setdefault("autocast", "bfloat16" if gpu else "none")
        if found.get("teacher"):
            found["teacher"] = identified(found["teacher"])
        return {"preset" if name == PRESET else name: one for name, one in found.items()}
