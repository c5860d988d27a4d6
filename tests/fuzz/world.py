"""A folder as a user has it after some work: records, checkpoints, images, and odd places."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

GOOD = """
import torch.nn as nn
from attnbench import Attention, register_attention


@register_attention("fuzz-mean", family="linear", cost="O(n)", summary="the mean for everybody")
class Mean(Attention):
    def forward(self, x, grid):
        return x.mean(1, keepdim=True).expand_as(x)

    def macs(self, grid, batch=1):
        return 0
"""
PLUGINS = {
    "good_plugin.py": GOOD,
    "broken_plugin.py": "raise ZeroDivisionError('broken \\x1b[31m' + 'x' * 5000)\n",
    "noisy_plugin.py": "def (:\n",
    "leaving_plugin.py": "raise SystemExit\n",
}


def add_odd_places(folder: Path) -> None:
    """Places that a path may lead to by mistake."""
    for name, text in PLUGINS.items():
        (folder / name).write_text(text)
    (folder / "empty.jsonl").touch()
    (folder / "file.txt").write_text("no record\n")
    (folder / "text.pt").write_text("no checkpoint\n")
    (folder / "recipe.toml").write_text("epochs = 2\nmixup = 0.5\n")
    (folder / "folder.jsonl").mkdir()
    (folder / "dangling.jsonl").symlink_to("nowhere")
    (folder / "loop.jsonl").symlink_to("loop.jsonl")
    for name in ("a b.jsonl", "name\nwith\x1b[31m.jsonl"):
        shutil.copy(folder / "results/runs/profile.jsonl", folder / name)
    profile = (folder / "results/runs/profile.jsonl").read_bytes()
    (folder / "results/runs/torn.jsonl").write_bytes(profile[: len(profile) * 2 // 3])
    (folder / "utf16.jsonl").write_text(profile.decode(), encoding="utf-16")
    (folder / "locked.jsonl").write_bytes(profile)
    (folder / "locked.jsonl").chmod(0)


def copy_of(world: Path, to: Path) -> Path:
    """A fresh copy, with pipes that nobody writes to."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(world, to, symlinks=True)
    for name in ("pipe", "pipe.jsonl"):
        os.mkfifo(to / name)
    return to


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of every regular file."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def losses(before: dict[str, bytes], folder: Path) -> list[str]:
    """What a command has spoilt: files of records may grow, all others stay as they are."""
    after = contents(folder)
    found = [f"{name!r} is gone" for name in before.keys() - after.keys()]
    for name in before.keys() & after.keys():
        grown = name.endswith(".jsonl") and after[name].startswith(before[name])
        if not grown and after[name] != before[name]:
            found.append(f"{name!r} was changed")
    found += [f"temporary file {name!r} is left" for name in after if name.endswith(".tmp")]
    return found
