"""Other people's systems behind the project's contracts, as a plug-in of the suite.

The suite finds them through the entry-point group `attnbench.plugins`, like any third-party
package. Each system has one file. Its rows name builders by import string, so listing them loads
neither torch nor timm.
"""

from attnbench.registry import Entry
from baselines import (
    autoformer,
    biformer,
    castling,
    cswin,
    dat,
    deit,
    efficientnet,
    focal,
    levit,
    mvitv2,
    pvt,
    pvt_v2,
    rmt,
    slide,
    swin,
)
from baselines.detectors import DETECTORS
from baselines.in_deit import MODELS as IN_DEIT
from baselines.rivals import MECHANISMS
from baselines.system import System

SYSTEMS: tuple[System, ...] = (
    *efficientnet.SYSTEMS,
    *levit.SYSTEMS,
    *deit.SYSTEMS,
    *swin.SYSTEMS,
    *mvitv2.SYSTEMS,
    *pvt_v2.SYSTEMS,
    *pvt.SYSTEMS,
    *rmt.SYSTEMS,
    *dat.SYSTEMS,
    *focal.SYSTEMS,
    *cswin.SYSTEMS,
    *biformer.SYSTEMS,
    *slide.SYSTEMS,
    *autoformer.SYSTEMS,
    *castling.SYSTEMS,
)

_ANCHOR_LEVIT = tuple(
    Entry(
        kind="model",
        name=f"anchor-levit-{size}",
        target="baselines.anchor_levit:create_anchor_levit",
        family="anchor",
        summary=f"LeViT-{size} with anchor attention; this project's reading",
        paper="AnchorFormer 2025, figure 5b",
        link="https://arxiv.org/abs/2505.16463",
        options={"timm_name": f"levit_{size}"},
    )
    for size in (128, 192, 256, 384)
)

ENTRIES: tuple[Entry, ...] = (
    *(system.entry for system in SYSTEMS),
    *_ANCHOR_LEVIT,
    *DETECTORS,
    *cswin.ENTRIES,
    *biformer.ENTRIES,
    *slide.ENTRIES,
    *autoformer.ENTRIES,
    *castling.ENTRIES,
    *MECHANISMS,
    *IN_DEIT,
)
