"""The rules for whether and how the Triton kernels run, without running them."""

from dataclasses import replace
from importlib.metadata import PackageNotFoundError

import pytest
import torch

from attnbench.kernels.anchor import triton_support
from attnbench.kernels.anchor.triton_support import (
    padded,
    reason_against,
    tiling,
    tokens_per_program,
)
from attnbench.kernels.conditions import CallConditions

FITS = CallConditions(device="cuda", dtype=torch.bfloat16, head_dim=64)


@pytest.fixture
def hopper(monkeypatch):
    """A machine with Triton and a recent GPU, as far as can be told."""
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr(triton_support, "version", lambda name: "3.6.0")
    monkeypatch.setattr(triton_support, "_capability", lambda: (9, 0))
    return monkeypatch


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize(("head_dim", "num_anchors"), [(16, 1), (64, 30), (100, 256), (128, 0)])
def test_what_fits_has_no_reason_against_it(hopper, dtype, head_dim, num_anchors):
    conditions = replace(FITS, dtype=dtype, head_dim=head_dim, options={"num_anchors": num_anchors})
    assert reason_against(conditions) is None


@pytest.mark.parametrize(
    ("changed", "needed", "got"),
    [
        ({"device": "cpu"}, "CUDA", "cpu"),
        ({"dtype": torch.float64}, "bfloat16", "float64"),
        ({"head_dim": 15}, "16 to 128", "15"),
        ({"head_dim": 129}, "16 to 128", "129"),
        ({"options": {"num_anchors": 257}}, "256", "257"),
    ],
)
def test_reasons_name_what_is_needed_and_what_came(hopper, changed, needed, got):
    reason = reason_against(replace(FITS, **changed))
    assert needed in reason
    assert reason.endswith(f"got {got}")


@pytest.mark.parametrize(("found", "fits"), [("3.5.1", False), ("3.6.0", True), ("4.0", True)])
def test_an_old_triton_is_refused(hopper, found, fits):
    hopper.setattr(triton_support, "version", lambda name: found)
    assert (reason_against(FITS) is None) == fits
    if not fits:
        assert reason_against(FITS) == "needs triton 3.6 or newer, got 3.5.1"


def test_no_triton_and_no_gpu_are_reasons(hopper):
    hopper.setattr(triton_support, "_capability", lambda: None)
    assert "torch sees none" in reason_against(FITS)
    hopper.setattr(triton_support, "_capability", lambda: (7, 5))
    assert reason_against(FITS) == "needs compute capability 8.0, got 7.5"

    def missing(name):
        raise PackageNotFoundError(name)

    hopper.setattr(triton_support, "version", missing)
    assert "not installed" in reason_against(FITS)


def test_the_interpreter_needs_no_gpu(hopper):
    hopper.setattr(triton_support, "_capability", lambda: None)
    hopper.setenv("TRITON_INTERPRET", "1")
    assert reason_against(replace(FITS, device="cpu")) is None


def test_padding_is_the_next_power_of_two_from_sixteen():
    assert [padded(side) for side in (1, 16, 17, 24, 30, 64, 65, 256)] == [
        16, 16, 32, 32, 32, 64, 128, 256,
    ]  # fmt: skip


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("itemsize", [2, 4])
@pytest.mark.parametrize("channels", [16, 32, 64, 128])
@pytest.mark.parametrize("anchors", [16, 32, 64, 128, 256])
def test_tiles_are_whole_and_no_smaller_than_matrix_units_take(
    anchors, channels, itemsize, backward
):
    tiles = tiling(anchors, channels, itemsize, backward=backward)
    assert channels % tiles.chunk == 0
    assert min(tiles.block, tiles.chunk) >= 16
    assert tiles.block & (tiles.block - 1) == tiles.chunk & (tiles.chunk - 1) == 0


@pytest.mark.parametrize("tokens", [1, 63, 196, 256, 257, 4096, 65_537])
@pytest.mark.parametrize("heads", [1, 3, 12, 131, 264, 10_000])
def test_heads_are_shared_only_where_processors_would_idle(tokens, heads):
    share = tokens_per_program(tokens, heads, 132, 64)
    programs = heads * -(-tokens // share)
    assert share <= tokens
    assert share == tokens or share % 64 == 0
    assert share >= min(tokens, 256)
    assert programs == heads or programs < 2 * 132 + heads
    if heads >= 2 * 132:
        assert programs == heads
    elif share > 256:  # no program less than there could be, but for shares in whole blocks
        assert (share - 64) * -(-2 * 132 // heads) < tokens
