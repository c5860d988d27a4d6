"""The command that measures cells again plans exactly what it is to measure."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace

import pytest

from attnbench.analysis.remeasure import advice, cell_of, commands, model_command


def test_what_differs_from_the_defaults_is_in_the_command(layer):
    record = layer("window", 4, dim=64, num_heads=2, batch=3, dtype="bfloat16", mode="train",
                   seed=5, options={"qkv_bias": False, "window_size": 2})  # fmt: skip
    (command,) = commands([cell_of(record)])
    assert command == (
        "attnbench sweep --attention dense,window --n-tokens 16 --sweep window_size=2 "
        "--option qkv_bias=false --dim 64 --heads 2 --batch 3 --dtype bfloat16 --mode train "
        "--seed 5 --threads 2 --time-budget 10 --force"
    )


def test_one_command_for_what_one_command_can_measure(layer, gpu):
    cells = [
        *(layer("window", side) for side in (8, 16)),
        layer("anchor", 8, options={"num_anchors": 4}, impl="folded"),
        layer("anchor", 8, options={"num_anchors": 8}, impl="folded"),
        layer("window", 8, env=gpu),
    ]
    found = commands(map(cell_of, cells))
    assert [command.partition("--time")[0] for command in found] == [
        "attnbench sweep --attention dense,window,anchor --n-tokens 64,256 "
        "--sweep num_anchors=4,8 --threads 2 ",
        "attnbench sweep --attention dense,window --n-tokens 64 ",
    ]
    assert commands([]) == []
    assert advice([]) == ""


def test_a_grid_that_is_not_the_squarest_is_given_in_pixels(layer):
    (command,) = commands([cell_of(layer("window", grid=(4, 16)))])
    assert "--resolution 64x256" in command
    assert "--n-tokens" not in command


def test_a_plugin_that_is_not_loaded_has_to_be_named(layer):
    (command,) = commands([cell_of(layer("from-elsewhere"))])
    assert "--plugin FILE" in command


def test_a_trained_model_is_evaluated_and_another_profiled(model):
    trained = model("pyramid-t", seed=3)
    assert model_command(trained) == (
        "attnbench evaluate results/runs/checkpoints/pyramid-t-3/last.pt"
    )
    bare = replace(trained, run="", workload=replace(trained.workload, batch=2))
    assert model_command(bare) == (
        "attnbench profile --model pyramid-t --img-size 8x8 --num-classes 10 --batch 2 "
        "--time-budget 10"
    )


@pytest.fixture
def planned(attnbench):
    """The cells that a sweep would measure, without the threads, which a plan does not show."""

    def plan(command):
        asked = shlex.split(re.sub(r"--threads \d+ ", "", command))
        code, out, _ = attnbench(*asked[1:], "--dry-run")
        assert code == 0
        return [line.partition("  ")[2].strip() for line in out.splitlines()[:-1]]

    return plan


def test_the_command_plans_the_cells(layer, planned):
    anchors = [layer("anchor", side, options={"num_anchors": m}, impl="folded")
               for side in (4, 8) for m in (4, 8)]  # fmt: skip
    (command,) = commands(map(cell_of, anchors))
    cells = planned(command)
    for anchor in (4, 8):
        assert sum(f"anchor-{anchor} (folded)" in cell for cell in cells) == 2
    assert sum("dense (sdpa)" in cell for cell in cells) == 2
    (command,) = commands([cell_of(layer("window", grid=(4, 16), impl="sdpa"))], beside_dense=False)
    assert all("window" in cell for cell in planned(command))
