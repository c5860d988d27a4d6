"""The recipe: how a model is trained."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any, Literal

from attnbench.bounds import shortened
from attnbench.errors import UserError
from attnbench.spec.validation import one_of, pair_within, within

AUTOCASTS = ("none", "bfloat16", "float16")
DISTILLATIONS = ("none", "soft", "hard")
RAND_AUGMENT = re.compile(
    r"rand(-(m|n|mmax)[0-9]{1,2}|-(mstd|p)[0-9]{1,3}(\.[0-9]{1,3})?|-inc[01])*"
)
"""What timm's RandAugment is described by, such as "rand-m9-mstd0.5-inc1"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a model is trained: every setting, so that scores under equal recipes compare."""

    data: str
    """Name of the set; for a folder its last component."""
    img_size: tuple[int, int]
    """(height, width) in pixels."""
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
    scales: tuple[float, float] | None = None
    """Range of the random enlargement of pictures with boxes or label maps. None: that of the task,
    which is meant for photographs."""
    clip_grad: float = 1.0
    """Largest norm of the gradients; 0 does not clip them."""
    autocast: Literal["none", "bfloat16", "float16"] = "none"
    seed: int = 0
    crop_scale: tuple[float, float] | None = None
    """Range of the share of the picture's area that a random crop keeps, enlarged to the size of
    the image. None: no such crop."""
    rand_augment: str = ""
    """RandAugment as timm writes it, such as "rand-m9-mstd0.5-inc1"; "" for none."""
    mixup: float = 0.0
    """Parameter of the Beta distribution that pairs of images are mixed by; 0 mixes none."""
    cutmix: float = 0.0
    """The same for pasted rectangles. With both, half of the batches get either."""
    erasing: float = 0.0
    """Probability that a rectangle of an image becomes noise."""
    repeats: int = 1
    """How often an image is in a pass, augmented anew; a pass keeps its length."""
    drop_path: float = 0.0
    """Probability that the last block is skipped; it rises to that from 0 at the first block."""
    min_lr: float = 0.0
    """Learning rate that the cosine ends at."""
    layer_decay: float = 1.0
    """Factor on the learning rate of each layer, from the one above it."""
    ema_decay: float = 0.0
    """Of the moving average of the weights, which is what is scored; 0 keeps none."""
    accumulate: int = 1
    """Parts that a batch is computed in, to save memory; their gradients are added."""
    recompute: bool = False
    """Keep no activations inside blocks, to save memory: they are computed again."""
    distillation: Literal["none", "soft", "hard"] = "none"
    """Whether a student learns the teacher's probabilities, or the teacher's answer."""
    teacher: str = ""
    """Whose answers: a model of timm, or a checkpoint and the hash of its file."""
    distillation_weight: float = 0.5
    """Share of the loss that the teacher has."""
    temperature: float = 1.0
    """What logits are divided by where probabilities are learnt."""
    tf32: bool = False
    """Multiply matrices of float32 in TF32, which only GPUs have."""

    def __post_init__(self) -> None:
        pair_within(img_size=self.img_size)
        within(epochs=self.epochs, batch_size=self.batch_size, seed=self.seed, lr=self.lr)
        within(weight_decay=self.weight_decay, warmup_epochs=self.warmup_epochs)
        within(label_smoothing=self.label_smoothing, crop_padding=self.crop_padding)
        within(clip_grad=self.clip_grad)
        for scale in self.scales or ():
            within(scales=scale)
        one_of(AUTOCASTS, autocast=self.autocast)
        self._check_augmentation()
        within(drop_path=self.drop_path, min_lr=self.min_lr, layer_decay=self.layer_decay)
        within(ema_decay=self.ema_decay, accumulate=self.accumulate)
        if self.min_lr > self.lr:
            raise UserError(f"--min-lr: expected at most the peak {self.lr:g}, got {self.min_lr:g}")
        self._check_distillation()

    @property
    def told_apart_by(self) -> dict[str, Any]:
        """The settings by name, for hashes of runs; those after the seed only where they are used.

        So a run keeps its name when recipes learn new settings.
        """
        added = _names_after("seed")
        return {
            one.name: getattr(self, one.name)
            for one in fields(self)
            if one.name not in added or getattr(self, one.name) != one.default
        }

    def _check_augmentation(self) -> None:
        within(mixup=self.mixup, cutmix=self.cutmix, erasing=self.erasing, repeats=self.repeats)
        if self.rand_augment and not RAND_AUGMENT.fullmatch(self.rand_augment):
            raise UserError(
                "--rand-augment: expected a text such as rand-m9-mstd0.5-inc1, got "
                f"{shortened(self.rand_augment)}"
            )
        if self.crop_scale is None:
            return
        low, high = self.crop_scale
        within(crop_scale=low)
        within(crop_scale=high)
        if low > high:
            raise UserError(f"--crop-scale: expected the lower first, got {low:g},{high:g}")

    def _check_distillation(self) -> None:
        one_of(DISTILLATIONS, distillation=self.distillation)
        within(distillation_weight=self.distillation_weight, temperature=self.temperature)
        if (self.distillation == "none") != (self.teacher == ""):
            raise UserError("--distillation and --teacher belong together; give both or neither")


def _names_after(last: str) -> list[str]:
    names = [one.name for one in fields(Recipe)]
    return names[names.index(last) + 1 :]
