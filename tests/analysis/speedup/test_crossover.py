from __future__ import annotations

from dataclasses import replace

import pytest

from attnbench.analysis.frame.frames import build
from attnbench.analysis.speedup.crossover import crossovers, resolution_of
from attnbench.records import Memory
from attnbench.report.tables.growth import with_texts


def with_memory(record, peak):
    memory = Memory(peak_net_bytes=peak, peak_total_bytes=None, method="cpu profiler")
    return replace(record, memory=memory)


def with_macs(record, number):
    return replace(record, macs=replace(record.macs, products_macs=number))


@pytest.fixture
def curve(layer):
    """Cells at the sides 8, 16, 32: cost = factor · tokens ^ power, in seconds and MACs."""

    def build_one(name, factor, power, sides=(8, 16, 32), **more):
        cells = []
        for side in sides:
            cost = factor * side ** (2 * power)
            record = layer(name, side, 1e-6 * cost, rounds=f"r{side}", **more)
            cells.append(with_macs(record, round(1000 * cost)))
        return cells

    return build_one


def rows(records):
    frames = build(records)
    frame = with_texts(crossovers(frames.layers), frames.machines)
    return {(row.label, row.cost): row for row in frame.itertuples()}


WINDOW = "window (reference)"


def test_power_laws_cross_where_they_are_equal(curve):
    # n² = 200 n at 200 tokens: between 64 and 256.
    found = rows(curve("dense", 1, 2) + curve("window", 200, 1))
    latency, macs = found[WINDOW, "latency"], found[WINDOW, "MACs"]
    assert latency.tokens == pytest.approx(200)
    assert latency.resolution_px == pytest.approx(16 * 200**0.5)
    assert (latency.tokens_low, latency.tokens_high) == (64, 256)
    assert latency.baseline == "dense (reference)"
    assert macs.tokens == pytest.approx(200)
    assert (macs.tokens_low, macs.tokens_high) == (macs.tokens, macs.tokens)
    assert "200 (226 px; measured at 64 and 256)" in macs.text
    assert "200 [64 – 256] (226 px)" in latency.text


def test_dense_itself_has_no_row(curve):
    found = rows(curve("dense", 1, 2) + curve("dense", 1, 1, impl="sdpa"))
    assert found == {}


def test_the_fastest_dense_of_each_size_is_the_baseline(curve):
    plain, fused = curve("dense", 1, 2), curve("dense", 100, 1, impl="sdpa")
    latency = rows([*plain, *fused, *curve("window", 50, 1)])[WINDOW, "latency"]
    assert latency.ratio_at_smallest == pytest.approx(64 / 50)
    assert latency.ratio_at_largest == pytest.approx(2)
    assert latency.baseline == "dense (reference) or dense (sdpa)"


def test_memory_is_compared_with_that_of_the_fastest_dense(curve):
    plain = [with_memory(record, 10**9) for record in curve("dense", 2, 1)]
    fused = [with_memory(record, 10**6) for record in curve("dense", 1, 1, impl="sdpa")]
    window = [with_memory(record, 10**7) for record in curve("window", 1, 1)]
    memory = rows([*plain, *fused, *window])[WINDOW, "memory"]
    assert memory.outcome == "behind"
    assert memory.text == "never in range (up to 1,024, 0.10× there)"
    assert memory.tokens is None or memory.tokens != memory.tokens


def test_ahead_from_the_start_is_said(curve):
    found = rows(curve("dense", 1, 2) + curve("window", 1, 1))
    assert found[WINDOW, "latency"].text == "ahead from the smallest size on (64)"


def test_several_crossings_are_all_said(curve, layer):
    dense = curve("dense", 1, 1)
    window = [
        layer("window", side, 1e-6 * side**2 * factor, rounds=f"r{side}")
        for side, factor in ((8, 2), (16, 0.5), (32, 2))
    ]
    latency = rows([*dense, *window])[WINDOW, "latency"]
    assert (latency.outcome, latency.crossings) == ("several", 2)
    assert latency.text.startswith("ahead from 128 [64 – 256]")
    assert "behind from 512 [256 – 1,024]" in latency.text


