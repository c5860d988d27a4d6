"""Every number of a record has bounds, and a line beyond them is no record."""

import json
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

import msgspec
import pytest

from attnbench.bounds import QUANTITIES
from attnbench.records import Scores
from attnbench.records.numbers import LONGEST
from attnbench.records.schema import LINES, encode, parse
from attnbench.spec import ModelWorkload, Protocol, Recipe, Workload
from attnbench.units import METRICS

CHECKED_WHEN_MADE = (Workload, ModelWorkload, Protocol, Recipe)
"""Their numbers have bounds in `spec/`, as Python users make them."""


def numbers_in(cls, path=""):
    """The numbers of a type of line: where they are, and what is said about them."""
    for name, hint in typing.get_type_hints(cls, include_extras=True).items():
        if name in {field.name for field in fields(cls)}:
            yield from numbers_of(hint, f"{path}.{name}")


def numbers_of(hint, path, meta=()):
    if typing.get_origin(hint) is typing.Annotated:
        yield from numbers_of(hint.__origin__, path, hint.__metadata__)
    elif hint in (int, float):
        yield path, hint, meta
    elif is_dataclass(hint) and hint not in CHECKED_WHEN_MADE:
        yield from numbers_in(hint, path)
    else:
        for inner in typing.get_args(hint):
            if inner is not Ellipsis and typing.get_origin(hint) is not typing.Literal:
                yield from numbers_of(inner, path)


@pytest.mark.parametrize("cls", LINES.values())
def test_every_number_of_a_line_has_a_least_and_a_most(cls):
    found = list(numbers_in(cls))
    assert found
    for path, kind, meta in found:
        bounds = [m for m in meta if isinstance(m, msgspec.Meta)]
        assert len(bounds) == 1, f"{path} has no bounds"
        assert (bounds[0].ge, bounds[0].gt) != (None, None), path
        assert bounds[0].le is not None, path
        assert kind is float or bounds[0].le < 2**63, path


def places_of(plain, path=()):
    """Where the numbers of a plain line are."""
    if isinstance(plain, Mapping):
        for name, value in plain.items():
            yield from places_of(value, (*path, name))
    elif isinstance(plain, list):
        if plain:
            yield from places_of(plain[0], (*path, 0))
    elif type(plain) in (int, float):
        yield path


def changed(plain, path, value):
    copy = json.loads(json.dumps(plain))
    inner = copy
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return copy


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "-Infinity", "1e400", str(2**63), "9" * 5000])
def test_no_number_of_a_line_may_be_beyond_bounds(full_line, wrong):
    plain = json.loads(json.dumps(encode(full_line)))
    del plain["schema"]
    for path in places_of(plain):
        if "options" in path:
            continue
        text = json.dumps({"schema": 3, **changed(plain, path, "HERE")}).replace('"HERE"', wrong)
        if wrong == str(2**63) and is_float(plain, path):
            continue
        with pytest.raises((ValueError, TypeError)):
            parse(text.encode())


def is_float(plain, path):
    for name in path:
        plain = plain[name]
    return isinstance(plain, float)


@pytest.mark.parametrize(
    "path",
    [
        ("params",),
        ("macs", "products_macs"),
        ("memory", "peak_net_bytes"),
        ("latency", "samples_s", 0),
        ("latency", "host_samples_s", 0),
        ("energy", "windows_j", 0),
        ("floor", "relative"),
    ],
)
def test_what_is_counted_or_measured_is_not_below_zero(full_layer, path):
    plain = json.loads(json.dumps(encode(full_layer)))
    with pytest.raises(ValueError, match="Expected"):
        parse(json.dumps(changed(plain, path, -1)).encode())


@pytest.mark.parametrize("name", ["top1", "top5"])
@pytest.mark.parametrize("value", [-0.01, 1.01, 75.0])
def test_a_score_keeps_to_its_range(name, value):
    with pytest.raises(ValueError, match=f"score {name}: expected a number from 0 to 1, got"):
        Scores(task="classification", values={name: value}, count=1, forward_s=1.0)


def test_every_metric_names_its_bounds():
    assert {metric.quantity for metric in METRICS.values()} <= set(QUANTITIES)


def test_scores_of_other_tasks_may_be_any_finite_number():
    Scores(task="depth", values={"delta": -3.5}, count=1, forward_s=1.0)
    with pytest.raises(ValueError, match="score delta: expected a number"):
        Scores(task="depth", values={"delta": float("nan")}, count=1, forward_s=1.0)


def test_a_text_that_no_one_can_read_is_refused(full_layer):
    plain = {**encode(full_layer), "reason": "x" * (LONGEST + 1)}
    with pytest.raises(ValueError, match="length"):
        parse(json.dumps(plain).encode())
