from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from attnbench.analysis.frame.frames import build
from attnbench.analysis.growth.prediction import predict
from attnbench.errors import UserError
from attnbench.records import Memory
from attnbench.report.export.prediction import plain


def quadratic(tokens):
    return 1e-4 + 1e-7 * tokens + 1e-9 * tokens**2


def linear(tokens):
    return 2e-4 + 1e-6 * tokens


SIDES = (8, 16, 32, 64)


@pytest.fixture
def curve(layer):
    """Cells of a mechanism at several sides, by a law of seconds; memory is 100 bytes a token."""

    def build_one(name, law, sides=SIDES, **more):
        cells = []
        for side in sides:
            record = layer(name, side, law(side**2), **more)
            peak = Memory(
                peak_net_bytes=100 * side**2, peak_total_bytes=None, method="cpu profiler"
            )
            cells.append(replace(record, memory=peak))
        return cells

    return build_one


@pytest.fixture
def layers(curve):
    anchor = curve("anchor", linear, options={"num_anchors": 30})
    return build([*curve("dense", quadratic), *anchor]).layers


def test_laws_are_told_beyond_the_data(layers):
    (group,) = predict(layers, 16_384).groups
    dense, anchor = group.predictions
    assert (dense.label, anchor.label) == ("dense (reference)", "anchor-30 (reference)")
    # Samples of the fixture grow by 1 % each: their median is 3.5 % above the first.
    assert dense.latency_s.value == pytest.approx(1.035 * quadratic(16_384))
    assert anchor.latency_s.value == pytest.approx(1.035 * linear(16_384))
    assert anchor.latency_terms_s == pytest.approx((2.07e-4, 1.035e-6, 0), abs=1e-12)
    assert anchor.memory_bytes.value == pytest.approx(100 * 16_384)
    assert anchor.tokens == (64, 256, 1024, 4096)


def test_speed_up_is_over_the_fastest_dense_predicted(curve):
    fused = curve("dense", lambda n: quadratic(n) / 2, impl="sdpa")
    records = [*curve("dense", quadratic), *fused, *curve("window", linear)]
    (group,) = predict(build(records).layers, 16_384).groups
    plain_dense, fused_dense, window = group.predictions
    assert group.baseline_label == "dense (sdpa)"
    assert fused_dense.speedup.value == fused_dense.speedup.low == fused_dense.speedup.high == 1
    assert plain_dense.speedup.value == pytest.approx(0.5)
    assert window.speedup.value == pytest.approx(quadratic(16_384) / 2 / linear(16_384))
    ends = fused_dense.latency_s.low / window.latency_s.high, window.speedup.high
    assert window.speedup.low == pytest.approx(ends[0])
    assert window.speedup.low < window.speedup.value < ends[1]


def test_dense_stays_the_baseline_when_it_is_not_asked_for(layers):
    (group,) = predict(layers, 16_384, ["anchor"]).groups
    assert [p.attention for p in group.predictions] == ["anchor"]
    assert group.baseline_label == "dense (reference)"
    assert group.predictions[0].speedup.value > 1


def test_each_set_of_conditions_is_a_group(curve):
    records = [*curve("dense", quadratic), *curve("dense", linear, mode="train")]
    groups = predict(build(records).layers, 16_384).groups
    assert [group.conditions.split(",")[0] for group in groups] == ["forward", "train"]
    assert all(group.predictions[0].speedup.value == 1 for group in groups)


@pytest.mark.parametrize("tokens", [32, 64, 1000, 16 * 4096])
def test_the_range_that_is_told_ends_at_half_and_sixteen_times(layers, tokens):
    assert predict(layers, tokens).groups


