"""LeViT-128, 192, 256 and 384: a convolutional stem, attention with a bias table, BatchNorm.

A model takes one input size, 224 px by default, because the bias tables have a row per offset. The
two heads (class and distillation) are averaged.
"""

from baselines.system import Source, timm_systems

SYSTEMS = timm_systems(
    {f"timm-levit-{width}": f"levit_{width}.fb_dist_in1k" for width in (128, 192, 256, 384)},
    family="dense",
    source=Source(
        paper="Graham et al. 2021, LeViT",
        link="https://arxiv.org/abs/2104.01136",
        code="https://github.com/facebookresearch/LeViT",
        licence="Apache-2.0",
    ),
)
