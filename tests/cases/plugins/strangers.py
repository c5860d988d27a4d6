"""A plug-in whose attentions end the process or multiply it; `quiet` does its work."""

import ctypes
import os
import subprocess
import sys

from torch import nn

from attnbench import Attention, register_attention

IGNORES = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
CALLS = {"later": 0}


def forks_and_lets_the_copy_go_on():
    os.fork()


def dies_and_leaves_a_child():
    child = subprocess.Popen([sys.executable, "-c", IGNORES], start_new_session=True)
    with open("child.pid", "w") as file:  # in the folder that the test runs in
        file.write(str(child.pid))
    ctypes.string_at(0)


def dies_while_it_is_sampled():
    CALLS["later"] += 1
    if CALLS["later"] > 8:
        os._exit(0)


ACTS = {
    "quiet": lambda: None,
    "copied": forks_and_lets_the_copy_go_on,
    "parent": dies_and_leaves_a_child,
    "later": dies_while_it_is_sampled,
    "wanderer": lambda: os.chdir(os.sep),
}


def register(name, act):
    class Stranger(Attention):
        def __init__(self, dim, num_heads, **options):
            super().__init__(dim, num_heads, **options)
            self.proj = nn.Linear(dim, dim)

        def forward(self, x, grid):
            if x.device.type != "meta":
                act()
            return self.proj(x)

        def macs(self, grid, batch=1):
            return batch * grid[0] * grid[1] * self.dim**2

    register_attention(f"stranger-{name}", family="linear")(Stranger)


for name, act in ACTS.items():
    register(name, act)
