"""The conditions of a number: the machine and the software.

"The same machine" means equal `machine`; "the same conditions" means equal `conditions`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from attnbench.records.numbers import Count, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The conditions of a number: the machine and the software."""

    device: Literal["cpu", "cuda"]
    device_name: Text
    threads: Count
    """CPU threads of torch; on CUDA too, where they limit the host's work."""
    torch: Text
    cuda: Text
    """CUDA version of torch; "" if no GPU is used."""
    python: Text
    platform: Text
    attnbench: Text
    code: Text
    """Hash of the code that was measured; a cell whose code has changed since is stale."""
    float32_matmul: Text = "highest"
    """Precision of float32 products in torch's words; "high" means TF32 on a GPU."""
    wait_policy: Text = ""
    """How threads wait for one another: "passive" (they sleep), "active" (they do not), or "" for
    OpenMP's own way (not for some milliseconds). "" too for one thread, and on a GPU."""
    pinned: Count = 0
    """Cores that the process was held to; 0 if it might run on all cores of the machine."""
    allocator: Text = ""
    """Settings of the memory allocator; "" if none was changed."""

    def __hash__(self) -> int:
        """Of the facts that differ most: a large report asks for a million hashes."""
        return hash((self.device_name, self.threads, self.torch, self.code))

    @property
    def label(self) -> str:
        """One line for a caption, with what the user set."""
        plural = "" if self.threads == 1 else "s"
        threads = f", {self.threads} thread{plural}" if self.device == "cpu" else ""
        return ", ".join((f"{self.device_name}{threads}, torch {self.torch}", *self._set_by_user))

    @property
    def _set_by_user(self) -> list[str]:
        usual = self.float32_matmul == "highest"
        return [
            *([] if usual else [f"float32 products {self.float32_matmul}"]),
            *([f"pinned to {self.pinned} core{'s' * (self.pinned > 1)}"] if self.pinned else []),
            *([f"allocator {self.allocator}"] if self.allocator else []),
        ]

    @property
    def machine(self) -> Machine:
        """The machine: processor or GPU, threads and operating system."""
        return self.device, self.device_name, self.threads, self.platform

    @property
    def conditions(self) -> Environment:
        """The machine and the software that runs the kernels; Python and attnbench are left out.

        Numbers may be compared, or share a line of a figure, only if these are equal.
        """
        return _conditions_of(self)


Machine = tuple[str, str, int, str]


@cache
def _conditions_of(environment: Environment) -> Environment:
    return replace(environment, python="", attnbench="", code="")