def test_a_lead_that_is_lost_is_said(curve, layer):
    laws = {"falls behind": (0.5, 0.5, 2), "several": (0.5, 2, 0.5)}
    for outcome, factors in laws.items():
        window = [
            layer("window", side, 1e-6 * side**2 * factor, rounds=f"r{side}")
            for side, factor in zip((8, 16, 32), factors, strict=True)
        ]
        latency = rows([*curve("dense", 1, 1), *window])[WINDOW, "latency"]
        assert latency.outcome == outcome
        assert latency.text.startswith("ahead at first, behind from")


def test_the_training_step_is_that_of_mode_train(curve):
    forward = curve("dense", 1, 2) + curve("window", 200, 1)
    both = curve("dense", 1, 2, mode="forward+backward")
    both += curve("window", 500, 1, mode="forward+backward")
    found = rows(forward + both)
    assert found[WINDOW, "training step"].mode == "forward+backward"
    assert found[WINDOW, "training step"].tokens == pytest.approx(500)
    train = curve("dense", 1, 2, mode="train") + curve("window", 300, 1, mode="train")
    found = rows(forward + both + train)
    assert found[WINDOW, "training step"].mode == "train"
    assert found[WINDOW, "training step"].tokens == pytest.approx(300)
    assert found[WINDOW, "latency"].tokens == pytest.approx(200)


def test_one_size_or_no_dense_gives_no_row(curve):
    assert rows(curve("dense", 1, 2, sides=(8,)) + curve("window", 200, 1)) == {}
    assert rows(curve("window", 200, 1)) == {}
    assert rows([]) == {}


def test_unlike_conditions_are_not_compared(curve):
    found = rows(curve("dense", 1, 2) + curve("window", 200, 1, dtype="bfloat16"))
    assert found == {}


def test_where_dense_runs_out_of_memory_the_note_says_so(curve, layer):
    failed = layer("dense", 32, status="out_of_memory", reason="12 GiB", rounds="x")
    found = rows([*curve("dense", 1, 2, sides=(8, 16)), failed, *curve("window", 200, 1)])
    latency = found[WINDOW, "latency"]
    assert latency.largest_tokens == 256
    assert "no dense baseline at 1,024 tokens (out of memory)" in latency.notes


def poor(record):
    """The record with a latency graded C."""
    return replace(record, latency=replace(record.latency, samples_s=(1e-3,) * 3))


def test_sizes_graded_c_are_left_out_by_name(curve):
    dense, window = curve("dense", 1, 2), curve("window", 200, 1)
    dense[2] = poor(dense[2])
    latency = rows([*dense, *window])[WINDOW, "latency"]
    assert latency.notes == "left out, not measured well enough: dense at 1,024 tokens"
    assert (latency.largest_tokens, latency.tokens) == (256, pytest.approx(200))


def test_from_cells_graded_c_nothing_is_concluded_but_what_to_run(curve):
    dense, window = curve("dense", 1, 2), [*map(poor, curve("window", 200, 1))]
    found = rows([*dense, *window])
    latency = found[WINDOW, "latency"]
    assert latency.outcome == latency.text == "not measured well enough"
    assert latency.tokens is None or latency.tokens != latency.tokens
    assert latency.notes == (
        "left out, not measured well enough: window (reference) at 64, 256 and 1,024 tokens "
        "(run `attnbench sweep --attention dense,window --n-tokens 64,256,1024 --threads 2 "
        "--time-budget 10 --force`)"
    )
    assert found[WINDOW, "MACs"].tokens == pytest.approx(200)  # counts have no grade


def test_ahead_from_the_first_good_size_is_no_lead_at_smaller_ones(curve):
    dense, window = curve("dense", 1, 2), curve("window", 10, 1)
    window[0] = poor(window[0])
    text = rows([*dense, *window])[WINDOW, "latency"].text
    assert text == "ahead from 256; smaller sizes not measured well enough"


def test_the_side_of_an_image_of_224_pixels():
    assert resolution_of(196) == pytest.approx(224)
