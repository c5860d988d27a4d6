"""Pointing game and energy: known maps, and the laws of the control and of the intervals."""

import pytest
import torch

from attnbench.explain.in_boxes import (
    Inside,
    centred_gaussian,
    covered,
    full_size,
    in_boxes,
    inside,
)

SIZE = (9, 14)


def test_pixels_are_in_a_box_by_their_middles():
    mask = covered(torch.tensor([[2.0, 1.0, 5.0, 3.0], [4.6, 2.4, 6.5, 4.0]]), SIZE)
    expected = torch.zeros(SIZE, dtype=torch.bool)
    expected[1:3, 2:5] = True
    expected[2:4, 5:6] = True
    expected[2:4, 6:6] = True
    assert mask.tolist() == expected.tolist()
    assert not covered(torch.zeros(0, 4), SIZE).any()


def test_an_even_map_has_as_much_energy_inside_as_the_boxes_have_area():
    mask = covered(torch.tensor([[1.0, 2.0, 8.0, 7.0]]), SIZE)
    assert inside(torch.ones(SIZE), mask).energy == pytest.approx(35 / 126)


def test_a_map_within_the_box_has_all_of_it_and_points_into_it():
    mask = covered(torch.tensor([[1.0, 2.0, 8.0, 7.0]]), SIZE)
    assert inside(mask.float(), mask) == Inside(points=True, energy=1.0)
    assert inside((~mask).float(), mask) == Inside(points=False, energy=0.0)


def test_an_empty_map_points_nowhere():
    whole = torch.ones(SIZE, dtype=torch.bool)
    assert inside(torch.zeros(SIZE), whole) == Inside(points=False, energy=0.0)


def test_the_control_is_symmetric_and_highest_in_the_middle():
    control = centred_gaussian((9, 15))
    torch.testing.assert_close(control, control.flip(0))
    torch.testing.assert_close(control, control.flip(1))
    assert divmod(int(control.argmax()), 15) == (4, 7)


def test_enlarging_keeps_place_and_range():
    maps = torch.zeros(1, 3, 4)
    maps[0, 2, 1] = 2.0
    large = full_size(maps, (30, 40))[0]
    assert large.max() <= 2.0
    row, column = divmod(int(large.argmax()), 40)
    assert (row // 10, column // 10) == (2, 1)


def test_the_control_gains_nothing_on_itself():
    found = [Inside(points=i % 3 > 0, energy=i / 10) for i in range(9)]
    scores = in_boxes(found, found)
    assert scores.pictures == 9
    assert scores.pointing.value == pytest.approx(6 / 9)
    for gain in (scores.pointing_gain, scores.energy_gain):
        assert (gain.value, gain.low, gain.high) == (0, 0, 0)


@pytest.mark.parametrize("pictures", [1, 7, 40])
def test_intervals_hold_their_means(pictures):
    found = [Inside(points=i % 2 == 0, energy=i / pictures) for i in range(pictures)]
    control = [Inside(points=False, energy=0.2)] * pictures
    scores = in_boxes(found, control)
    for one in (scores.pointing, scores.energy, scores.pointing_gain, scores.energy_gain):
        assert one.low <= one.value <= one.high
    assert scores.energy_gain.value == pytest.approx(scores.energy.value - 0.2)
