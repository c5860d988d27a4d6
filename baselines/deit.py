"""DeiT-T, S and B from timm: plain, and with the distillation token and its second head.

The models `deit-t`, `deit-s` and `deit-b` are this project's own trunk. They equal the plain ones
of timm on copied weights.
"""

from baselines.system import Source, timm_systems

_SIZES = {"t": "tiny", "s": "small", "b": "base"}

SYSTEMS = timm_systems(
    {
        **{f"timm-deit-{s}": f"deit_{size}_patch16_224.fb_in1k" for s, size in _SIZES.items()},
        **{
            f"timm-deit-{s}-distilled": f"deit_{size}_distilled_patch16_224.fb_in1k"
            for s, size in _SIZES.items()
        },
    },
    family="dense",
    source=Source(
        paper="Touvron et al. 2021, DeiT",
        link="https://arxiv.org/abs/2012.12877",
        code="https://github.com/facebookresearch/deit",
        licence="Apache-2.0",
    ),
)
