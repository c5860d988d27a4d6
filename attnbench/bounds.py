"""What a number may be: one table of bounds, for options, Python settings and records alike.

A quantity is named as its option is, without dashes ("batch_size"); what only records hold has a
name of its own ("seconds"). The upper bounds are generous, but finite: beyond them a value is a
slip of the finger, or it overflows a clock, an index or a file format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

INT64 = 2**63 - 1
"""The largest whole number that readers of JSON and of tables agree on."""
SIZE = 2**31 - 1
"""What torch indexes a dimension with on every device."""
TOKENS = 2**24
SIDE = 2**13
"""Of an image, in pixels."""
DAY_S = 86_400
WEEK_S = 7 * DAY_S
FINITE = 1e100
"""Far from where sums and products of two numbers become infinite."""

SHOWN = 60
"""Characters of the user's input that a message repeats."""
LONGEST_WORD = 300
LONGEST_MESSAGE = 1500
"""Characters: beyond them a message repeats what is no text of ours."""

_NUMBER = re.compile(r"[+-]?([0-9]+|([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?)", re.IGNORECASE)
"""ASCII digits only: `int` and `float` also take "１２", "1_000" and "nan"."""
_LONG_WORD = re.compile(rf"\S{{{LONGEST_WORD + 1},}}")
_WHOLE = re.compile(r"[+-]?[0-9]+")


@dataclass(frozen=True, slots=True)
class Bounds:
    """The numbers that a quantity may be, from `least` to `most`; all of them are finite."""

    least: float
    most: float
    whole: bool = True
    """Whether only whole numbers are allowed."""
    above: bool = False
    """Whether `least` itself is not allowed."""

    @property
    def text(self) -> str:
        """In words: "a whole number from 1 to 65,536"."""
        kind = "a whole number" if self.whole else "a number"
        if self.above:
            return f"{kind} above {_plain(self.least)}, up to {_plain(self.most)}"
        return f"{kind} from {_plain(self.least)} to {_plain(self.most)}"

    def hold(self, value: object) -> bool:
        """Whether the value is a number within the bounds; True and False are no numbers."""
        if not (type(value) is int or (isinstance(value, float) and not self.whole)):
            return False
        # NaN fails this, and so does an infinite value.
        return self.least <= value <= self.most and not (self.above and value == self.least)

    def fault(self, value: object) -> str | None:
        """None, or "expected a whole number from 1 to 65,536, got 0"."""
        return None if self.hold(value) else f"expected {self.text}, got {shortened(value)}"

    def read(self, text: str) -> int | float:
        """The number that a user typed.

        Raises:
            ValueError: it is no number within the bounds; the message is that of `fault`.
        """
        value = number_in(text)
        if value is None or not self.hold(value):
            raise ValueError(f"expected {self.text}, got {shortened(text)}")
        return value


SECONDS = Bounds(0, FINITE, whole=False)
COUNT = Bounds(0, INT64)

