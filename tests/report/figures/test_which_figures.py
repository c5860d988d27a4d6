from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from attnbench.analysis.frame.frames import build
from attnbench.analysis.tradeoff.groups import tradeoffs
from attnbench.records import Scores
from attnbench.report.figures.drawing import FADED
from attnbench.report.figures.save import save_all
from attnbench.report.figures.style import house_style
from attnbench.report.figures.which_figures import drawings, latest_profile


def drawn(records, metric="macs", ceilings=()):
    frames = build(records, ceilings)
    with house_style():
        return list(drawings(frames, list(tradeoffs(frames.models, metric)), metric))


def sections(drawings):
    return Counter(drawing.section for drawing in drawings)


def texts(figure):
    return " ".join(text.get_text() for text in figure.texts)


def test_one_token_count_gives_bars_and_no_lines(layer):
    assert sections(drawn([layer("dense"), layer("window")])) == {"latest": 1}


def test_two_token_counts_give_a_line_figure_for_each_metric(layer):
    records = [layer(name, side) for name in ("dense", "window") for side in (4, 8)]
    assert sections(drawn(records)) == {"latest": 1, "tokens": 3, "crossover": 1}


def test_anchors_give_lines_where_two_counts_were_asked_at_the_same_tokens(layer):
    def anchor(side, number):
        return layer("anchor", side, options={"num_anchors": number})

    assert sections(drawn([anchor(4, 10), anchor(4, 30)])) == {"latest": 1, "options": 3}
    assert sections(drawn([anchor(4, 10), anchor(8, 30)])) == {"latest": 1, "profiles": 1}


def test_any_sweepable_option_has_lines_of_its_own(layer):
    records = [layer("window", options={"window_size": size}) for size in (2, 4)]
    titles = [d.title for d in drawn(records) if d.section == "options"]
    assert titles[0] == "Latency against window_size"
    free = [layer("window", options={"qkv_bias": bias}) for bias in (True, False)]
    assert "options" not in sections(drawn(free))


@pytest.mark.parametrize(
    "change", [{"batch": 2}, {"dtype": "bfloat16"}, {"mode": "forward+backward"}, {"dim": 96}]
)
def test_unlike_conditions_are_never_in_one_figure(layer, change):
    records = [layer("dense", side, **c) for side in (4, 8) for c in ({}, change)]
    figures = [d for d in drawn(records) if d.section == "tokens"]
    assert len(figures) == 6
    assert len({d.subtitle for d in figures}) == 2
    assert len({d.name for d in figures}) == 6
    assert all(len(d.figure.axes[0].lines) == 1 for d in figures)


def test_machines_are_never_in_one_figure(layer, gpu, cpu):
    records = [layer("dense", side, env=env) for side in (4, 8) for env in (cpu, gpu)]
    figures = [d for d in drawn(records) if d.section == "tokens"]
    assert len(figures) == 6
    assert all(("Test GPU" in d.subtitle) != ("Test CPU" in d.subtitle) for d in figures)


def test_the_subtitle_is_printed_in_the_figure(layer):
    for drawing in drawn([layer("dense", side) for side in (4, 8)]):
        printed = texts(drawing.figure).replace("\n", " ")
        assert drawing.subtitle in printed


def test_a_failed_cell_is_named_under_the_lines(layer):
    records = [layer("dense", side) for side in (4, 8)]
    records.append(layer("dense", 16, status="out_of_memory", reason="12 GiB"))
    latency = next(d for d in drawn(records) if d.name.startswith("latency"))
    printed = texts(latency.figure).replace("\n", " ")
    assert "Without a number: dense (reference) at 256 tokens (out of memory)" in printed


def test_a_failed_cell_is_a_word_among_the_bars(layer):
    (bars,) = drawn([layer("dense"), layer("window", status="timeout", reason="20 s")])
    words = [text.get_text() for axes in bars.figure.axes for text in axes.texts]
    assert words.count("timeout") == 2  # latency and memory; its MACs are known


def test_nothing_but_failures_draws_nothing_that_was_measured(layer):
    (bars,) = drawn([layer("dense", status="failed", reason="x")])
    assert [axes.get_xlabel() for axes in bars.figure.axes] == ["MACs (GMACs)"]


