"""The recipe for a data set: defaults of its kind, a named preset over them, and overrides."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from attnbench.data.images import ImageData
from attnbench.errors import UserError
from attnbench.spec import Recipe
from attnbench.spec.validation import flag_of
from attnbench.training.presets import QUICK
from attnbench.training.presets import preset as settings_of

SMALL_SIZE = 64
"""Side in pixels: photographs up to it are trained like CIFAR, larger ones like ImageNet."""

SCENE_SCALES = (0.95, 1.05)
"""Range of the random enlargement of scenes of digits. They hold all sizes as they are, and digits
that are cut off or shrunk are learnt slowly; the ranges for photographs do both."""

MAX_WARMUP_SHARE = 0.2
"""A short run keeps at least four fifths of its steps for the cosine."""


OF_CLASSIFICATION = (
    "crop_scale", "rand_augment", "mixup", "cutmix", "erasing", "repeats", "distillation",
)  # fmt: skip
"""Settings that do not know boxes and label maps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Default values of a recipe."""

    epochs: int
    batch_size: int
    lr: float
    warmup_epochs: float
    crop_share: float
    """Padding of the crop as a share of the image's side; the usual 4 of 32 for CIFAR is 1/8."""
    flip: bool
    label_smoothing: float = 0.1
    clip_grad: float = 1.0
    scales: tuple[float, float] | None = None
    """See `Recipe.scales`."""


DEFAULTS: dict[str, Defaults] = {
    "digits": Defaults(
        epochs=15, batch_size=64, lr=1e-3, warmup_epochs=3.0, crop_share=1 / 16, flip=False
    ),
    "small photographs": Defaults(
        epochs=20, batch_size=128, lr=1e-3, warmup_epochs=2.0, crop_share=1 / 8, flip=True
    ),
    "large photographs": Defaults(
        epochs=30, batch_size=64, lr=5e-4, warmup_epochs=3.0, crop_share=1 / 8, flip=True
    ),
    "synthetic": Defaults(
        epochs=1, batch_size=64, lr=1e-3, warmup_epochs=0.0, crop_share=0.0, flip=False
    ),
    "detection": Defaults(
        epochs=40, batch_size=8, lr=2e-3, warmup_epochs=1.0, crop_share=0.0, flip=True,
        label_smoothing=0.0, clip_grad=10.0,
    ),
    "detection of digits": Defaults(
        epochs=10, batch_size=8, lr=4e-3, warmup_epochs=1.0, crop_share=0.0, flip=False,
        label_smoothing=0.0, clip_grad=10.0, scales=SCENE_SCALES,
    ),
    "segmentation": Defaults(
        epochs=30, batch_size=8, lr=1e-3, warmup_epochs=1.0, crop_share=0.0, flip=True,
        label_smoothing=0.0,
    ),
    "segmentation of digits": Defaults(
        epochs=8, batch_size=8, lr=4e-3, warmup_epochs=1.0, crop_share=0.0, flip=False,
        label_smoothing=0.0, clip_grad=10.0, scales=SCENE_SCALES,
    ),
}  # fmt: skip
"""By kind of data set, see `kind_of`. Crops of detection and segmentation are part of the task."""


def recipe_for(data: ImageData, preset: str = QUICK, **overrides: Any) -> Recipe:
    """The recipe for a data set: the defaults of its kind, replaced by preset and overrides.

    Args:
        data: the opened set.
        preset: name of a recipe of `training.presets`.
        overrides: fields of `Recipe`, other than `data` and `img_size`; None overrides nothing.

    Raises:
        UserError: a value is out of its range, the crop padding is as large as the image, or a
            setting or the preset is for another task.
    """
    values = asdict(DEFAULTS[kind_of(data)])
    values["crop_padding"] = round(values.pop("crop_share") * min(data.img_size))
    given = {name: value for name, value in overrides.items() if value is not None}
    values |= settings_of(preset, data.task, given) | given
    if "warmup_epochs" not in given:
        longest = MAX_WARMUP_SHARE * values["epochs"]
        values["warmup_epochs"] = min(values["warmup_epochs"], longest)
    if "flip" not in given:
        values["flip"] = values["flip"] and data.photographs
    recipe = Recipe(data=data.name, img_size=data.img_size, **values)
    if recipe.crop_padding >= min(recipe.img_size):  # a reflected border is narrower than the image
        raise UserError(
            f"crop padding must be below the image size {min(recipe.img_size)}, "
            f"got {recipe.crop_padding}"
        )
    if data.task != "classification":
        _refuse_of_classification(recipe, data.task)
    return recipe


def _refuse_of_classification(recipe: Recipe, task: str) -> None:
    for field in fields(Recipe):
        given = getattr(recipe, field.name)
        if field.name in OF_CLASSIFICATION and given != field.default:
            raise UserError(
                f"{flag_of(field.name)} is for classification, the data are for {task}; "
                "leave it out"
            )


def kind_of(data: ImageData) -> str:
    """The row of `DEFAULTS` for a data set; unknown ones without photographs count as digits."""
    if data.task != "classification":
        return data.task if data.photographs else f"{data.task} of digits"
    if not data.photographs:
        return "synthetic" if data.name == "synthetic" else "digits"
    return "small photographs" if min(data.img_size) <= SMALL_SIZE else "large photographs"
