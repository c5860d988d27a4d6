"""Tables 4 and 5 and figure 5: closed forms equal counts, evidence is labelled."""

from dataclasses import replace

import pytest

from attnbench.records import Scores, store
from attnbench.reproduce import ablation, figure5, paper
from attnbench.reproduce.ablation import ANCHOR_COUNTS, ORDERS, table4, table5
from attnbench.reproduce.evidence import accuracy_text, anchors_of, layer_latencies
from attnbench.reproduce.trunk import Trunk
from attnbench.spec import Recipe

pytestmark = pytest.mark.usefixtures("counted_by_torch")

MEASURED = store.read_many([paper.folder().parent / "measured"]).records


@pytest.fixture
def uncounted(monkeypatch):
    """Counting takes seconds a model: here each has one parameter and one multiply-add."""
    template = next(r for r in MEASURED if r.kind == "model")
    one = replace(template.macs, products_macs=1)

    def counts(workloads, path, on_count, count_first):
        return [replace(template, workload=w, params=1, macs=one) for w in workloads]

    monkeypatch.setattr(ablation, "counts", counts)


@pytest.mark.slow
def test_closed_forms_equal_the_counts_of_every_row(tmp_path):
    path = tmp_path / "counts.jsonl"
    fours, fives = table4(path, []), table5(path, [])
    assert len(fours) == 10
    assert len(fives) == 2 * (1 + 2 * len(ANCHOR_COUNTS))
    for row in (*fours, *fives):
        assert (row.stated_params, row.stated_macs) == (row.params, row.macs), row.system
    assert [row.num_anchors for row in fives] == [None, 10, 10, 30, 30, 50, 50, 100, 100] * 2
    assert [row.saving for row in fours[:1]] == [0]
    # More is saved with each mechanism of the ablation, and less with each anchor more.
    for trunk in ("vit-t", "vit-s"):
        savings = [row.saving for row in fours if row.trunk == trunk]
        assert savings == sorted(savings)
        for impl in ("reference", "folded"):
            with_anchors = [
                row.saving for row in fives
                if row.trunk == trunk and row.num_anchors and row.impl == impl
            ]  # fmt: skip
            assert with_anchors == sorted(with_anchors, reverse=True)


def test_the_paper_s_numbers_stand_beside_trunk_t_alone(uncounted, tmp_path):
    rows = table4(tmp_path / "counts.jsonl", MEASURED)
    reported = {(row.trunk, row.system): row.reported_macs for row in rows}
    assert reported["vit-t", "anchor"] == 0.7e9
    assert reported["vit-t", "dense-shared-qk"] is reported["vit-s", "anchor"] is None
    anchor = next(row for row in rows if (row.trunk, row.system) == ("vit-t", "anchor"))
    assert "66.3 % on cifar10 (anchorformer-t, 32 px, 4 epochs, 1 seed)" in anchor.trained
    assert "196 tokens, width 192" in anchor.latency_of
    assert anchor.latency_s > 0


def test_a_row_is_one_implementation_with_its_own_count_and_latency(uncounted, tmp_path):
    rows = [row for row in table4(tmp_path / "counts.jsonl", MEASURED) if row.trunk == "vit-t"]
    cells = {(row.system, row.num_anchors, row.impl) for row in rows}
    timed = layer_latencies(MEASURED, cells, (14, 14), 192, 3)
    assert len({(row.system, row.impl) for row in rows}) == len(rows)
    for row in rows:
        record = timed.get((row.system, row.num_anchors, row.impl))
        assert row.latency_s == (record.latency.median_s if record else None)
        assert row.stated_macs == Trunk(size="t").macs(row.system, row.num_anchors, row.impl)
    plain, folded = (row for row in rows if row.system == "anchor")
    assert (plain.impl, folded.impl) == ("reference", "folded")
    assert folded.stated_macs < plain.stated_macs
    assert folded.latency_s != plain.latency_s


def test_latencies_that_are_compared_come_from_one_machine_and_dtype():
    cells = {
        ("dense", None, "sdpa"),
        *(("anchor", m, impl) for m in ANCHOR_COUNTS for impl in ORDERS),
    }
    found = layer_latencies(MEASURED, cells, (14, 14), 192, 3)
    assert set(found) == cells
    (other,) = {r.environment.device_name for r in found.values()}
    assert other
    assert len({(r.environment.conditions, r.workload.dtype) for r in found.values()}) == 1
    assert layer_latencies(MEASURED, cells, (3, 5), 192, 3) == {}


def test_cells_that_a_table_does_not_ask_for_do_not_choose_its_machine():
    dense = ("dense", None, "sdpa")
    cells = {dense, ("anchor", 10, "folded")}
    here = layer_latencies(MEASURED, cells, (14, 14), 192, 3)
    away = replace(here[dense].environment, device_name="another")
    others = [
        replace(here[dense], environment=away, workload=replace(here[dense].workload, impl=impl))
        for impl in ("sdpa", "math", "flex", "chunked")
    ]
    assert layer_latencies([*MEASURED, *others], cells, (14, 14), 192, 3) == here


def test_accuracies_are_averaged_over_seeds_of_one_recipe_alone():
    template = next(
        r for r in MEASURED if r.kind == "model" and r.workload.task == "classification"
    )
    recipe = Recipe(data="digits", img_size=(32, 32), epochs=3)

    def trained(top1, **changes):
        accuracy = Scores(
            task="classification",
            values={"top1": top1, "top5": 1.0, "loss": 0.1},
            count=100,
            forward_s=1.0,
        )
        return replace(template, recipe=replace(recipe, **changes), scores=accuracy)

    name = template.workload.model
    text = accuracy_text([trained(0.5), trained(0.6, seed=1), trained(0.9, epochs=9)])
    # Two seeds 0.1 apart: 0.005 / 2; 100 images: 0.00245; t with 3.92 degrees of freedom is 2.798.
    assert text == (
        f"55.0 ± 19.7 % on digits ({name}, 32 px, 3 epochs, 2 seeds); "
        f"90.0 % on digits ({name}, 32 px, 9 epochs, 1 seed)"
    )


def test_a_mechanism_without_anchors_has_none_and_the_others_a_default():
    assert anchors_of("dense", None) is None
    assert anchors_of("anchor", None) == 30
    assert anchors_of("anchor", 10) == 10


def test_figure_5_saves_what_the_bound_allows(tmp_path, monkeypatch):
    pairs = [p for p in figure5.PAIRS if p[0] in ("DeiT-T", "LeViT-128")]
    monkeypatch.setattr(figure5, "PAIRS", pairs)
    monkeypatch.setattr(figure5.MODELS, "names", lambda: ["timm-deit-t", "anchor-deit-t",
                                                          "timm-levit-128"])  # fmt: skip
    base, anchor, levit, missing = figure5.reproduce(tmp_path / "5.jsonl", [])
    assert anchor.saving == pytest.approx(1 - anchor.macs / base.macs)
    assert 0 < anchor.saving < anchor.bound_kept < anchor.folded_saving < anchor.bound_removed
    assert anchor.bound_removed < anchor.reported_saving
    assert anchor.folded_reached_px < anchor.reached_px
    assert base.published_top1 == 0.722
    assert (levit.verdict, levit.beyond) == ("does not hold", "top-1, top-5")
    assert (missing.verdict, missing.macs) == ("not built yet", None)
