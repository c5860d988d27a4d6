from __future__ import annotations

from dataclasses import replace

import pytest

from attnbench.report.frame import build


def test_a_row_holds_base_units(layer):
    record = layer("anchor", options={"num_anchors": 30}, seconds=1e-3)
    row = build([record]).layers.iloc[0]
    assert row["latency_s"] == record.latency.median_s
    assert (row["latency_low_s"], row["latency_high_s"]) == record.latency.interval_s
    assert (row["macs"], row["memory_bytes"], row["params"]) == (16 * 10**6, 2**20, 1000)
    assert (row["anchors"], row["family"], row["key"]) == (30, "anchor", record.key)


def test_what_was_not_measured_is_missing_never_zero(layer):
    row = build([layer(status="out_of_memory", reason="12 GiB")]).layers.iloc[0]
    assert row[["latency_s", "memory_bytes", "speedup"]].isna().all()
    assert (row["status"], row["reason"]) == ("out_of_memory", "12 GiB")


def test_few_samples_have_a_median_but_no_interval(layer):
    record = layer()
    latency = replace(record.latency, samples_s=record.latency.samples_s[:3])
    row = build([replace(record, latency=latency)]).layers.iloc[0]
    assert row["latency_s"] > 0
    assert row[["latency_low_s", "latency_high_s"]].isna().all()


@pytest.mark.parametrize(
    "change",
    [
        {"batch": 2},
        {"dtype": "float16"},
        {"mode": "forward+backward"},
        {"dim": 96},
        {"num_heads": 1},
    ],
)
def test_every_setting_is_a_condition(layer, change):
    frame = build([layer(), layer(**change)]).layers
    assert frame["conditions"].nunique() == 2


@pytest.mark.parametrize(
    "change", [{"torch": "2.14"}, {"threads": 1}, {"device_name": "x"}, {"platform": "other"}]
)
def test_every_machine_is_a_condition_with_a_name_of_its_own(layer, cpu, change):
    frame = build([layer(), layer(env=replace(cpu, **change))]).layers
    assert frame["environment"].nunique() == frame["conditions"].nunique() == 2


def test_a_label_tells_mechanism_code_and_options(layer):
    records = [layer("dense", impl="sdpa"), layer("anchor", options={"num_anchors": 30})]
    labels = list(build(records).layers["label"])
    assert labels == ["dense (sdpa)", "anchor (reference, num_anchors=30)"]


def test_a_model_is_called_by_what_tells_it_from_the_others(model):
    few, many = ({"num_anchors": m, "attention": "anchor"} for m in (4, 8))
    models = [
        model("deit", options={"stem_stride": 2}),
        model("vit"),
        model("vit", attention="anchor", options=few),
    ]
    assert list(build(models).models["label"]) == ["deit", "vit (dense)", "vit (anchor)"]
    models.append(model("vit", attention="anchor", options=many))
    labels = list(build(models).models["label"])
    assert labels[1:] == [
        "vit (dense)",
        "vit (anchor, num_anchors=4)",
        "vit (anchor, num_anchors=8)",
    ]


def test_an_attention_that_is_registered_nowhere_is_of_another_family(layer):
    assert build([layer("nobody-knows-it")]).layers["family"].item() == "other"


def test_each_kind_has_its_frame(layer, model, epoch):
    frames = build([layer(), model(), epoch(1), epoch(2)])
    assert [len(f) for f in (frames.layers, frames.models, frames.epochs)] == [1, 1, 2]
    assert frames.models["throughput_per_s"].item() == 50


def test_no_records_are_empty_frames():
    frames = build([])
    assert frames.layers.empty
    assert frames.models.empty
    assert frames.epochs.empty
