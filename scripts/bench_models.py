"""A training step of whole models side by side: images a second and peak memory.

    python scripts/bench_models.py anchorformer-s deit-s swin-t --batch 64 --dtype bfloat16

The models are sampled in turn; the records name the conditions. Loading data is not measured: the
batch is random and already on the device.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from rich.console import Console

from attnbench.benchmark.runner import profile
from attnbench.profiling.machine.environment import choose_device
from attnbench.records import ModelRecord, of_type, store
from attnbench.registry import MODELS
from attnbench.report.tables.markdown import table_lines
from attnbench.spec import ModelWorkload, Protocol
from attnbench.units import format_bytes, format_giga_macs, format_params, format_rate

HEADS = ("model", "parameters", "GMACs of a step", "images/s", "95 %", "peak memory")
IMAGENET_CLASSES = 1000


def workload(model: str, img_size: int, batch: int, dtype: str) -> ModelWorkload:
    """A training step on a batch of square images."""
    MODELS.find(model)
    return ModelWorkload(
        model=model, attention="", img_size=(img_size, img_size), num_classes=IMAGENET_CLASSES,
        batch=batch, dtype=dtype, mode="train",  # type: ignore[arg-type]  # checked at birth
    )  # fmt: skip


def row(record: ModelRecord) -> tuple[str, ...]:
    """One line of the table; a failure gives its reason."""
    work = record.workload
    if record.latency is None or record.params is None:
        return (work.model, *[""] * 3, f"{record.status}: {record.reason}", "")
    images, latency = work.batch, record.latency
    low, high = latency.interval_s or (latency.median_s, latency.median_s)
    macs = record.macs.training_macs if record.macs else None
    memory = record.memory
    return (
        work.model,
        format_params(record.params),
        "" if macs is None else format_giga_macs(macs),
        format_rate(images / latency.median_s),
        f"{format_rate(images / high)} – {format_rate(images / low)}",
        "" if memory is None else format_bytes(memory.peak_net_bytes),
    )


def main() -> None:
    """Measure, print, and store."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # torch's profiler, which weighs memory, talks
    parser = argparse.ArgumentParser(description="A training step of whole models.")
    parser.add_argument("models", nargs="+", help="names; `attnbench list models` shows all")
    parser.add_argument("--img-size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--dtype", default="float32", help="float32, bfloat16 or float16")
    parser.add_argument("--device", default="auto", help="auto (GPU if there is one), cpu or cuda")
    parser.add_argument("--time-budget", type=float, default=5.0, help="seconds a model")
    parser.add_argument("--out", type=Path, metavar="FILE", help="append the records there, too")
    chosen = parser.parse_args()
    cells = [workload(m, chosen.img_size, chosen.batch, chosen.dtype) for m in chosen.models]
    with Console(stderr=True).status("starting") as status:
        measured = profile(
            cells, Protocol(time_budget_s=chosen.time_budget), choose_device(chosen.device),
            on_step=status.update,
        )  # fmt: skip
    records = of_type(measured, ModelRecord)
    for record in records if chosen.out else ():
        store.append(chosen.out, record)
    conditions = f"{records[0].environment.label}, {chosen.dtype}, batch {chosen.batch}"
    table = table_lines(HEADS, (False,) * len(HEADS), [row(record) for record in records])
    sys.stdout.write("\n".join([conditions, "", *table]) + "\n")


if __name__ == "__main__":
    main()
