"""A full line of each kind: every part is there, and no number is zero."""

import pytest

from attnbench.records import (
    Ceiling,
    Checkup,
    Energy,
    Environment,
    EpochRecord,
    Finding,
    Floor,
    LayerRecord,
    Macs,
    Memory,
    ModelRecord,
    Progress,
    Scores,
)
from attnbench.records.disturbance import Contention
from attnbench.records.latency import Clocks, Latency
from attnbench.spec import ModelWorkload, Protocol, Recipe, Workload

ENVIRONMENT = Environment(
    device="cuda", device_name="Test GPU", threads=2, torch="2.15.0", cuda="13.0", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip
FLOOR = Floor(relative=0.02, absolute_s=1e-7, created="2026-01-01")
COST = {
    "environment": ENVIRONMENT, "created": "2026-01-02", "protocol": Protocol(), "params": 7,
    "floor": FLOOR, "notes": ("a", "b"), "asked_by": "sweep", "traffic_bytes": 5, "least_bytes": 3,
    "operators": 2, "first_call_s": 0.5, "denormal_share": 0.25,
    "macs": Macs(products_macs=1, norms_ops=0, by_operator_macs={"matmul": 1}, uncounted=("add",)),
    "latency": Latency(
        samples_s=(1.0, 2.0), stopped_by="precision", host_samples_s=(0.5, 0.25),
        contention=Contention(own_cores=1.0, other_cores=0.0, stolen_cores=0.0),
        clocks=Clocks(first_mhz=3, last_mhz=2, lowest_mhz=1, throttled_by=("heat",)),
        waits_s=(0.0, 0.125), switches=(0, 3), canary_s=(0.1, 0.2),
    ),
    "memory": Memory(peak_net_bytes=1, peak_total_bytes=None, method="cuda allocator"),
    "energy": Energy(status="ok", meter="nvml", windows_j=(1.0, 2.0), window_s=1.0),
}  # fmt: skip
TRAINED = {
    "workload": ModelWorkload(
        model="vit", attention="anchor", img_size=(8, 16), num_classes=10, options={"depth": 2}
    ),
    "recipe": Recipe(data="digits", img_size=(8, 16), epochs=1), "run": "vit-0",
    "scores": Scores(
        task="classification", values={"top1": 0.5, "top5": 0.9, "loss": 1.0}, count=10,
        forward_s=1.0,
    ),
}  # fmt: skip
FULL = LayerRecord(
    workload=Workload(attention="anchor", grid=(2, 3), options={"num_anchors": 5}), **COST
)
FULL_MODEL = ModelRecord(**TRAINED, **COST)
FULL_EPOCH = EpochRecord(
    **TRAINED, environment=ENVIRONMENT, created="2026-01-02", asked_by="train",
    progress=Progress(epoch=1, train_loss=1.0, train_s=1.0, images=10),
)  # fmt: skip
FULL_CEILING = Ceiling(
    operation="matmul", dtype="float32", size=512, macs=512**3, moved_bytes=3 * 4 * 512**2,
    latency=COST["latency"], environment=ENVIRONMENT, created="2026-01-03",
)  # fmt: skip
FULL_CHECKUP = Checkup(
    floor=FLOOR, environment=ENVIRONMENT, created="2026-01-03",
    findings=(Finding(name="busy wait", outcome="passed", text="20 ms"),),
)  # fmt: skip
FULL_RECORDS = [FULL, FULL_MODEL, FULL_EPOCH]


@pytest.fixture
def full_layer():
    """A layer with every part."""
    return FULL


@pytest.fixture(params=FULL_RECORDS, ids=lambda line: line.kind)
def full_record(request):
    """A record of each kind."""
    return request.param


@pytest.fixture(params=[*FULL_RECORDS, FULL_CEILING, FULL_CHECKUP], ids=lambda line: line.kind)
def full_line(request):
    """A line of each kind."""
    return request.param


@pytest.fixture
def full_lines():
    """A line of each kind, in the order of `schema.LINES`."""
    return [*FULL_RECORDS, FULL_CEILING, FULL_CHECKUP]
