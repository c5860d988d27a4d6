from __future__ import annotations

from dataclasses import replace

from attnbench.analysis.selection.newest import newest
from attnbench.spec import Protocol


def test_the_newest_of_a_cell_is_shown_and_the_others_are_counted(layer):
    old, new, oldest = layer(at=2), layer(at=3), layer(at=1)
    shown = newest([old, new, oldest])
    assert shown.records == [new]
    assert shown.notes == (
        "1 layer cell measured more than once: the newest record of each is shown, "
        "2 older or equal ones left out.",
    )


def test_of_equally_new_records_the_last_line_counts(layer):
    first, last = layer(seconds=1), layer(seconds=2)
    assert newest([first, last]).records == [last]


def test_other_code_is_the_same_cell_and_said(layer, cpu):
    old = layer(at=0, env=replace(cpu, code="old", attnbench="0.0.9"))
    new = replace(layer(at=1), protocol=Protocol(min_samples=5))
    shown = newest([old, new])
    assert shown.records == [new]
    assert "(1 by different code of attnbench)" in shown.notes[0]


def test_cells_keep_the_order_in_which_they_first_appear(layer):
    a, b, again = layer("dense", at=0), layer("window", at=1), layer("dense", at=2)
    assert newest([a, b, again]).records == [again, b]


def test_another_condition_is_another_cell(layer, cpu, gpu):
    records = [
        layer(),
        layer(batch=2),
        layer(dtype="bfloat16"),
        layer(mode="forward+backward"),
        layer(env=gpu),
        layer(env=replace(cpu, torch="2.14.0")),
        layer(options={"num_anchors": 1}),
    ]
    shown = newest(records)
    assert (shown.records, shown.notes) == (records, ())


def test_models_differ_by_recipe_and_seed(model):
    records = [model(seed=0), model(seed=1), model(recipe={"epochs": 3}), model(seed=0, at=1)]
    assert newest(records).records == [records[3], *records[1:3]]


def test_epochs_of_an_earlier_longer_attempt_are_left_out(epoch):
    old = [epoch(number, at=number) for number in (1, 2, 3)]
    new = [epoch(number, at=10 + number) for number in (1, 2)]
    shown = newest([*old, *new])
    assert shown.records == new
    assert "1 epoch of an earlier attempt" in shown.notes[-1]


def test_runs_do_not_overtake_each_other(epoch):
    records = [epoch(2, at=0, run="a"), epoch(1, at=5, run="b")]
    assert newest(records).records == records


def test_nothing_in_nothing_out():
    assert newest([]).records == []
