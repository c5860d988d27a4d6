"""The settings of the memory allocator, which decide what is reserved and how fast it comes."""

from __future__ import annotations

import os
from collections.abc import Mapping

import torch

OF_TORCH = ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_HIP_ALLOC_CONF")
"""Names of one setting, the one that counts first: torch's CUDA allocator."""
NO_CACHE = "PYTORCH_NO_CUDA_MEMORY_CACHING"
ON_CPU = ("MALLOC_", "GLIBC_TUNABLES", "TCMALLOC_", "MIMALLOC_", "_RJEM_MALLOC_", "JE_MALLOC_",
          "THP_MEM_ALLOC_ENABLE", "DYLD_INSERT_LIBRARIES", "LD_PRELOAD")  # fmt: skip
"""How the names begin of what changes the allocator of a CPU: that of the C library, those that
take its place, and torch's use of huge pages."""
LOADED_FIRST = ("LD_PRELOAD", "DYLD_INSERT_LIBRARIES")
"""Lists of libraries, among which only allocators count."""


def allocator_settings(device: torch.device, environment: Mapping[str, str] = os.environ) -> str:
    """The settings in force, such as "expandable_segments:True"; "" if none was changed."""
    if device.type == "cuda":
        return _of_cuda(environment)
    found = {
        name: _shown(name, value)
        for name, value in sorted(environment.items())
        if name.startswith(ON_CPU)
    }
    return "; ".join(f"{name}={value}" for name, value in found.items() if value)


def _of_cuda(environment: Mapping[str, str]) -> str:
    """In an order of its own, as the order in which they are given means nothing."""
    text = _asked_of_torch() or next(filter(None, map(environment.get, OF_TORCH)), "")
    settings = sorted(part.strip() for part in text.split(",") if part.strip())
    if environment.get(NO_CACHE):
        settings.append("no caching")
    return ", ".join(settings)


def _asked_of_torch() -> str:
    """What torch was told, by a variable or by a call; "" where this torch cannot say."""
    settings = getattr(torch._C, "_accelerator_getAllocatorSettings", lambda: "")
    return str(settings())


def _shown(name: str, value: str) -> str:
    """A value without the folders of libraries, and without libraries that do not allocate."""
    if name == "GLIBC_TUNABLES":
        return ":".join(part for part in value.split(":") if part.startswith("glibc.malloc."))
    if name not in LOADED_FIRST:
        return value.strip()
    files = (os.path.basename(path) for path in value.replace(":", " ").split())
    return " ".join(file for file in files if "malloc" in file or "hoard" in file)
