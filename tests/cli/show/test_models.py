"""Whole models as a table."""

from dataclasses import replace

from attnbench.cli.show.models import print_models
from attnbench.cli.show.screen import Screen
from attnbench.records import Environment, Macs, ModelRecord
from attnbench.records.latency import Latency
from attnbench.spec import ModelWorkload

CPU = Environment(
    device="cpu", device_name="Test CPU", threads=2, torch="2.15.0", cuda="", python="3.12",
    platform="Linux", attnbench="0.1.0", code="abc",
)  # fmt: skip
RECORD = ModelRecord(
    workload=ModelWorkload(model="vit-t", attention="dense", img_size=(32, 64), num_classes=10),
    environment=CPU,
    created="",
    params=5_400_000,
    latency=Latency(samples_s=(0.004,) * 40, stopped_by="precision", span_s=1.0),
)


def shown(records, capsys):
    print_models(records, Screen(width=80))
    return capsys.readouterr().out


def test_models_of_one_size_stand_side_by_side(capsys):
    options = replace(RECORD.workload, model="pyramid-t", options={"stem_stride": 2})
    large = replace(RECORD, workload=replace(RECORD.workload, img_size=(64, 64)))
    out = shown([RECORD, replace(RECORD, workload=options), large], capsys)
    assert out.index("32 × 64 px, 10 classes, batch 1") < out.index("64 × 64 px, 10 classes")
    assert "pyramid-t (stem_stride=2)" in " ".join(out.split())
    assert out.count("4.00 ms") == 3


def test_one_that_failed_says_why_and_has_no_numbers(capsys):
    failed = replace(RECORD, status="unsupported", reason="takes 224 px alone", latency=None)
    out = shown([failed], capsys)
    assert "vit-t: unsupported: takes 224 px alone" in out
    assert "trust" not in out.partition("takes 224")[2]


def test_doubts_and_uncounted_operators_are_named_beneath(capsys):
    few = replace(RECORD.latency, samples_s=(0.004,) * 3)
    macs = Macs(products_macs=10**9, norms_ops=0, by_operator_macs={}, uncounted=("softmax",))
    out = shown([replace(RECORD, latency=few, macs=macs)], capsys)
    assert "trust C: vit-t: 3 samples; raise --time-budget" in out
    assert "not counted: softmax" in out
    assert "1.000" in out


def test_nothing_measured_prints_nothing(capsys):
    assert shown([], capsys) == ""
