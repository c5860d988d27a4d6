"""What is built from plain values is what the constructor gives: equal, frozen, checked."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict, fields, replace

import pytest

from attnbench.building import SHARED, build
from attnbench.errors import UserError
from attnbench.measured import Accuracy, Energy, Macs, Memory, Progress
from attnbench.records import Checkup, Environment, Finding, Floor, Record
from attnbench.spec import Protocol, Recipe, Workload
from attnbench.timing import Clocks, Contention, Latency

ENVIRONMENT = Environment(
    device="cuda", device_name="Test GPU", threads=2, torch="2.15.0", cuda="13.0", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip
FLOOR = Floor(relative=0.02, absolute_s=1e-7, created="2026-01-01")
RECORD = Record(
    workload=Workload(attention="anchor", grid=(2, 3), options={"num_anchors": 5}),
    environment=ENVIRONMENT, created="2026-01-02", protocol=Protocol(),
    recipe=Recipe(data="digits", img_size=8, epochs=1), params=7, floor=FLOOR,
    macs=Macs(products_macs=1, norms_ops=0, by_operator_macs={"matmul": 1}, uncounted=("add",)),
    latency=Latency(
        samples_s=(1.0, 2.0), stopped_by="precision", host_samples_s=(0.5, 0.25),
        contention=Contention(own_cores=1.0, other_cores=0.0, stolen_cores=0.0),
        clocks=Clocks(first_mhz=3, last_mhz=2, lowest_mhz=1, throttled_by=("heat",)),
    ),
    memory=Memory(peak_net_bytes=1, peak_total_bytes=None, method="cuda allocator"),
    energy=Energy(status="ok", meter="nvml", windows_j=(1.0, 2.0), window_s=1.0),
    accuracy=Accuracy(top1=0.5, top5=0.9, loss=1.0, images=10, forward_s=1.0),
    progress=Progress(epoch=1, train_loss=1.0, train_s=1.0, images=10), notes=("a", "b"),
)  # fmt: skip
CHECKUP = Checkup(
    floor=FLOOR, environment=ENVIRONMENT, created="2026-01-03",
    findings=(Finding(name="busy wait", outcome="passed", text="20 ms"),),
)  # fmt: skip
PARTS = [getattr(RECORD, known.name) for known in fields(RECORD) if known.name != "notes"]
WHOLES = [CHECKUP, *(part for part in PARTS if hasattr(part, "__dataclass_fields__"))]


def listed(value):
    """As JSON gives it back: tuples are lists."""
    if isinstance(value, dict):
        return {name: listed(inner) for name, inner in value.items()}
    return [listed(inner) for inner in value] if isinstance(value, (tuple, list)) else value


@pytest.mark.parametrize("whole", WHOLES, ids=lambda whole: type(whole).__name__)
def test_what_was_taken_apart_is_built_again(whole):
    built = build(type(whole), listed(asdict(whole)))
    assert built == whole
    assert repr(built) == repr(whole)  # of the same class, tuples as tuples, down to the last part
    assert type(built) is type(whole)


def test_a_whole_record_is_built_around_its_workload():
    values = {**listed(asdict(RECORD)), "workload": RECORD.workload}
    assert repr(build(Record, values)) == repr(RECORD)
    assert build(Record, values).key == RECORD.key


def test_what_is_missing_has_its_default_of_its_own():
    one, two = (build(Workload, {"attention": "dense", "grid": [2, 2]}) for _ in range(2))
    assert one == two == Workload(attention="dense", grid=(2, 2))
    assert one.options is not two.options


def test_what_was_built_is_frozen():
    built = build(Workload, {"attention": "dense", "grid": [2, 2]})
    with pytest.raises(FrozenInstanceError):
        built.dim = 3
    assert replace(built, dim=3) == Workload(attention="dense", grid=(2, 2), dim=3)


def test_the_values_are_left_as_they_were():
    values = listed(asdict(RECORD.latency))
    build(Latency, values)
    assert values == listed(asdict(RECORD.latency))


def test_checks_are_made():
    with pytest.raises(UserError, match="--heads must divide --dim"):
        build(Workload, {"attention": "dense", "grid": [2, 2], "num_heads": 5})
    with pytest.raises(ValueError, match="all above zero"):
        build(Latency, {"samples_s": [1.0, 0.0], "stopped_by": "precision"})


def test_fields_that_lack_or_are_unknown_are_named():
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'grid'"):
        build(Workload, {"attention": "dense"})
    with pytest.raises(ValueError, match="unknown fields heat, watts"):
        build(Workload, {"attention": "dense", "grid": [2, 2], "watts": 3, "heat": 4})


def test_equal_conditions_are_one_object():
    values = {**listed(asdict(RECORD)), "workload": RECORD.workload}
    one, two = build(Record, values), build(Record, values)
    for known in fields(Record):
        if type(part := getattr(one, known.name)) in SHARED:
            assert part is getattr(two, known.name)


def test_numbers_that_are_equal_but_written_otherwise_are_kept_apart():
    """The key of a cell is a hash of what is written: 1 and 1.0 are two cells."""
    values = {**listed(asdict(RECORD)), "workload": RECORD.workload}
    for number in (1, 1.0, True):
        written = build(Record, {**values, "protocol": {"warmup_s": number}})
        assert type(written.protocol.warmup_s) is type(number)
