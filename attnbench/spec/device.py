"""Names of devices, checked without loading torch."""

from __future__ import annotations

import re

from attnbench.bounds import shortened
from attnbench.errors import UserError

_KNOWN = re.compile(r"auto|cpu|cuda(:[0-9]{1,3})?")


def known_device(name: str) -> str:
    """Refuse what no device is called: torch itself takes "cpu:9", "meta" and others."""
    if not _KNOWN.fullmatch(name):
        raise UserError(
            "--device must be auto, cpu or cuda, or one of several GPUs such as cuda:1; "
            f"got {shortened(name)}"
        )
    return name
