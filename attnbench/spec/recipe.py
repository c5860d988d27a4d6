"""The recipe: how a model is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from attnbench.spec.validation import pair_within, within


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
    autocast: Literal["none", "bfloat16"] = "none"
    seed: int = 0

    def __post_init__(self) -> None:
        pair_within(img_size=self.img_size)
        within(epochs=self.epochs, batch_size=self.batch_size, seed=self.seed, lr=self.lr)
        within(weight_decay=self.weight_decay, warmup_epochs=self.warmup_epochs)
        within(label_smoothing=self.label_smoothing, crop_padding=self.crop_padding)
        within(clip_grad=self.clip_grad)
        for scale in self.scales or ():
            within(scales=scale)
