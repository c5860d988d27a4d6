"""The events that torch's profiler has seen, as the trace that it exports says them."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from torch.profiler import profile


def events_of(profiler: profile) -> list[dict[str, Any]]:
    """Events of the exported trace: its "[memory]" events say more than `profiler.events()`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        profiler.export_chrome_trace(str(path))
        events: list[dict[str, Any]] = json.loads(path.read_text())["traceEvents"]
    return events
