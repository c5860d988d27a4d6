"""A plug-in with attentions that crash, hang or fail, and one (`quiet`) that works."""

import ctypes
import os
import signal
import time
from pathlib import Path

import torch
from torch import nn

from attnbench import Attention, register_attention


def sees_a_stranger_s_defect():
    raise RuntimeError("no kernel for this")


def hangs():
    Path("hanging.pid").write_text(str(os.getpid()))  # in the folder that the test runs in
    while True:
        time.sleep(3600)


def crashes_in_c():
    os.write(2, b"assertion failed in somebody's kernel\n")
    ctypes.string_at(0)


TROUBLES = {
    "quiet": lambda: None,
    "chatty": lambda: os.write(1, b"a line that belongs in no terminal\n"),
    "raises": sees_a_stranger_s_defect,
    "hangs": hangs,
    "segfaults": crashes_in_c,
    "is-killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "asks-for-too-much": lambda: torch.empty(2**50, device="cpu"),  # past any address space
    "exits": lambda: os._exit(3),
}


def register(name, act):
    class Troublesome(Attention):
        def __init__(self, dim, num_heads, **options):
            super().__init__(dim, num_heads, **options)
            self.proj = nn.Linear(dim, dim)

        def forward(self, x, grid):
            act()
            return self.proj(x)

        def macs(self, grid, batch=1):
            return batch * grid[0] * grid[1] * self.dim**2

    register_attention(name, family="linear")(Troublesome)


for name, act in TROUBLES.items():
    register(name, act)
