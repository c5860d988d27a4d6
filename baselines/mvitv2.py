"""MViTv2-T, S and B: attention over pooled keys and values, with decomposed position biases."""

from baselines.system import Source, timm_systems

_SIZES = {"t": "tiny", "s": "small", "b": "base"}

SYSTEMS = timm_systems(
    {f"timm-mvitv2-{s}": f"mvitv2_{size}.fb_in1k" for s, size in _SIZES.items()},
    family="pooling",
    source=Source(
        paper="Li et al. 2022, MViTv2",
        link="https://arxiv.org/abs/2112.01526",
        code="https://github.com/facebookresearch/mvit",
        licence="Apache-2.0",
    ),
)
