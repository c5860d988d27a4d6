from __future__ import annotations

import hashlib
import json
import random
from dataclasses import FrozenInstanceError, asdict, fields, replace
from statistics import median

import pytest
from record_builders import memoryless

from attnbench.records import (
    COST_RECORDS,
    CostRecord,
    Environment,
    EpochRecord,
    LayerRecord,
    Macs,
    Memory,
    ModelRecord,
    Progress,
    Scores,
    coverage,
    is_settled,
    of_type,
)
from attnbench.records.latency import Latency, Ratio, speed_up
from attnbench.spec import ModelWorkload, Protocol, Recipe, Workload, describe

MACHINE = Environment(
    device="cpu", device_name="Test CPU", threads=2, torch="2.15.0", cuda="", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip
LAYER = LayerRecord(
    workload=Workload(attention="dense", grid=(4, 4)),
    environment=MACHINE,
    created="2026-01-01T00:00:00+00:00",
    protocol=Protocol(),
)
TRAINED = {
    "workload": ModelWorkload(model="vit", attention="dense", img_size=(8, 8), num_classes=2),
    "environment": MACHINE, "created": LAYER.created,
    "recipe": Recipe(data="digits", img_size=(8, 8), epochs=2), "run": "vit-0",
    "scores": Scores(task="classification", values={"top1": 0.5}, count=100, forward_s=4.0),
}  # fmt: skip
MODEL = ModelRecord(protocol=Protocol(), **TRAINED)
EPOCH = EpochRecord(progress=Progress(epoch=1, train_loss=1.0, train_s=1.0, images=10), **TRAINED)


def latency(samples_s, rounds_with=""):
    return Latency(
        samples_s=tuple(samples_s), stopped_by="precision", rounds_with=rounds_with, span_s=1.0
    )


@pytest.mark.parametrize("samples", [(), (0.0,), (-1.0,), (float("nan"),)])
def test_a_latency_without_a_duration_is_refused(samples):
    with pytest.raises(ValueError, match="at least one sample"):
        latency(samples)


def test_rounds_in_turn_give_the_median_of_the_ratios():
    baseline, other = latency([2.0, 8.0, 6.0], "r"), latency([1.0, 2.0, 2.0], "r")
    assert speed_up(baseline, other) == Ratio(value=3.0, interval=None, paired=True)


@pytest.mark.parametrize(
    "other", [latency([1.0, 2.0, 4.0], "s"), latency([1.0, 2.0, 4.0]), latency([2.0], "r")]
)
def test_cells_that_were_not_measured_in_turn_give_the_ratio_of_the_medians(other):
    baseline = latency([2.0, 4.0, 6.0], "r")
    assert speed_up(baseline, other) == Ratio(value=2.0, interval=None, paired=False)


def test_the_unpaired_interval_is_the_worst_case():
    baseline, other = latency(memoryless(range(10, 20))), latency([1.0, 2.0] * 5)
    ratio, low, high = speed_up(baseline, other), *baseline.interval_s
    assert ratio.interval == (low / other.interval_s[1], high / other.interval_s[0])
    assert ratio.interval[0] <= ratio.value <= ratio.interval[1]


def test_nothing_is_faster_than_itself():
    samples = [random.Random(1).uniform(1, 2) for _ in range(20)]
    assert speed_up(latency(samples, "r"), latency(samples, "r")).interval == (1.0, 1.0)


def test_drift_of_the_machine_cancels_in_a_paired_ratio():
    drift = [1 + 0.1 * i for i in range(30)]
    slow, fast = latency([3 * d for d in drift], "r"), latency(drift, "r")
    low, high = speed_up(slow, fast).interval
    assert high - low < 1e-9
    assert fast.interval_s is None  # thirty samples that only grow tell nothing of a median


def test_each_kind_of_record_is_a_type():
    assert (LAYER.kind, MODEL.kind, EPOCH.kind) == ("layer", "model", "epoch")
    assert {"layer": LayerRecord, "model": ModelRecord} == COST_RECORDS
    assert of_type([LAYER, MODEL, EPOCH], CostRecord) == [LAYER, MODEL]
    assert of_type([LAYER, MODEL, EPOCH], EpochRecord) == [EPOCH]


@pytest.mark.parametrize(
    "change",
    [
        {"workload": replace(LAYER.workload, batch=2)},
        {"workload": replace(LAYER.workload, options={"num_anchors": 3})},
        {"protocol": Protocol(min_samples=31)},
        {"environment": replace(MACHINE, code="abd")},
        {"environment": replace(MACHINE, threads=1)},
    ],
)
def test_the_key_changes_with_every_condition(change):
    assert replace(LAYER, **change).key != LAYER.key


@pytest.mark.parametrize("record", [MODEL, EPOCH], ids=lambda record: record.kind)
def test_the_key_of_a_trained_model_changes_with_its_recipe(record):
    seed = replace(record.recipe, seed=record.recipe.seed + 1)
    assert replace(record, recipe=seed).key != record.key


def test_the_key_is_the_hash_of_workload_code_protocol_conditions_and_recipe_as_json():
    conditions = asdict(MACHINE.conditions)
    parts = [asdict(MODEL.workload), asdict(MODEL.protocol), conditions, asdict(MODEL.recipe)]
    workload, *shared = (json.dumps(part, sort_keys=True) for part in parts)
    text = ", ".join([workload, MACHINE.code, *shared])
    assert MODEL.key == hashlib.sha256(f"[{text}]".encode()).hexdigest()[:16]


def test_settings_that_are_equal_have_one_key_however_they_are_written():
    protocols = [replace(LAYER.protocol, warmup_s=number) for number in (1, 1.0)]
    assert len({replace(LAYER, protocol=protocol).key for protocol in protocols}) == 1


def test_the_key_does_not_change_with_the_outcome():
    assert replace(LAYER, status="failed", reason="x", created="later").key == LAYER.key


def test_a_settled_cell_would_say_the_same_again():
    settled = {s: is_settled(replace(LAYER, status=s)) for s in ("ok", "out_of_memory", "timeout")}
    assert settled == {"ok": True, "out_of_memory": True, "timeout": False}
    assert not is_settled(replace(LAYER, status="failed"))


def test_records_do_not_change():
    with pytest.raises(FrozenInstanceError):
        LAYER.status = "failed"


def test_throughput_counts_forward_seconds_only():
    assert EPOCH.scores.throughput_per_s == 25


@pytest.mark.parametrize("change", [{"values": {}}, {"count": 0}])
def test_scores_of_nothing_are_refused(change):
    with pytest.raises(ValueError, match="at least one value and one sample"):
        replace(EPOCH.scores, **change)


def test_options_read_in_a_fixed_order():
    assert describe({"b": 1, "a": 2}) == describe({"a": 2, "b": 1}) == "a=2, b=1"
    assert describe({"attention_options": {"num_anchors": 5}, "drop": 0}) == "num_anchors=5, drop=0"


WITHOUT_UNIT = {"epoch", "images", "train_loss", "count", "switches", "left_objects", "values",
                "intervals", "by_class"}  # fmt: skip


@pytest.mark.parametrize(
    "cls", [Latency, Memory, Macs, Scores, Progress], ids=lambda cls: cls.__name__
)
def test_every_number_has_a_unit_in_its_name(cls):
    numbers = {f.name for f in fields(cls) if any(t in f.type for t in ("int", "float"))}
    named = {n for n in numbers if n.endswith(("_s", "_bytes", "_macs", "_ops"))}
    assert numbers - named <= WITHOUT_UNIT


def test_a_median_is_the_median():
    samples = [3.0, 1.0, 2.0, 10.0]
    assert latency(samples).median_s == median(samples)


def test_coverage_names_each_uncounted_operator_once():
    assert coverage(["softmax", "add", "softmax"]) == (
        "all multiply-adds counted; not counted: add, softmax"
    )
    assert coverage([]) == "all multiply-adds counted"