REFUSED = {
    "too far": (
        16 * 4096 + 1,
        "dense (reference), anchor-30 (reference): more than 16 times the largest size that counts "
        "(4,096); run `attnbench sweep --attention dense,anchor --n-tokens 4225",
    ),
    "too near": (31, "below half the smallest size that counts (64); run `attnbench sweep"),
    "no tokens": (0, "--n-tokens: expected a whole number from 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_distant_sizes_are_refused_with_what_to_measure(layers, case):
    tokens, expected = REFUSED[case]
    with pytest.raises(UserError) as error:
        predict(layers, tokens)
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_what_was_suggested_is_near_enough(curve):
    for tokens in (16 * 4096 + 1, 31, 2**24, 1, 2):
        with pytest.raises(UserError) as error:
            predict(build(curve("dense", quadratic)).layers, tokens)
        size = str(error.value).partition("--n-tokens ")[2].split()[0]
        side = round(float(size) ** 0.5)
        sides = sorted({side, *SIDES})
        assert predict(build(curve("dense", quadratic, sides)).layers, tokens).groups


def test_one_that_cannot_be_predicted_does_not_stop_the_others(curve, layer):
    unsupported = layer("sparse", status="unsupported", reason="x")
    records = [*curve("dense", quadratic), *curve("window", linear, sides=(8, 16)), unsupported]
    predictions = predict(build(records).layers, 1000)
    assert [p.attention for p in predictions.groups[0].predictions] == ["dense"]
    assert set(predictions.refused) == {
        "window (reference): measured at 2 sizes, but a curve needs 3; run `attnbench sweep "
        "--attention dense,window --n-tokens 64,144,256 --threads 2 --time-budget 10 --force`",
        "sparse (reference): no latency was measured (unsupported)",
    }


def test_a_mechanism_that_is_not_in_the_records_is_named(layers):
    with pytest.raises(UserError, match="--attention window is not in the records, which hold"):
        predict(layers, 1000, ["anchor", "window"])
    with pytest.raises(UserError, match="run `attnbench sweep` first"):
        predict(layers.iloc[:0], 1000)


def test_without_dense_there_is_no_speed_up_and_without_memory_none_of_it(curve):
    records = [replace(record, memory=None) for record in curve("window", linear)]
    (group,) = predict(build(records).layers, 1000).groups
    assert group.baseline is None
    assert group.predictions[0].speedup is None
    assert group.predictions[0].memory_bytes is None


def poor(record, seconds=1.0):
    """The record with a latency graded C."""
    return replace(record, latency=replace(record.latency, samples_s=(seconds,) * 3))


def test_a_latency_graded_c_is_not_fitted_and_the_note_names_its_size(curve):
    records = curve("dense", quadratic, sides=(8, 12, 16, 32, 64))
    records[0] = poor(records[0])
    (group,) = predict(build(records).layers, 16_384).groups
    assert group.predictions[0].note == "left out, not measured well enough: 64 tokens"
    assert group.predictions[0].latency_s.value == pytest.approx(1.035 * quadratic(16_384))
    assert group.predictions[0].tokens == (144, 256, 1024, 4096)


def test_too_few_good_sizes_keep_their_memory_and_say_what_to_run(curve):
    dense, window = curve("dense", quadratic), curve("window", linear)
    window[:2] = map(poor, window[:2])
    predictions = predict(build([*dense, *window]).layers, 1000)
    (group,) = predictions.groups
    assert group.predictions[1].latency_s is None
    assert group.predictions[1].memory_bytes.value == pytest.approx(100_000)
    assert predictions.refused == (
        "window (reference) at 64 and 256 tokens: not measured well enough, and a curve needs 3 "
        "sizes; run `attnbench sweep --attention dense,window --n-tokens 64,256 --threads 2 "
        "--time-budget 10 --force`",
    )


def test_without_a_known_fastest_dense_there_are_no_speed_ups(curve):
    fused = [poor(record) for record in curve("dense", quadratic, impl="sdpa")]
    records = [*curve("dense", quadratic), *fused, *curve("window", linear)]
    (group,) = predict(build(records).layers, 1000).groups
    assert group.baseline is None
    assert all(prediction.speedup is None for prediction in group.predictions)


HOPELESS = {
    "off the curve": (lambda n: linear(n) * (17 if n == 1024 else 1), "% off the curve"),
    "no order of magnitude": (lambda n: linear(n) * (1.6 if n == 1024 else 1), "a factor of 10"),
}


@pytest.mark.parametrize("case", HOPELESS)
def test_a_hopeless_fit_predicts_nothing(case, curve):
    law, reason = HOPELESS[case]
    predictions = predict(build(curve("window", law)).layers, 16_384)
    assert predictions.groups[0].predictions[0].latency_s is None
    assert reason in predictions.refused[0]
    assert "not measured well enough" in predictions.refused[0]
    assert "run `attnbench sweep" in predictions.refused[0]


def test_json_is_in_base_units(layers):
    values = plain(predict(layers, 16_384, ["anchor"]))
    (group,) = values["groups"]
    (prediction,) = group["predictions"]
    assert prediction["latency_s"] == pytest.approx(1.035 * linear(16_384))
    assert prediction["latency_interval_s"][0] < prediction["latency_s"]
    assert prediction["memory_bytes"] == pytest.approx(100 * 16_384)
    assert prediction["options"] == "num_anchors=30"
    assert prediction["measured_tokens"] == (64, 256, 1024, 4096)
    assert group["baseline"] == "dense (reference)"


def test_frames_are_made_as_often_for_many_curves_as_for_few(curve, monkeypatch):
    """A frame for each curve would make the time for a large file grow with its curves."""

    def times(count):
        cells = [c for i in range(count) for c in curve(f"a{i}", linear, batch=1 + i % 3)]
        layers, made, original = build(cells).layers, [], pd.DataFrame.__init__
        with monkeypatch.context() as patched:
            patched.setattr(
                pd.DataFrame, "__init__", lambda *a, **k: made.append(1) or original(*a, **k)
            )
            assert sum(len(group.predictions) for group in predict(layers, 8192).groups) == count
        return len(made)

    assert times(4) == times(16)
