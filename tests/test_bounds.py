from __future__ import annotations

from math import inf, nan

import pytest

from attnbench.bounds import QUANTITIES, Bounds, fault, number_in, shortened, shortened_message

EVERY = sorted(QUANTITIES)
NO_NUMBERS = [
    "", " ", "²", "1²", "１２", "٣", "1_000", "inf", "-inf", "nan", "Infinity", "1e999", "0x10",
    "1,5", "five", "--3", "1e", ".", "9" * 401, "9" * 10_000,
]  # fmt: skip


@pytest.mark.parametrize("quantity", EVERY)
def test_the_ends_are_allowed_and_what_lies_beyond_is_not(quantity):
    bounds = QUANTITIES[quantity]
    assert fault(quantity, bounds.most) is None
    assert (fault(quantity, bounds.least) is None) == (not bounds.above)
    for beyond in (bounds.most * 2, -bounds.most * 2 - 1, 10**400, -(10**5000)):
        assert fault(quantity, beyond).startswith(f"expected {bounds.text}, got ")


@pytest.mark.parametrize("quantity", EVERY)
@pytest.mark.parametrize("value", [nan, inf, -inf, True, None, "1", b"1", [1], 1j])
def test_what_is_no_finite_number_is_refused(quantity, value):
    assert "expected" in fault(quantity, value)


@pytest.mark.parametrize("quantity", EVERY)
def test_only_whole_numbers_where_they_are_asked_for(quantity):
    bounds = QUANTITIES[quantity]
    middle = (bounds.least + bounds.most) // 2 + 0.5 if bounds.most < 1e15 else 1.5
    assert bounds.hold(min(middle, bounds.most)) == (not bounds.whole)


@pytest.mark.parametrize("text", NO_NUMBERS, ids=shortened)
def test_texts_that_write_no_number(text):
    assert number_in(text) is None
    with pytest.raises(ValueError, match="^expected a whole number from 1 to 9, got "):
        Bounds(1, 9).read(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("7", 7), (" +7 ", 7), ("-3", -3), ("007", 7), ("0.5", 0.5), (".5", 0.5), ("1E-3", 1e-3)],
)
def test_texts_that_write_a_number(text, value):
    assert number_in(text) == value
    assert type(number_in(text)) is type(value)


@pytest.mark.parametrize(
    "value", ["9" * 4000, "\x1b[31m" * 900, 10**5000, -(10**31), [0] * 999], ids=shortened
)
def test_what_a_message_repeats_is_short_and_one_printable_line(value):
    assert len(shortened(value)) < 300
    assert shortened(value).isprintable()


def test_the_bounds_in_words():
    assert Bounds(1, 65_536).text == "a whole number from 1 to 65,536"
    assert fault("lr", 0) == "expected a number above 0, up to 1,000, got 0"
    assert fault("share", 1.5) == "expected a number from 0 to 1, got 1.5"


@pytest.mark.parametrize("long", ["x" * 5000, "a," * 3000, "a b " * 2000, "/".join(["y"] * 900)])
def test_a_message_keeps_its_ends_whatever_it_repeats(long):
    text = f"expected a name, got {long}; do this"
    shown = shortened_message(text)
    assert len(shown) <= 1503
    assert shown.startswith("expected a name, got ")
    assert "do this" in shown or "characters)" in shown
    assert shortened_message(shown) == shown


def test_a_usual_message_stays_as_it_is():
    text = "--out: expected a file, got a folder; " + " ".join(["/usual/path"] * 50)
    assert shortened_message(text) == text
