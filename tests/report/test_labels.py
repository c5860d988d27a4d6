"""Laws: whatever tells two cells apart tells their rows and figures apart, and reports end well."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace
from itertools import combinations

import pytest

from attnbench.analysis.compare.pairs import Side
from attnbench.analysis.compare.rule import Thresholds
from attnbench.analysis.compare.verdict import compare
from attnbench.analysis.frame.frames import build
from attnbench.analysis.keys import implementation_of
from attnbench.analysis.naming import implementation_names
from attnbench.records import Environment, store
from attnbench.report.page.page import write_report
from attnbench.report.tables import comparison, cost, detail
from attnbench.spec import ModelWorkload, Recipe, Workload

ENVIRONMENTS = {
    "device": "cuda", "device_name": "Test CPU, 2 threads", "threads": 1, "torch": "2.14.0",
    "cuda": "13.0", "platform": "Windows", "float32_matmul": "high", "wait_policy": "active",
    "pinned": 1, "allocator": "expandable_segments:True",
}  # fmt: skip
NOT_CONDITIONS = {"python", "attnbench", "code"}
CALLS = {"batch": 3, "dtype": "float16", "mode": "train", "seed": 5}
LAYERS = {
    **CALLS, "attention": "window", "grid": (2, 8), "dim": 96, "num_heads": 2, "impl": "sdpa",
    "options": {"rank": 8},
}  # fmt: skip
MODELS = {
    **CALLS, "model": "other", "attention": "window", "img_size": (8, 16), "num_classes": 11,
    "options": {"rank": 8}, "task": "segmentation",
}  # fmt: skip
RECIPES = {
    "data": "cifar10", "img_size": (8, 16), "epochs": 3, "batch_size": 3, "lr": 0.5,
    "weight_decay": 0.5, "warmup_epochs": 0.5, "label_smoothing": 0.5, "crop_padding": 3,
    "flip": True, "scales": (0.5, 1.5), "clip_grad": 0.5, "autocast": "bfloat16", "seed": 3,
    "crop_scale": (0.5, 1.0), "rand_augment": "rand-m5", "mixup": 0.5, "cutmix": 0.5,
    "erasing": 0.5, "repeats": 3, "drop_path": 0.5, "min_lr": 1e-5, "layer_decay": 0.5,
    "ema_decay": 0.5, "accumulate": 2, "recompute": True, "distillation": "soft",
    "teacher": "timm:one", "distillation_weight": 0.25, "temperature": 2.0, "tf32": True,
}  # fmt: skip
NEEDED = {"distillation": {"teacher": "timm:other"}, "teacher": {"distillation": "hard"}}
"""Settings without which others are refused."""
LIKE_OPTIONS = [
    {}, {"rank": 1}, {"rank": 1.0}, {"rank": "1"}, {"rank": True}, {"rank": "True"}, {"rank": None},
    {"rank": "None"}, {"rank": "1, b=2"}, {"rank": 1, "b": 2}, {"inside": {"rank": 1}},
    {"rank": "1\n"}, {"rank": [1]}, {"rank": "[1]"},
]  # fmt: skip


def test_every_field_has_a_variant():
    def names(cls):
        return {field.name for field in fields(cls)}

    assert names(Environment) == ENVIRONMENTS.keys() | NOT_CONDITIONS
    assert (names(Workload), names(ModelWorkload)) == (LAYERS.keys(), MODELS.keys())
    assert names(Recipe) == RECIPES.keys()


@pytest.fixture(scope="session")
def variants(layer, model):
    """Records that all differ from the first in one field, by the kind of record."""

    def changed(record, part, changes):
        return [
            replace(record, **{part: replace(getattr(record, part), **{name: value}, **more)})
            for name, value in changes.items()
            for more in [NEEDED.get(name, {})]
        ]

    one, other = layer(), model()
    return {
        "layers": [
            one, *changed(one, "environment", ENVIRONMENTS), *changed(one, "workload", LAYERS),
        ],
        "models": [
            other, *changed(other, "environment", ENVIRONMENTS),
            *changed(other, "workload", MODELS), *changed(other, "recipe", RECIPES),
        ],
    }  # fmt: skip


def with_like_options(records):
    first = records[0]
    return records + [
        replace(first, workload=replace(first.workload, options=options))
        for options in LIKE_OPTIONS[1:]
    ]


def tables_of(records):
    frames = build(records)
    found = list(detail.detail_tables(frames.layers, frames.models).values())
    if not frames.layers.empty:
        found.append(cost.layer_table(frames.layers))
    if not frames.models.empty:
        found.append(cost.model_table(frames.models.assign(on_frontier=""), "MACs"))
    return found


@pytest.mark.parametrize("kind", ["layers", "models"])
def test_any_two_cells_have_rows_that_differ(kind, variants):
    first, *others = variants[kind]
    for records in ([first, other] for other in others):
        for table in tables_of(records):
            assert len(table.rows) == len(set(table.rows)) == 2, (table.title, records[1])


@pytest.mark.parametrize("kind", ["layers", "models"])
def test_all_cells_together_have_rows_that_differ(kind, variants):
    records = with_like_options(variants[kind])
    for table in tables_of(records):
        assert [row for row, times in Counter(table.rows).items() if times > 1] == []
        assert len(table.rows) == len(records)


@pytest.mark.parametrize("kind", ["layers", "models"])
def test_the_rows_of_a_comparison_differ(kind, variants):
    records = (
        variants[kind]
        if kind == "layers"
        else [record for record in variants[kind] if record.recipe == variants[kind][0].recipe]
    )  # how a model was trained does not change what it costs
    side = Side(name="a", records=records)
    rows = comparison.rows(compare(side, side, Thresholds()))
    assert len({row[0] for row in rows}) == len(rows) == len(records)


def test_options_that_read_alike_are_told_apart():
    for one, other in combinations(LIKE_OPTIONS, 2):
        keys = [implementation_of(Workload(attention="dense", grid=(4, 4), options=found))
                for found in (one, other)]  # fmt: skip
        assert len(set(implementation_names(keys).values())) == 2, (one, other)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["layers", "models"])
def test_a_report_of_all_of_them_ends_well(kind, variants, tmp_path):
    for record in with_like_options(variants[kind]):
        store.append(tmp_path / "all.jsonl", record)
    written = write_report([tmp_path / "all.jsonl"], tmp_path / "report", figures=True)
    assert not written.problems
    assert (tmp_path / "report/index.html").stat().st_size
