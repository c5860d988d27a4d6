"""Interpolated positions are unchanged at the learned grid and equal timm's elsewhere."""

import pytest
import timm.layers
import torch
import torch.nn.functional as F

from attnbench.models.positions import resample_positions


def test_is_the_identity_at_the_learned_grid():
    positions = torch.randn(1, 2 + 3 * 4, 8)
    assert resample_positions(positions, (3, 4), (3, 4), 2) is positions


@pytest.mark.parametrize("prefix", [0, 1, 2])
@pytest.mark.parametrize("wanted", [(4, 3), (7, 5), (2, 2), (1, 6)])
def test_equals_timm(wanted, prefix):
    positions = torch.randn(1, prefix + 3 * 4, 8)
    ours = resample_positions(positions, (3, 4), wanted, prefix)
    theirs = timm.layers.resample_abs_pos_embed(positions, wanted, (3, 4), prefix)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=0)
    assert torch.equal(ours[:, :prefix], positions[:, :prefix])


def test_a_grid_of_one_column_is_interpolated_as_in_float64():
    positions = torch.randn(1, 12, 8)
    image = positions.double().mT.unflatten(2, (3, 4)).contiguous()
    expected = F.interpolate(image, size=(12, 1), mode="bicubic", antialias=True)
    ours = resample_positions(positions, (3, 4), (12, 1), 0)
    torch.testing.assert_close(ours, expected.flatten(2).mT.float())


def test_keeps_the_precision_of_the_positions():
    positions = torch.randn(1, 12, 8, dtype=torch.bfloat16)
    assert resample_positions(positions, (3, 4), (5, 5), 0).dtype == torch.bfloat16
