from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from attnbench.errors import UserError
from attnbench.spec import (
    ModelWorkload,
    Protocol,
    Recipe,
    Workload,
    as_plain,
    grid_of,
    grid_of_image,
)
from attnbench.spec.grid import MAX_ASPECT_RATIO


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"grid": (0, 4)}, "--n-tokens"),
        ({"dim": 0}, "--dim"),
        ({"num_heads": 0}, "--heads"),
        ({"batch": 0}, "--batch"),
        ({"dim": 100, "num_heads": 3}, "--heads must divide --dim"),
        ({"dtype": "float8"}, "--dtype must be one of float32, bfloat16, float16"),
        ({"mode": "sideways"}, "--mode"),
        ({"seed": -1}, "--seed: expected a whole number from 0"),
        ({"batch": 2**31}, "--batch: expected a whole number from 1 to 65,536"),
        ({"grid": 16}, "--n-tokens: expected .height, width., got 16"),
        ({"grid": [4, 4]}, "--n-tokens: expected .height, width."),
        ({"grid": (4, 4, 4)}, "--n-tokens: expected .height, width."),
        ({"dim": 3.5}, "--dim: expected a whole number .* got 3.5"),
        ({"dim": True, "num_heads": 1}, "--dim: expected a whole number .* got True"),
        ({"grid": (2**16, 2**16)}, "--n-tokens: expected a whole number from 1"),
    ],
)
def test_a_workload_is_checked_at_birth_and_names_the_flag(changes, named):
    with pytest.raises(UserError, match=named):
        Workload(**{"attention": "dense", "grid": (4, 4), **changes})


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"img_size": (0, 8)}, "--img-size"),
        ({"num_classes": 0}, "--num-classes"),
        ({"batch": 0}, "--batch"),
        ({"dtype": "int8"}, "--dtype"),
        ({"seed": 2**32}, "--seed: expected"),
        ({"img_size": (8, 2**31)}, "--img-size: expected"),
    ],
)
def test_a_model_workload_is_checked_at_birth(changes, named):
    whole = {"model": "vit", "attention": "dense", "img_size": (8, 8), "num_classes": 10}
    with pytest.raises(UserError, match=named):
        ModelWorkload(**{**whole, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"warmup_s": -1},
        {"min_samples": 0},
        {"precision": 0},
        {"time_budget_s": 0},
        {"time_budget_s": float("inf")},
        {"warmup_s": float("nan")},
    ],
)
def test_a_protocol_is_checked_at_birth(changes):
    with pytest.raises(UserError):
        Protocol(**changes)


@pytest.mark.parametrize(
    "changes", [{"epochs": 0}, {"batch_size": 0}, {"lr": 0}, {"lr": float("nan")}, {"seed": -1}]
)
def test_a_recipe_is_checked_at_birth(changes):
    with pytest.raises(UserError):
        Recipe(**{"data": "digits", "img_size": (8, 8), "epochs": 1, **changes})


def test_settings_that_were_added_tell_runs_apart_only_where_they_are_used():
    plain = Recipe(data="digits", img_size=(8, 8), epochs=1)
    assert list(plain.told_apart_by)[-2:] == ["autocast", "seed"]
    assert replace(plain, mixup=0.1).told_apart_by == {**plain.told_apart_by, "mixup": 0.1}


def test_settings_do_not_change():
    with pytest.raises(FrozenInstanceError):
        Protocol().min_samples = 3


def test_tokens_are_height_times_width():
    assert Workload(attention="dense", grid=(6, 8)).num_tokens == 48


def test_plain_settings_build_the_same_settings():
    workload = Workload(attention="anchor", grid=(4, 4), options={"num_anchors": 30})
    assert Workload(**as_plain(workload)) == workload


@pytest.mark.parametrize("num_tokens", [1, 2, 48, 196, 1024, 4096])
def test_the_grid_of_a_token_count_is_the_squarest(num_tokens):
    height, width = grid_of(num_tokens)
    assert height * width == num_tokens
    assert height <= width <= MAX_ASPECT_RATIO * height
    assert not any(num_tokens % h == 0 for h in range(height + 1, width))


def test_a_token_count_without_a_useful_grid_names_its_neighbours():
    with pytest.raises(UserError, match=r"--n-tokens 4099 .* 4096 \(64 × 64\), 4100 \(50 × 82\)"):
        grid_of(4099)


def test_a_token_count_below_one_is_refused():
    with pytest.raises(UserError, match="--n-tokens: expected a whole number from 1 .* got 0"):
        grid_of(0)


def test_the_grid_of_an_image():
    assert grid_of_image((512, 2048), 16) == (32, 128)
    with pytest.raises(UserError, match="nearest: 224 or 240"):
        grid_of_image((225, 225), 16)
    with pytest.raises(UserError, match=r"nearest: 16$"):
        grid_of_image((10, 10), 16)
