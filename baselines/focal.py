"""Focal-T, S and B, built from this project's own parts; timm does not have them.

The model is in `focal_model.py`. FocalNet of timm is another design, without attention.
"""

from baselines.system import Source, System

_SIZES = {
    "t": {"dim": 96, "depths": (2, 2, 6, 2)},
    "s": {"dim": 96, "depths": (2, 2, 18, 2)},
    "b": {"dim": 128, "depths": (2, 2, 18, 2)},
}

SYSTEMS = tuple(
    System(
        name=f"focal-{size}",
        family="focal",
        source=Source(
            paper="Yang et al. 2021, Focal Transformer",
            link="https://arxiv.org/abs/2107.00641",
            code="https://github.com/microsoft/Focal-Transformer",
            licence="MIT",
        ),
        summary="Focal Transformer rebuilt from `focal` attention",
        target="baselines.focal_model:Focal",
        options=options,
    )
    for size, options in _SIZES.items()
)
