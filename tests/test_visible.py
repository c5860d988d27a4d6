"""Laws of text from elsewhere: nothing unseen is left, and all that is seen stays."""

import sys
import unicodedata

from attnbench.visible import one_line, visible

UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
EVERY = [chr(code) for code in range(sys.maxunicode + 1)]


def test_of_all_signs_none_that_is_unseen_is_left():
    left = [c for c in EVERY if unicodedata.category(c) in UNSEEN and c != "\n" and visible(c) == c]
    assert left == []


def test_letters_digits_punctuation_and_spaces_stay():
    seen = [c for c in EVERY if unicodedata.category(c)[0] in "LNPSZ" and c.isprintable()]
    changed = [c for c in seen if visible(c) != c]
    assert set(changed) <= set("\u115f\u1160\u2800\u3164\uffa0")  # letters without ink
    assert visible("95\u00a0% × \u3000") == "95\u00a0% × \u3000"


def test_it_can_be_written_and_a_second_time_changes_nothing():
    text = "".join(EVERY[:0x3100] + EVERY[0xD000:0x10400] + EVERY[0xE0000:0xE0200])
    once = visible(text)
    assert visible(once) == once
    assert once.encode("utf-8")


def test_bytes_that_are_no_utf8_and_line_breaks():
    assert visible(b"caf\xe9".decode("utf-8", "surrogateescape")) == r"caf\xe9"
    assert visible("a\r\nb\tc\x1b") == "a\\r\nb\\tc\\x1b"
    assert one_line("a \n  b\nc\n") == "a b c"
