"""What a workload builds."""

from dataclasses import replace

import pytest
import torch

from attnbench.attention.factory import attention_class
from attnbench.benchmark.instance import build_instance
from attnbench.benchmark.subject import subject_of
from attnbench.spec import ModelWorkload, Workload

LAYER = Workload(attention="dense", grid=(2, 3), dim=24)
MODEL = ModelWorkload(
    model="vit-t", attention="dense", img_size=(16, 16), num_classes=3, options={"mlp_ratio": 2.0}
)


def built(workload):
    instance = build_instance(subject_of(workload), workload, torch.device("cpu"))
    return [instance.x, *instance.module.state_dict().values()]


@pytest.mark.parametrize("workload", [LAYER, MODEL])
def test_the_seed_decides_weights_and_input_and_nothing_else_does(workload):
    first = built(workload)
    torch.rand(3)
    again, other = built(workload), built(replace(workload, seed=1))
    assert all(one.equal(two) for one, two in zip(first, again, strict=True))
    assert not first[0].equal(other[0])
    assert not all(one.equal(two) for one, two in zip(first[1:], other[1:], strict=True))


def test_building_leaves_the_random_numbers_of_others_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    built(LAYER)
    assert torch.rand(3).equal(expected)


def test_names_say_which_options_were_asked_for():
    assert subject_of(replace(LAYER, options={"qkv_bias": False})).name == (
        "dense (reference, qkv_bias=False) at 6 tokens"
    )
    assert subject_of(MODEL).name == "vit-t (mlp_ratio=2.0) at 16 × 16 px"
    assert subject_of(replace(MODEL, options={})).name == "vit-t at 16 × 16 px"


@pytest.mark.parametrize("error", [ValueError("odd"), SystemExit(0)])
def test_a_mechanism_that_cannot_say_whether_it_can_run_is_named(error, monkeypatch):
    def unsupported(workload):
        raise error

    monkeypatch.setattr(attention_class("dense"), "unsupported", unsupported)
    reason = subject_of(LAYER).unsupported(torch.device("cpu"))
    assert reason == f"DenseAttention.unsupported raised {type(error).__name__}: {error}"
