"""DAT-T, S and B of 2022, built from this project's own parts; timm does not have them.

The model is in `dat_model.py`.
"""

from baselines.system import Source, System

_SIZES = {
    "t": {"dim": 96, "depths": (2, 2, 6, 2)},
    "s": {"dim": 96, "depths": (2, 2, 18, 2)},
    "b": {"dim": 128, "depths": (2, 2, 18, 2)},
}

SYSTEMS = tuple(
    System(
        name=f"dat-{size}",
        family="deformable",
        source=Source(
            paper="Xia et al. 2022, DAT",
            link="https://arxiv.org/abs/2201.00520",
            code="https://github.com/LeapLabTHU/DAT",
            licence="Apache-2.0",
        ),
        summary="DAT rebuilt from `deformable` attention",
        target="baselines.dat_model:Dat",
        options=options,
    )
    for size, options in _SIZES.items()
)
