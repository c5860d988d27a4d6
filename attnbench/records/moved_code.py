"""Code hashes of the version before the rooms: the code moved, and its numbers still hold.

That version hashed whole folders of files; since then a hash covers what a cell's own module
imports (`benchmark/sources.py`). Where the old hash says that a cell was measured by that version's
code, it is read as the hash of the same code here, so that nobody measures again for a rename.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SUBJECTS: Mapping[str, Mapping[str, str]] = {
    "727464818016": {
        "e7827cfbfebf": "dense dense-shared-qk",
        "78ab6c736390": "window",
        "ce81e7e3ff21": "sparse",
        "17d614d3903d": "anchor",
        "ce7d7ea653b4": "anchor-select",
    },
    "6754b14564e2": {
        "0dadbdeb109d": (
            "anchorformer-t/anchor anchorformer-s/anchor anchorformer-b/anchor "
            "pyramid-t/anchor pyramid-s/anchor pyramid-b/anchor"
        ),
        "abe666c245f6": (
            "anchor-deit-t/anchor anchor-deit-s/anchor anchor-deit-b/anchor "
            "vit-t/anchor vit-s/anchor vit-b/anchor"
        ),
        "262e17e6f611": (
            "deit-t/dense deit-s/dense deit-b/dense vit-t/dense vit-t/dense-shared-qk "
            "vit-s/dense vit-s/dense-shared-qk vit-b/dense vit-b/dense-shared-qk"
        ),
        "cefa30d43913": (
            "pyramid-t/dense pyramid-t/dense-shared-qk pyramid-s/dense "
            "pyramid-s/dense-shared-qk pyramid-b/dense pyramid-b/dense-shared-qk"
        ),
        "35aeffe68d66": "pyramid-t/window pyramid-s/window pyramid-b/window",
        "0e40cd8defc4": "pyramid-t/sparse pyramid-s/sparse pyramid-b/sparse",
        "3d3d21f86be1": "pyramid-t/anchor-select pyramid-s/anchor-select pyramid-b/anchor-select",
        "6cbade84e34f": "vit-t/window vit-s/window vit-b/window",
        "877d32a67008": "vit-t/sparse vit-s/sparse vit-b/sparse",
        "8e1a54c2cc40": "vit-t/anchor-select vit-s/anchor-select vit-b/anchor-select",
    },
    "2a88e1a86adb": {
        "c133c510e71a": (
            "timm-efficientnet-b0/ timm-efficientnet-b1/ timm-efficientnet-b2/ "
            "timm-efficientnet-b3/ timm-efficientnet-b4/ timm-efficientnet-b5/ "
            "timm-levit-128/ timm-levit-192/ timm-levit-256/ timm-levit-384/ "
            "timm-deit-t/ timm-deit-s/ timm-deit-b/ timm-deit-t-distilled/ "
            "timm-deit-s-distilled/ timm-deit-b-distilled/ timm-swin-t/ timm-swin-s/ "
            "timm-swin-b/ timm-mvitv2-t/ timm-mvitv2-s/ timm-mvitv2-b/ timm-pvt-v2-b0/ "
            "timm-pvt-v2-b1/ timm-pvt-v2-b2/ timm-pvt-v2-b3/ timm-pvt-v2-b4/ "
            "timm-pvt-v2-b5/"
        ),
        "abe755ce20d8": "swin-t/ swin-s/ swin-b/",
        "7a61053c6c9b": "pvt-t/ pvt-s/ pvt-m/ pvt-l/",
        "0e63fd1b085a": "anchor-levit-128/ anchor-levit-192/ anchor-levit-256/ anchor-levit-384/",
    },
}
"""Old hash -> hash here -> attentions, or "model/attention inside"."""
_MOVED = {
    (old, subject): new
    for old, codes in SUBJECTS.items()
    for new, subjects in codes.items()
    for subject in subjects.split()
}


def moved_code(code: str, workload: Mapping[str, Any]) -> str:
    """The hash here of what a plain workload was measured by; the same hash if it did not move."""
    model, attention = workload.get("model"), workload.get("attention", "")
    return _MOVED.get((code, f"{model}/{attention}" if model else attention), code)
