from __future__ import annotations

from dataclasses import replace

import pytest

from attnbench.analysis.frame.frames import build
from attnbench.records import Energy, Floor


def test_a_row_holds_base_units(layer):
    record = layer("anchor", options={"num_anchors": 30}, seconds=1e-3)
    row = build([record]).layers.iloc[0]
    assert row["latency_s"] == record.latency.median_s
    assert (row["latency_low_s"], row["latency_high_s"]) == record.latency.interval_s
    assert (row["macs"], row["memory_bytes"], row["params"]) == (16 * 10**6, 2**20, 1000)
    assert (row["num_anchors"], row["family"], row["key"]) == (30, "anchor", record.key)


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
    assert labels == ["dense (sdpa)", "anchor-30 (reference)"]


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


def test_a_row_says_how_the_latency_is_spread(layer):
    record = layer("dense", side=4, seconds=1e-3, batch=2)
    samples = tuple(k * 1e-3 for k in range(1, 101))
    hosts = tuple(2e-3 for _ in samples)
    latency = replace(record.latency, samples_s=samples, host_samples_s=hosts, cache="cold")
    row = build([replace(record, latency=latency)]).layers.iloc[0]
    assert (row["p50_s"], row["p90_s"], row["p99_s"]) == (0.05, 0.09, 0.099)
    assert row["images_per_s"] == pytest.approx(2 / row["latency_s"])
    assert row["time_per_token_s"] == pytest.approx(row["latency_s"] / (2 * 16))
    assert (row["host_s"], row["launch_bound"], row["cache"]) == (2e-3, "no", "cold")


def test_a_device_that_waits_for_its_host_is_launch_bound(layer):
    record = layer()
    latency = replace(record.latency, host_samples_s=record.latency.samples_s)
    assert build([replace(record, latency=latency)]).layers["launch_bound"].item() == "yes"
    assert build([record]).layers["launch_bound"].item() == ""


def test_a_row_holds_what_the_meters_said(layer, model):
    def metered(record):
        return replace(
            record, first_call_s=0.5, least_bytes=10, operators=7, backend="flash",
            energy=Energy(status="ok", meter="rapl", windows_j=(1.0, 3.0, 2.0), window_s=1.0),
            memory=replace(record.memory, reserved_net_bytes=5, resident_net_bytes=6),
            floor=Floor(relative=0.02, absolute_s=1e-7, created=record.created),
        )  # fmt: skip

    frames = build([metered(layer()), metered(model())])
    for frame in (frames.layers, frames.models):
        row = frame.iloc[0]
        assert (row["first_call_s"], row["least_bytes"], row["operators"]) == (0.5, 10, 7)
        assert (row["energy_j"], row["energy_meter"], row["backend"]) == (2.0, "rapl", "flash")
        assert (row["reserved_net_bytes"], row["resident_net_bytes"]) == (5, 6)
        assert row["floor_relative"] == 0.02


def test_energy_that_could_not_be_metered_is_missing(layer):
    record = replace(layer(), energy=Energy(status="unsupported", reason="no meter"))
    assert build([record]).layers[["energy_j"]].isna().all(axis=None)


def test_a_cell_is_held_against_the_limits_of_its_machine_alone(layer, ceilings, gpu):
    here = replace(layer(seconds=0.1), least_bytes=1000, operators=5)
    there = replace(here, environment=gpu)
    frame = build([here, there], ceilings(macs_per_s=1e9)).layers.set_index("device")
    assert frame.loc["cpu", "percent_of_limit"] == pytest.approx(0.016 / frame.latency_s["cpu"])
    assert frame.loc["cpu", "roof_macs_per_s"] == pytest.approx(1e9)
    assert frame.loc["cuda", ["percent_of_limit", "roof_macs_per_s"]].isna().all()
    assert frame.loc["cuda", "bound_by"] == ""


def test_the_note_about_limits_is_for_cells_that_they_would_help(layer, ceilings):
    old, new = layer(), replace(layer(), least_bytes=1000)
    assert build([old]).notes == ()
    assert len(build([new]).notes) == 1
    assert "Test CPU" in build([new]).notes[0]
    assert build([new], ceilings()).notes == ()
    assert "float16" in build([replace(new, workload=replace(new.workload, dtype="float16"))],
                              ceilings()).notes[0]  # fmt: skip


def test_the_speed_up_by_macs_stands_beside_the_measured_one(layer):
    half = layer("anchor", seconds=1e-3)
    half = replace(half, macs=replace(half.macs, products_macs=half.macs.products_macs // 2))
    frame = build([layer("dense", seconds=1e-3), half]).layers.set_index("attention")
    assert frame.loc["anchor", ["speedup", "macs_speedup"]].tolist() == [1.0, 2.0]
    assert frame.loc["anchor", "gap"] == "not explained by the records"
    assert frame.loc["dense", ["macs_speedup", "gap"]].tolist() == [1.0, ""]
    alone = build([half]).layers
    assert alone["macs_speedup"].isna().all()
    assert alone["gap"].item() == ""


def test_each_kind_has_its_frame(layer, model, epoch):
    frames = build([layer(), model(), epoch(1), epoch(2)])
    assert [len(f) for f in (frames.layers, frames.models, frames.epochs)] == [1, 1, 2]
    assert frames.models["throughput_per_s"].item() == 50


def test_no_records_are_empty_frames():
    frames = build([])
    assert frames.layers.empty
    assert frames.models.empty
    assert frames.epochs.empty
