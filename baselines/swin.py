"""Swin-T, S and B: from timm, and rebuilt from this project's own window attention.

The rebuilt models (`swin_model.py`) verify the window attention that every pyramid uses: on copied
weights they give timm's outputs.
"""

from baselines.system import Source, System, timm_systems

_SOURCE = Source(
    paper="Liu et al. 2021, Swin Transformer",
    link="https://arxiv.org/abs/2103.14030",
    code="https://github.com/microsoft/Swin-Transformer",
    licence="MIT",
)
_TIMM = {"t": "tiny", "s": "small", "b": "base"}
_SIZES = {
    "t": {"dim": 96, "depths": (2, 2, 6, 2)},
    "s": {"dim": 96, "depths": (2, 2, 18, 2)},
    "b": {"dim": 128, "depths": (2, 2, 18, 2)},
}

SYSTEMS = (
    *timm_systems(
        {f"timm-swin-{s}": f"swin_{size}_patch4_window7_224.ms_in1k" for s, size in _TIMM.items()},
        family="window",
        source=_SOURCE,
    ),
    *(
        System(
            name=f"swin-{size}",
            family="window",
            source=_SOURCE,
            summary="Swin rebuilt from `window` attention",
            target="baselines.swin_model:Swin",
            options=options,
        )
        for size, options in _SIZES.items()
    ),
)