QUANTITIES: Mapping[str, Bounds] = {
    # the size of what is measured
    "n_tokens": Bounds(1, TOKENS),
    "resolution": Bounds(1, SIDE),
    "img_size": Bounds(1, SIDE),
    "patch": Bounds(1, SIDE),
    "dim": Bounds(1, 2**16),
    "heads": Bounds(1, 2**16),
    "anchors": Bounds(1, TOKENS),
    "batch": Bounds(1, 2**16),
    # A detector may look for a single kind of object.
    "num_classes": Bounds(1, 2**20),
    # NumPy seeds with 32 bits.
    "seed": Bounds(0, 2**32 - 1),
    "option": Bounds(-SIZE, SIZE, whole=False),
    # how it is measured
    "warmup": Bounds(0, DAY_S, whole=False),
    "min_samples": Bounds(1, 10**6),
    # Far beyond 1 it means: stop at the least number of samples.
    "precision": Bounds(0, 10**9, whole=False, above=True),
    "time_budget": Bounds(0, DAY_S, whole=False, above=True),
    # Waiting for a pipe overflows after 24 days.
    "timeout": Bounds(0, WEEK_S, whole=False, above=True),
    # how results are compared
    "relative": Bounds(0, 1000, whole=False),
    "absolute": Bounds(0, DAY_S, whole=False),
    # how a model is trained
    "epochs": Bounds(1, 10**6),
    "batch_size": Bounds(1, 2**16),
    "lr": Bounds(0, 1000, whole=False, above=True),
    "weight_decay": Bounds(0, 1000, whole=False),
    "warmup_epochs": Bounds(0, 10**6, whole=False),
    "label_smoothing": Bounds(0, 1, whole=False),
    "crop_padding": Bounds(0, SIDE),
    "clip_grad": Bounds(0, 10**6, whole=False),
    "crop_scale": Bounds(0, 1, whole=False, above=True),
    "mixup": Bounds(0, 1000, whole=False),
    "cutmix": Bounds(0, 1000, whole=False),
    "erasing": Bounds(0, 1, whole=False),
    "repeats": Bounds(1, 100),
    # Nothing is left to train where every path is dropped, or where an average never moves.
    "drop_path": Bounds(0, 0.95, whole=False),
    "ema_decay": Bounds(0, 0.9999999, whole=False),
    "min_lr": Bounds(0, 1000, whole=False),
    "layer_decay": Bounds(0, 1, whole=False, above=True),
    "accumulate": Bounds(1, 2**16),
    "distillation_weight": Bounds(0, 1, whole=False),
    "temperature": Bounds(0, 1000, whole=False, above=True),
    "nproc": Bounds(1, 1024),
    # Minutes; 0 saves after every step.
    "save_every": Bounds(0, WEEK_S / 60, whole=False),
    # Processes of this machine.
    "jobs": Bounds(1, 1024),
    # what is drawn
    "save_images": Bounds(0, 1000),
    "scales": Bounds(0, 1000, whole=False, above=True),
    "show": Bounds(1, 100),
    # what records hold
    "duration": Bounds(0, FINITE, whole=False, above=True),
    "seconds": SECONDS,
    "joules": SECONDS,
    "share": Bounds(0, 1, whole=False),
    "ratio": Bounds(0, FINITE, whole=False, above=True),
    "score": Bounds(-FINITE, FINITE, whole=False),
    "amount": SECONDS,
    "count": COUNT,
    "some": Bounds(1, INT64),
    "bytes": COUNT,
    "signed_bytes": Bounds(-INT64, INT64),
    "macs": COUNT,
    "params": COUNT,
}
"""A `duration` is a time that was measured, never zero; `seconds` may be zero."""


def fault(quantity: str, value: object) -> str | None:
    """None, or why the value is none of the quantity: "expected …, got …".

    Raises:
        KeyError: the quantity is not in `QUANTITIES`.
    """
    return QUANTITIES[quantity].fault(value)


def number_in(text: str) -> int | float | None:
    """The finite number that a text writes in ASCII digits; None if it writes none.

    A number of very many digits is None too: Python refuses to read it.
    """
    stripped = text.strip()
    if len(stripped) > 400 or not _NUMBER.fullmatch(stripped):
        return None
    if _WHOLE.fullmatch(stripped):
        return int(stripped)
    value = float(stripped)
    return value if isfinite(value) else None


def shortened(value: object) -> str:
    """A value as a message repeats it, however long it is: text in quotes, a number as it is."""
    if isinstance(value, str):
        return f"{value[:SHOWN]!r}{_more(value, SHOWN)}"
    if type(value) is int and value.bit_length() > 3 * SHOWN:  # Python may refuse to print it
        return f"a whole number of about {round(value.bit_length() * 0.30103):,} digits"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} …"


def shortened_message(text: str) -> str:
    """A message without what is too long to be read, wherever it has it from.

    Very long words lose their end, a very long message its middle: its end says what to do.
    """
    text = _LONG_WORD.sub(lambda word: word[0][:SHOWN] + _more(word[0], SHOWN), text)
    if len(text) <= LONGEST_MESSAGE:
        return text
    half = LONGEST_MESSAGE // 2
    return f"{text[:half]} … {text[-half:]}"


def _more(text: str, shown: int) -> str:
    return f" … ({len(text):,} characters)" if len(text) > shown else ""


def _plain(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
