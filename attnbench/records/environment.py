"""The conditions of a number: the machine and the software."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The conditions of a number: the machine and the software."""

    device: Literal["cpu", "cuda"]
    device_name: str
    threads: int
    """CPU threads of torch; also on CUDA, where it bounds the host side."""
    torch: str
    cuda: str
    """CUDA version of torch, "" where no GPU is used."""
    python: str
    platform: str
    attnbench: str
    code: str
    """Hash of the source that produces the numbers: a cell of other code is stale."""
    float32_matmul: str = "highest"
    """Precision of float32 products in torch's words; "high" is TF32 on a GPU."""

    @property
    def label(self) -> str:
        """One line for a caption."""
        plural = "" if self.threads == 1 else "s"
        threads = f", {self.threads} thread{plural}" if self.device == "cpu" else ""
        return f"{self.device_name}{threads}, torch {self.torch}"

    @property
    def machine(self) -> Machine:
        """The machine: processor or GPU, threads and operating system."""
        return self.device, self.device_name, self.threads, self.platform

    @property
    def conditions(self) -> Environment:
        """The machine and the software on it, without the code of attnbench.

        Numbers may share a line, or be compared, only where these are equal.
        """
        return _without_code(self)


Machine = tuple[str, str, int, str]


@cache
def _without_code(environment: Environment) -> Environment:
    return replace(environment, attnbench="", code="")
