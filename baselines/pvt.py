"""PVT-T, S, M and L (version 1), built from this project's own parts; timm does not have them.

The model is in `pvt_model.py`. The sizes are those of table 1 of the publication.
"""

from baselines.system import Source, System

_DEPTHS = {"t": (2, 2, 2, 2), "s": (3, 4, 6, 3), "m": (3, 4, 18, 3), "l": (3, 8, 27, 3)}

SYSTEMS = tuple(
    System(
        name=f"pvt-{size}",
        family="sparse",
        source=Source(
            paper="Wang et al. 2021, PVT",
            link="https://arxiv.org/abs/2102.12122",
            code="https://github.com/whai362/PVT",
            licence="Apache-2.0",
        ),
        summary="PVT rebuilt from `sparse` attention",
        target="baselines.pvt_model:Pvt",
        options={"depths": depths},
    )
    for size, depths in _DEPTHS.items()
)
