"""Where the outcome of each held-out image is kept: in a file beside the records."""

from __future__ import annotations

from dataclasses import dataclass

from attnbench.records.numbers import Some, Text

OUTCOMES = "outcomes"
"""The folder of all evaluations, beside the results file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeFile:
    """A file that says what a model did on each image (`scoring/outcomes.py`)."""

    path: Text
    """In the folder `OUTCOMES`, with "/" between its parts."""
    sha256: Text
    """Of the file, hexadecimal."""
    images: Some
    """How many there are."""
    samples_sha256: Text
    """Of the names of the images in their order, and of what is true of them: outcomes with equal
    hashes are compared image by image."""
