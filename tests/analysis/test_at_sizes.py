from dataclasses import replace

import pytest

from attnbench.analysis.at_sizes import curves_like, scored_at


@pytest.fixture
def judged(model):
    def build(attention, side, top1, *, seed=0, scored_on=None, **more):
        record = model(
            top1=top1, seed=seed, attention=attention, img_size=(side, side), recipe={"epochs": 3},
            **more,
        )  # fmt: skip
        own = "" if side == 8 else scored_at("digits", "val", (side, side))
        text = own if scored_on is None else scored_on
        return replace(record, scores=replace(record.scores, scored_on=text))

    return build


def test_each_model_has_a_curve_of_means_over_its_seeds(judged):
    records = [
        judged("dense", 16, 0.2),
        judged("dense", 8, 0.6),
        judged("dense", 8, 0.9, at=-1),  # of the same run, before
        judged("dense", 8, 0.8, seed=1),
        judged("anchor", 8, 0.5),
    ]
    curves = curves_like(records[0], records)
    assert curves == {
        "vit (dense)": pytest.approx({8: 0.7, 16: 0.2}), "vit (anchor)": {8: 0.5}
    }  # fmt: skip
    assert list(curves["vit (dense)"]) == [8, 16]


def test_what_was_trained_or_judged_otherwise_is_left_out(judged, model):
    records = [
        judged("dense", 16, 0.2),
        judged("anchor", 16, 0.3, scored_on="photos val at 16 × 16 px"),
        judged("window", 16, 0.4, scored_on=scored_at("digits", "test", (16, 16))),
        model(attention="sparse", img_size=(8, 8)),  # of another recipe
    ]
    assert curves_like(records[0], records) == {"vit (dense)": {16: 0.2}}
    assert curves_like(records[1], records[1:3]) == {}
