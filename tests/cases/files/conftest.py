"""Results files as other programs, crashes and people leave them."""

import json
from pathlib import Path

import pytest

FIXTURE = Path(__file__).parents[2] / "fixtures" / "schema2.jsonl"


@pytest.fixture
def plain():
    """Three layers as plain values, of an older version: their keys cannot be checked."""
    lines = [json.loads(line) for line in FIXTURE.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["kind"] == "layer"]


@pytest.fixture
def changed():
    """A copy of a line with one value put at a dotted place."""

    def change(line, place, value):
        copy = json.loads(json.dumps(line))
        *outer, last = place.split(".")
        inner = copy
        for name in outer:
            inner = inner[name]
        assert last in inner, place
        inner[last] = value
        return copy

    return change


def as_text(lines, **options):
    """One line of JSON each."""
    return "".join(json.dumps(line, **options) + "\n" for line in lines)
