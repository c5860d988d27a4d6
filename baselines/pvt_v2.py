"""PVTv2-B0 to B5: overlapping embeddings, spatial reduction, a convolution in the MLP."""

from baselines.system import Source, timm_systems

SYSTEMS = timm_systems(
    {f"timm-pvt-v2-b{size}": f"pvt_v2_b{size}.in1k" for size in range(6)},
    family="sparse",
    source=Source(
        paper="Wang et al. 2022, PVT v2",
        link="https://arxiv.org/abs/2106.13797",
        code="https://github.com/whai362/PVT",
        licence="Apache-2.0",
    ),
)