def test_grids_of_the_same_token_count_are_not_joined_by_a_line(layer):
    records = [layer("dense", grid=grid) for grid in ((4, 4), (2, 8), (8, 8))]
    figure = next(d for d in drawn(records) if d.section == "tokens").figure
    assert list(figure.axes[0].lines[0].get_xdata()) == [16, 64]
    assert "Only in the table" in texts(figure)


def test_no_line_and_no_band_goes_through_a_cell_graded_c(layer):
    records = [layer("dense", side, 1e-6 * side**2) for side in (4, 8, 16, 32)]
    spike = replace(records[1].latency, samples_s=(1.0,) * 3)
    records[1] = replace(records[1], latency=spike)
    figure = next(d for d in drawn(records) if d.name.startswith("latency")).figure
    (axes,) = figure.axes
    joined = [line for line in axes.lines if line.get_linestyle() not in ("None", "none", "")]
    assert [list(line.get_xdata()) for line in joined] == [[16, 256, 1024]]
    alone = [line for line in axes.lines if list(line.get_xdata()) == [64]]
    assert [line.get_alpha() for line in alone] == [FADED]
    (band,) = axes.collections
    assert 1000.0 not in band.get_paths()[0].vertices[:, 1]
    assert "No line goes through a faded point" in texts(figure)


def test_the_latest_profile_is_that_of_the_newest_record(layer):
    frame = build([layer("dense", 4, at=5), layer("window", 4, at=0), layer("dense", 8)]).layers
    assert set(latest_profile(frame)["label"]) == {"dense (reference)", "window (reference)"}


def test_a_later_sweep_does_not_push_the_profile_from_its_place(layer):
    profile = [layer(name, 4, at=1, rounds="r") for name in ("dense", "window")]
    frame = build([*profile, layer("dense", 8, at=9)]).layers
    assert set(latest_profile(frame)["height"]) == {4}


def test_a_sweep_in_rounds_is_no_profile(layer):
    profile = layer("dense", 4, at=1, rounds="r", asked_by="profile")
    sweep = [layer(name, 8, at=9, rounds="s", asked_by="sweep") for name in ("dense", "window")]
    frame = build([profile, *sweep]).layers
    assert set(latest_profile(frame)["height"]) == {4}
    assert set(latest_profile(build(sweep).layers)["height"]) == {8}


@pytest.fixture
def counted(layer):
    """Measured layers with all that the roofline figure needs."""

    def build(*arguments, **more):
        return replace(layer(*arguments, **more), least_bytes=1000, operators=5)

    return build


@pytest.fixture
def fast(ceilings):
    """Limits that the cells of the fixtures do not exceed."""
    return ceilings(macs_per_s=1e11)


def test_where_limits_are_known_each_cell_stands_under_its_roofs(counted, fast):
    records = [counted(name, side) for side in (4, 8) for name in ("dense", "anchor")]
    found = [d for d in drawn(records, ceilings=fast) if d.name.startswith("roofline")]
    (axes,) = found[0].figure.axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    markers = [line for line in axes.lines if line.get_marker() not in ("None", "", None)]
    assert len(markers) == len(records)
    for line, record in zip(sorted(markers, key=lambda m: m.get_ydata()[0]),
                            sorted(records, key=rate), strict=True):  # fmt: skip
        assert line.get_ydata()[0] == pytest.approx(rate(record) / 1e9)
        assert line.get_xdata()[0] == pytest.approx(record.macs.products_macs / 2**21)
    roof = axes.lines[0]
    assert max(roof.get_ydata()) == pytest.approx(100)  # 1e11 MACs a second, in GMACs
    assert len(found) == 1


