"""RMT-T, S, B and L, built from this project's own parts; timm does not have them.

The model is in `rmt_model.py`. The authors' repository has no licence, so it was written from the
publication and from the published sizes alone.
"""

from collections.abc import Mapping
from typing import Any

from baselines.system import NO_LICENCE, Source, System

_SIZES: Mapping[str, Mapping[str, Any]] = {
    "t": {
        "dims": (64, 128, 256, 512),
        "depths": (2, 2, 8, 2),
        "heads": (4, 4, 8, 16),
        "mlp_ratios": (3.0, 3.0, 3.0, 3.0),
        "full_from": 2,
    },
    "s": {
        "dims": (64, 128, 256, 512),
        "depths": (3, 4, 18, 4),
        "heads": (4, 4, 8, 16),
        "mlp_ratios": (4.0, 4.0, 3.0, 3.0),
    },
    "b": {
        "dims": (80, 160, 320, 512),
        "depths": (4, 8, 25, 8),
        "heads": (5, 5, 10, 16),
        "mlp_ratios": (4.0, 4.0, 3.0, 3.0),
        "decay_ranges": (5.0, 5.0, 6.0, 6.0),
        "scaled_from": 2,
    },
    "l": {
        "dims": (112, 224, 448, 640),
        "depths": (4, 8, 25, 8),
        "heads": (7, 7, 14, 20),
        "mlp_ratios": (4.0, 4.0, 3.0, 3.0),
        "decay_ranges": (6.0, 6.0, 6.0, 6.0),
        "scaled_from": 2,
    },
}

SYSTEMS = tuple(
    System(
        name=f"rmt-{size}",
        family="manhattan",
        source=Source(
            paper="Fan et al. 2024, RMT",
            link="https://arxiv.org/abs/2309.11523",
            code="https://github.com/qhfan/RMT",
            licence=NO_LICENCE,
        ),
        summary="RMT rebuilt from `manhattan` attention",
        target="baselines.rmt_model:Rmt",
        options=options,
    )
    for size, options in _SIZES.items()
)
