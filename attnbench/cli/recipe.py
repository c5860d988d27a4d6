"""The options of every command that trains: a named recipe, a file, and each of its settings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attnbench.bounds import QUANTITIES, shortened
from attnbench.cli import options
from attnbench.cli.options import number
from attnbench.errors import UserError
from attnbench.spec.recipe import AUTOCASTS, DISTILLATIONS

if TYPE_CHECKING:
    from attnbench.data.images import ImageData
    from attnbench.spec import Recipe

RECIPES = ("quick", "deit", "cifar", "detection", "segmentation")
BY_RECIPE = "[default: by recipe]"
PANEL = "Recipe"


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


def _setting(quantity: str, help: str) -> Any:
    return number(quantity, help, show_default=False, rich_help_panel=PANEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeOptions:
    """Options named as the fields of `Recipe`; None leaves a setting to the recipe."""

    recipe: Annotated[
        str | None,
        options.choice(
            RECIPES, f"One of {', '.join(RECIPES)}. [default: quick]", show_default=False,
            rich_help_panel=PANEL,
        ),
    ] = None  # fmt: skip
    config: Annotated[
        Path | None,
        typer.Option(
            help="TOML or YAML file of settings; flags go before it.", show_default=False,
            rich_help_panel=PANEL,
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
            AUTOCASTS, f"{', '.join(AUTOCASTS)}. [default: bfloat16 on a GPU]",
            show_default=False, rich_help_panel=PANEL,
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

    def settings(self) -> dict[str, Any]:
        """What file and flags set: fields of `Recipe`, and `recipe`, the name of a preset.

        Raises:
            UserError: the file is no recipe.
        """
        from attnbench.training.recipe_file import over, read_recipe

        given = asdict(self)
        given.pop("config")
        if self.crop_scale is not None:
            given["crop_scale"] = crop_scale(self.crop_scale)
        return over(read_recipe(self.config) if self.config else {}, given)

    def for_data(self, data: ImageData, **defaults: Any) -> Recipe:
        """The recipe for a data set.

        Args:
            data: the opened set.
            defaults: settings where neither file nor flag gives one.

        Raises:
            UserError: as `recipe_for`.
        """
        from attnbench.training.presets import QUICK
        from attnbench.training.recipe import recipe_for

        settings = {**defaults, **self.settings()}
        return recipe_for(data, settings.pop("recipe", QUICK), **settings)
