"""Fixtures that build records with defaults, so each test sets only what it tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attnbench.records import (
    Ceiling,
    Environment,
    EpochRecord,
    LayerRecord,
    Macs,
    Memory,
    ModelRecord,
    Progress,
    Scores,
)  # fmt: skip
from attnbench.records.latency import Latency
from attnbench.spec import ModelWorkload, Protocol, Recipe, Workload

CPU = Environment(
    device="cpu", device_name="Test CPU", threads=2, torch="2.15.0", cuda="", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip
GPU = replace(CPU, device="cuda", device_name="Test GPU", cuda="13.0")


def created_at(second: int) -> str:
    return f"2026-01-01T00:{second // 60:02d}:{second % 60:02d}+00:00"


def memoryless(samples):
    """The samples in an order without trend or memory: low and high ones take turns."""
    ordered = sorted(samples)
    count = len(ordered)
    return tuple(ordered[i // 2 if i % 2 else (count + i) // 2] for i in range(count))


def latency_of(seconds: float, rounds_with: str = "", count: int = 8) -> Latency:
    samples = memoryless(seconds * (1 + 0.01 * i) for i in range(count))
    return Latency(samples_s=samples, stopped_by="precision", rounds_with=rounds_with, span_s=1.0)


def macs_of(number: int) -> Macs:
    return Macs(
        products_macs=number, norms_ops=0, by_operator_macs={}, uncounted=("mul", "softmax"),
        training_macs=3 * number,
    )  # fmt: skip


def possible(macs, seconds):
    """The MACs, or as many as a machine can do in that time."""
    return min(macs, round(1e11 * seconds))


def ceilings_of(env=CPU, dtype="float32", *, macs_per_s=1e9, bytes_per_s=None, operator_s=1e-6,
                at=0):  # fmt: skip
    """The limits of a machine; `bytes_per_s` by the bytes that are copied, 1e9 for a MiB."""
    common = {"dtype": dtype, "environment": env, "created": created_at(at)}

    def ceiling(operation, size, seconds, macs=0, moved=0):
        latency = Latency(samples_s=(seconds,) * 8, stopped_by="precision", span_s=1.0)
        return Ceiling(operation=operation, size=size, macs=macs, moved_bytes=moved,
                       latency=latency, **common)  # fmt: skip

    return [
        ceiling("matmul", 100, 10**6 / macs_per_s, macs=10**6),
        *(ceiling("copy", size, 2 * size / rate, moved=2 * size)
          for size, rate in (bytes_per_s or {2**20: 1e9}).items()),
        ceiling("launch", 100, 100 * operator_s),
    ]  # fmt: skip


@pytest.fixture(scope="session")
def ceilings():
    return ceilings_of


@pytest.fixture(scope="session")
def cpu():
    return CPU


@pytest.fixture(scope="session")
def gpu():
    return GPU


@pytest.fixture(scope="session")
def layer():
    def build(attention="dense", side=4, seconds=1e-3, *, at=0, rounds="", env=CPU, **more):
        """A measured layer; `more` are fields of the workload or of the record."""
        own = ("status", "reason", "notes", "asked_by")
        of_record = {k: more.pop(k) for k in own if k in more}
        workload = Workload(attention=attention, grid=more.pop("grid", (side, side)), **more)
        record = LayerRecord(
            workload=workload, environment=env, created=created_at(at), protocol=Protocol(),
            params=1000, macs=macs_of(possible(10**6 * workload.num_tokens, seconds)),
            traffic_bytes=2**21, **of_record,
        )  # fmt: skip
        if record.status != "ok":
            return record
        memory = Memory(peak_net_bytes=2**20, peak_total_bytes=None, method="cpu profiler")
        return replace(record, latency=latency_of(seconds, rounds), memory=memory)

    return build


@pytest.fixture(scope="session")
def model():
    def build(name="vit", top1=0.5, *, macs=10**9, at=0, seed=0, env=CPU, recipe=None, **more):
        """A trained model with all of its costs; `more` are fields of the workload."""
        more = {"attention": "dense", "img_size": (8, 8), "num_classes": 10, **more}
        return ModelRecord(
            workload=ModelWorkload(model=name, **more), environment=env, created=created_at(at),
            protocol=Protocol(), run=f"{name}-{seed}", params=1000, macs=macs_of(macs),
            recipe=Recipe(**{"data": "digits", "img_size": (8, 8), "epochs": 2, "seed": seed}
                          | (recipe or {})),
            latency=latency_of(macs / 1e11),
            memory=Memory(peak_net_bytes=2**20, peak_total_bytes=None, method="cpu profiler"),
            scores=Scores(
                task="classification", values={"top1": top1, "top5": 0.9, "loss": 1.0},
                count=100, forward_s=2.0,
            ),
        )  # fmt: skip

    return build


@pytest.fixture(scope="session")
def epoch(model):
    def build(number, top1=0.5, *, at=0, run="run", **more):
        """What a training run says after an epoch."""
        trained = model(top1=top1, at=at, **more)
        return EpochRecord(
            workload=trained.workload, environment=trained.environment, created=trained.created,
            recipe=trained.recipe, scores=trained.scores, run=run,
            progress=Progress(epoch=number, train_loss=1.0, train_s=1.0, images=100),
        )  # fmt: skip

    return build
