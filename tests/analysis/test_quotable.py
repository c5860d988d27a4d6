"""Nothing is concluded from grade C: one law for all that concludes, on one frame."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attnbench.analysis.frame.frames import build
from attnbench.analysis.limits.roofline import Ceilings
from attnbench.analysis.quotable import Grades, is_quotable, latency_is_quotable
from attnbench.analysis.selection.fastest import fastest_of_each, left_out_notes
from attnbench.analysis.tradeoff.groups import left_out, tradeoffs
from attnbench.records.latency import Contention, Latency


def graded(record, grade):
    """The record with enough even samples, in the presence of others for B and C."""
    cores = {"A": 0.0, "B": 0.3, "C": 0.9}[grade]
    busy = Contention(own_cores=1.0, other_cores=cores, stolen_cores=0.0)
    seconds = record.latency.median_s
    latency = replace(record.latency, samples_s=(seconds,) * 30, contention=busy)
    return replace(record, latency=latency)


def test_a_grade_and_an_interval_are_needed(layer):
    for grade, expected in (("A", True), ("B", True), ("C", False)):
        assert is_quotable(graded(layer(), grade)) is expected
    assert not is_quotable(layer(status="failed", reason="x"))
    assert not latency_is_quotable(Latency(samples_s=(1.0,), stopped_by="time_budget"))


def test_grades_are_those_of_the_records_and_asked_once(layer):
    grades, records = Grades(), [graded(layer(), grade) for grade in "ABC"]
    assert [grades.of(record).grade for record in records] == list("ABC")
    assert grades.of(records[0]) is grades.of(records[0])
    assert grades.allowed(records) == records[:2]
    assert [grades.allow(record) for record in records] == [True, True, False]


@pytest.fixture
def frame(layer, ceilings):
    def build_one(dense, window):
        cells = [graded(layer("dense"), dense), graded(layer("window", seconds=5e-4), window)]
        cells = [replace(cell, least_bytes=2**10, operators=10) for cell in cells]
        return build(cells, ceilings(macs_per_s=1e12)).layers.set_index("attention")

    return build_one


@pytest.mark.parametrize(("dense", "window"), [("A", "C"), ("C", "B"), ("A", "B")])
def test_a_speed_up_needs_both_sides_and_a_share_its_own(frame, dense, window):
    rows = frame(dense, window)
    assert rows.loc["window", "speedup"] == 2  # it is shown
    assert rows.loc["window", "speedup_quotable"] == ("C" not in (dense, window))
    for name, grade in (("dense", dense), ("window", window)):
        assert rows.loc[name, "quotable"] == (grade != "C")
        missing = rows.loc[name, ["percent_of_limit", "macs_per_s"]].isna()
        assert (missing == (grade == "C")).all()
        assert (rows.loc[name, "bound_by"] == "") == (grade == "C")
        assert rows.loc[name, "limit_s"] > 0  # the machine's limit is known
    if "C" in (dense, window):
        assert rows.loc["window", "gap"] == "not measured well enough"


@pytest.mark.parametrize(
    ("operation", "unknown"),
    [("matmul", {"percent", "bound"}), ("copy", {"percent", "bound"}), ("launch", {"bound"})],
)
def test_a_limit_graded_c_limits_nothing(layer, ceilings, operation, unknown):
    few = Latency(samples_s=(1e-3,) * 3, stopped_by="time_budget")
    poor = [replace(c, latency=few) if c.operation == operation else c for c in ceilings()]
    cell = replace(graded(layer(), "A"), least_bytes=2**10, operators=10)
    place = Ceilings(poor).place(cell)
    assert (place.percent_of_limit is None) == ("percent" in unknown)
    assert place.bound_by == ""
    assert place.poor == ("limit" if "percent" in unknown else "")
    known = Ceilings([*poor, *ceilings()]).place(cell)
    assert known.percent_of_limit is not None


def test_an_older_limit_of_good_grade_stands_for_a_newer_one_of_grade_c(layer, ceilings):
    few = Latency(samples_s=(1e-9,) * 3, stopped_by="time_budget")
    newer = [replace(c, latency=few) for c in ceilings(at=9)]
    old, both = Ceilings(ceilings()), Ceilings([*ceilings(), *newer])
    assert both.of(layer()) == old.of(layer())


def test_only_copies_that_may_hold_the_cell_have_to_be_good(layer, ceilings):
    few = Latency(samples_s=(1e-9,) * 3, stopped_by="time_budget")
    sizes = ceilings(bytes_per_s={2**10: 4e9, 2**20: 1e9})
    poor = [replace(c, latency=few) if c.size == 2**10 else c for c in sizes]
    limits = Ceilings(poor).of(layer())
    assert limits.bytes_per_s(2**15) == pytest.approx(1e9)
    assert limits.bytes_per_s(2**9) is None
    assert limits.cache_bytes_per_s is None


def test_a_poor_limit_that_cannot_be_the_best_hides_nothing(layer, ceilings):
    slow = Latency(samples_s=(1.0,) * 3, stopped_by="time_budget")
    sizes = ceilings(bytes_per_s={2**10: 4e9, 2**20: 1e9})
    poor = [replace(c, latency=slow) if c.size == 2**10 else c for c in sizes]
    limits = Ceilings(poor).of(layer())
    assert limits.bytes_per_s(2**9) == limits.cache_bytes_per_s == pytest.approx(1e9)


@pytest.mark.parametrize("operation", ["matmul", "copy"])
def test_what_takes_longer_than_an_unknown_limit_allows_at_most_is_the_bottleneck(
    layer, ceilings, operation
):
    """One of several ceilings is poor and may be the best; the good ones bound its time."""
    few = Latency(samples_s=(1e-9,) * 3, stopped_by="time_budget")
    known = ceilings(macs_per_s=1e9, operator_s=1e-6)
    poor = [replace(c, latency=few, size=7) for c in known if c.operation == operation]
    limits = Ceilings([*known, *poor])
    cell = replace(graded(layer(), "A"), operators=1)
    macs, latency_s = cell.macs.products_macs, cell.latency.median_s
    work_bytes = {"matmul": 10 * macs, "copy": 1}[operation]
    long = replace(cell, least_bytes=work_bytes, traffic_bytes=work_bytes)
    slower = 2 * max(macs, work_bytes) / 1e9 / latency_s
    samples_s = tuple(slower * sample for sample in long.latency.samples_s)
    found = limits.place(replace(long, latency=replace(long.latency, samples_s=samples_s)))
    assert found.bound_by == {"matmul": "bandwidth", "copy": "compute"}[operation]
    assert found.percent_of_limit == pytest.approx(0.5)
    other = {"matmul": 1, "copy": 10 * macs}[operation]
    short = limits.place(replace(cell, least_bytes=other, traffic_bytes=other))
    assert (short.percent_of_limit, short.bound_by, short.poor) == (None, "", "limit")


def test_a_model_graded_c_has_no_place_on_a_frontier_of_latency(model):
    records = [graded(model("a", 0.5, macs=1), "A"), graded(model("b", 0.6, macs=2), "C"),
               graded(model("c", 0.7, macs=3), "B")]  # fmt: skip
    models = build(records).models
    (by_time,), (by_macs,) = tradeoffs(models, "latency_s"), tradeoffs(models, "macs")
    assert [point.name for point in by_time.points] == ["a", "c"]
    assert [point.name for point in by_macs.points] == ["a", "b", "c"]
    assert list(left_out(models, "latency_s")) == [
        "b (seed 0) on digits is on no frontier: latency not measured well enough; run "
        "`attnbench evaluate results/runs/checkpoints/b-0/last.pt`."
    ]
    assert list(tradeoffs(build(records[1:2]).models, "latency_s")) == []


def test_the_cost_of_a_model_is_the_mean_over_its_good_seeds(model):
    records = [graded(model("a", 0.5, macs=10, seed=0), "A"),
               graded(model("a", 0.7, macs=90, seed=1), "C")]  # fmt: skip
    (group,) = tradeoffs(build(records).models, "latency_s")
    (point,) = group.points
    assert (point.score, point.seeds) == (pytest.approx(0.6), 2)
    assert point.cost == pytest.approx(records[0].latency.median_s)


def test_which_implementation_is_the_fastest_is_not_said_from_grade_c(layer):
    sure, fused = graded(layer("dense"), "A"), layer("dense", seconds=5e-4, impl="sdpa")
    for grade, expected in (("A", "sdpa is the fastest; reference takes 2.00× as long"),
                            ("C", "sdpa has the lowest median; not measured well enough to "
                                  "compare it with reference")):  # fmt: skip
        shown, others = fastest_of_each([sure, graded(fused, grade)])
        assert left_out_notes(shown, others) == [f"dense: {expected}"]
