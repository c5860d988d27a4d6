"""Other people's systems behind the project's contracts, as a plug-in of the suite.

Found through the entry-point group `attnbench.plugins`, the very road that a third party's package
takes. The rows name their builders by import string, so that listing them loads neither torch nor
timm.
"""

from attnbench.registry import Entry

_SYSTEMS = (
    # name, timm's name, family, paper, link
    ("timm-deit-t", "deit_tiny_patch16_224", "dense",
     "Touvron et al. 2021, DeiT", "https://arxiv.org/abs/2012.12877"),
    ("timm-deit-s", "deit_small_patch16_224", "dense",
     "Touvron et al. 2021, DeiT", "https://arxiv.org/abs/2012.12877"),
    ("timm-swin-t", "swin_tiny_patch4_window7_224", "window",
     "Liu et al. 2021, Swin Transformer", "https://arxiv.org/abs/2103.14030"),
    ("timm-pvt-v2-b0", "pvt_v2_b0", "sparse",
     "Wang et al. 2022, PVT v2", "https://arxiv.org/abs/2106.13797"),
    ("timm-pvt-v2-b2", "pvt_v2_b2", "sparse",
     "Wang et al. 2022, PVT v2", "https://arxiv.org/abs/2106.13797"),
)  # fmt: skip

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

_TIMM = tuple(
    Entry(
        kind="model",
        name=name,
        target="baselines.timm_models:create_timm_model",
        family=family,
        summary=f"timm's {timm_name}, without pretrained weights",
        paper=paper,
        link=link,
        options={"timm_name": timm_name},
    )
    for name, timm_name, family, paper, link in _SYSTEMS
)

ENTRIES: tuple[Entry, ...] = (*_TIMM, *_ANCHOR_LEVIT)