def test_the_share_of_the_limit_is_drawn_where_it_is_known_at_two_sizes(counted, fast):
    records = [counted(name, side) for side in (4, 8) for name in ("dense", "anchor")]
    records.append(counted("window", 4))
    (found,) = [d for d in drawn(records, ceilings=fast) if d.name.startswith("limit-")]
    (axes,) = found.figure.axes
    shares = {
        (cell.tokens, cell.label): 100 * cell.percent_of_limit
        for cell in build(records, fast).layers.itertuples()
        if cell.attention != "window"
    }
    # Not the one at 100 %, which lies from 0 to 1 across the axes.
    curves = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_xdata()[1] > 1]
    drawn_shares = sorted(y for line in curves for y in line.get_ydata())
    assert drawn_shares == pytest.approx(sorted(shares.values()))
    assert axes.get_ylim()[0] == 0
    assert axes.get_ylim()[1] >= 100
    assert not any(d.name.startswith("limit-") for d in drawn(records))


def rate(record):
    return record.macs.products_macs / record.latency.median_s


def test_fused_code_is_hollow_and_stands_at_the_least_bytes(counted, fast):
    records = [counted("dense", impl=impl) for impl in ("reference", "sdpa")]
    found = [d for d in drawn(records, ceilings=fast) if d.name.startswith("roofline")]
    (axes,) = found[0].figure.axes
    faces = {line.get_xdata()[0]: line.get_markerfacecolor() for line in axes.lines
             if line.get_marker() == "o"}  # fmt: skip
    assert faces[16e6 / 1000] == "white"
    assert faces[16e6 / 2**21] != "white"


@pytest.mark.parametrize("change", [{"mode": "train"}, {"dtype": "float16"}, {"status": "failed"}])
def test_no_roofline_without_limits_or_counts(counted, ceilings, change):
    more = {"reason": "x"} if "status" in change else {}
    found = drawn([counted(**change, **more)], ceilings=ceilings())
    assert "roofline" not in sections(found)
    assert "roofline" not in sections(drawn([counted()]))


def test_one_model_is_no_frontier(model):
    assert sections(drawn([model("a")])) == {}
    assert sections(drawn([model("a"), model("b", 0.6, macs=2 * 10**9)])) == {"frontier": 1}


@pytest.mark.parametrize(
    ("task", "score", "size", "title", "name"),
    [
        ("detection", "ap", (64, 64), "AP against MACs", "frontier-macs-detection-set-64px-b1"),
        ("segmentation", "miou", (64, 96), "mIoU against MACs",
         "frontier-macs-segmentation-set-64x96px-b1"),
    ],
)  # fmt: skip
def test_frontiers_are_named_by_task_and_score(model, task, score, size, title, name):
    scores = Scores(task=task, values={score: 0.5}, count=9, forward_s=1.0)
    recipe = {"data": "set", "img_size": size}
    (drawing,) = drawn(
        replace(model(one, img_size=size, task=task, recipe=recipe), scores=scores) for one in "ab"
    )
    assert drawing.title == title
    assert drawing.name == f"{name}-float32"


def test_every_model_is_named_in_the_figure(model):
    (drawing,) = drawn([model(f"model-{i}", 0.5 + i / 50, macs=10**9 + i) for i in range(9)])
    names = {text.get_text() for text in drawing.figure.axes[0].texts}
    assert names >= {f"model-{i}" for i in range(9)}


def test_runs_of_one_model_share_a_colour(epoch):
    records = [
        epoch(number, 0.1 * number + 0.01 * seed, seed=seed, run=f"s{seed}")
        for number in (1, 2)
        for seed in (0, 1)
    ]
    (drawing,) = drawn(records)
    (axes,) = drawing.figure.axes
    assert len(axes.lines) == 2
    assert len({line.get_color() for line in axes.lines}) == 1
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["vit, 2 runs"]


def test_the_same_records_give_the_same_bytes(layer, model, tmp_path):
    records = [layer("dense"), layer("window"), model("a"), model("b")]
    one, two = (save_all(drawn(records), tmp_path / name) for name in ("one", "two"))
    for first, second in zip(one, two, strict=True):
        assert first.svg.read_bytes() == second.svg.read_bytes()
        assert first.png.read_bytes() == second.png.read_bytes()


def test_names_of_files_are_plain_ascii(layer, model):
    records = [layer("dense"), *(model(n, recipe={"data": "Fotos/été 2×"}) for n in "ab")]
    for drawing in drawn(records):
        assert drawing.name.isascii()
        assert not set(drawing.name) & set("/\\ :")
