"""Parsing of option texts."""

import pytest

from attnbench.cli.options import image_sizes, integers, numbers, option_value, pairs
from attnbench.errors import UserError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8", 8), ("-8", -8), ("0.5", 0.5), ("1e-3", 1e-3), ("true", True), ("False", False),
        ("even", "even"), ("7x7", "7x7"), ("None", "None"),
    ],
)  # fmt: skip
def test_an_option_is_a_number_a_truth_value_or_text(text, value):
    found = option_value(text, "--option a")
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["inf", "-inf", "nan", "1e99", "99999999999", "1_000", "１２"])
def test_an_option_that_no_machine_could_hold_is_refused(text):
    with pytest.raises(UserError, match="--option a: expected a number .* to 2,147,483,647, got"):
        option_value(text, "--option a")


def test_numbers_stay_whole_where_they_are():
    found = numbers("4, 0.5,8", "--sweep a")
    assert found == [4, 0.5, 8]
    assert [type(one) for one in found] == [int, float, int]
    assert integers("10,30", "--anchors", "anchors") == [10, 30]


@pytest.mark.parametrize("text", ["", ",", "4,x", "4;8", "9" * 5000, "²", "4,1.5", "0"])
def test_what_is_no_list_of_whole_numbers_names_the_flag(text):
    with pytest.raises(UserError, match="--anchors: expected a whole number from 1 "):
        integers(text, "--anchors", "anchors")


def test_pairs_keep_their_order_and_what_follows_the_first_sign():
    assert pairs(["a=1", " b = x=2 "], "--option") == {"a": "1", "b": "x=2"}
    assert pairs(None, "--option") == {}


@pytest.mark.parametrize("text", ["a", "=1", "a=", "a b=1", "1a=1"])
def test_what_is_no_pair_is_refused(text):
    with pytest.raises(UserError, match="--option takes NAME=VALUE"):
        pairs([text], "--option")


def test_image_sizes_are_height_times_width():
    assert image_sizes("224, 512x2048,16X8") == [(224, 224), (512, 2048), (16, 8)]


@pytest.mark.parametrize("text", ["", "x", "224x", "1x2x3", "-1", "2.5", "9" * 30, "²"])
def test_what_is_no_image_size_is_refused(text):
    with pytest.raises(UserError, match="--resolution: expected "):
        image_sizes(text)


def test_the_axes_of_a_frontier_are_those_that_the_analysis_knows():
    from attnbench.analysis.tradeoff.groups import COSTS
    from attnbench.cli import report

    assert tuple(COSTS) == report.COSTS
