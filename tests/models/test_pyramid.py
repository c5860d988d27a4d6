"""The four-stage trunk: shapes of its maps, any input size, any mechanism per stage."""

import pytest
import torch
from our_mechanisms import NAMES

from attnbench.errors import UserError
from attnbench.models.pyramid import Pyramid
from attnbench.training.auxiliary import collected_losses

SMALL = {"dims": (8, 16, 24, 32), "depths": (1, 2, 1, 1), "head_width": 8}


@pytest.mark.parametrize("name", NAMES)
def test_takes_every_mechanism_at_an_odd_size(name):
    model = Pyramid(5, attention=name, **SMALL)
    with collected_losses(model) as auxiliary:
        logits = model(torch.randn(2, 3, 37, 50))
    (logits.sum() + sum(auxiliary)).backward()
    assert logits.shape == (2, 5)
    # The norms of the finer maps serve dense prediction alone.
    unused = {f"stages.{stage}.norm.{kind}" for stage in range(3) for kind in ("weight", "bias")}
    without = {name for name, p in model.named_parameters() if p.grad is None}
    assert without <= unused


@pytest.mark.parametrize(("stem_stride", "sides"), [(4, (10, 5, 3, 2)), (2, (19, 10, 5, 3))])
def test_maps_shrink_by_the_strides_rounded_up(stem_stride, sides):
    model = Pyramid(5, stem_stride=stem_stride, **SMALL)
    maps = model.features(torch.randn(2, 3, 37, 37))
    assert [tuple(m.shape) for m in maps] == [
        (2, dim, side, side) for dim, side in zip(SMALL["dims"], sides, strict=True)
    ]


def test_each_stage_may_have_its_own_mechanism():
    names = ("anchor", "window", "sparse", "dense")
    model = Pyramid(5, attention=names, **SMALL)
    inside = [type(stage.blocks[0].attn).__name__ for stage in model.stages]
    assert inside == [
        "AnchorAttention", "WindowAttention", "SpatialReductionAttention", "DenseAttention",
    ]  # fmt: skip


def test_stage_and_block_set_options_and_given_ones_override_them():
    by_stage = Pyramid(5, attention="sparse", **SMALL)
    assert [s.blocks[0].attn.sr_ratio for s in by_stage.stages] == [8, 4, 2, 1]
    by_hand = Pyramid(5, attention="sparse", attention_options={"sr_ratio": 2}, **SMALL)
    assert [s.blocks[0].attn.sr_ratio for s in by_hand.stages] == [2, 2, 2, 2]
    windows = Pyramid(5, attention="window", **SMALL)
    assert [block.attn.shift for block in windows.stages[1].blocks] == [False, True]


def test_refuses_uneven_lists_and_widths():
    with pytest.raises(UserError, match="one value per stage; got 2, 4 and 4"):
        Pyramid(5, attention=("dense", "anchor"), **SMALL)
    with pytest.raises(UserError, match="head_width 7 must divide"):
        Pyramid(5, **{**SMALL, "head_width": 7})
