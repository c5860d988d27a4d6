"""The page of all mechanisms: filled between its marks, from records alone."""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest

from attnbench.errors import UserError
from attnbench.records.store import Contents

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return importlib.import_module("mechanisms_page")


@pytest.fixture
def records(layer, model):
    def cells(name, seconds, **more):
        return [
            layer(name, side, seconds * side**2, dim=24, mode=mode, **more)
            for side in (14, 32)
            for mode in ("forward", "train")
        ]

    trained = [model("pyramid-t", top1, attention=name) for name, top1 in
               (("dense", 0.2), ("anchor", 0.4))]  # fmt: skip
    return [
        *cells("dense", 2e-5), *cells("dense", 1e-5, impl="sdpa"),
        *cells("anchor", 5e-6, options={"num_anchors": 30}), *trained,
    ]  # fmt: skip


@pytest.fixture
def page(tmp_path):
    copy = tmp_path / "mechanisms.md"
    copy.write_text((ROOT / "docs" / "mechanisms.md").read_text())
    return copy


def contents(records):
    return Contents(records=records)


def test_the_page_is_filled_and_filled_again(script, page, records):
    script.write_page(page, contents(records))
    text = page.read_text()
    assert "| dense, sdpa | " in text  # its fastest implementation
    assert "| anchor-30 | " in text
    assert text.index("| anchor | 40.0 % [") < text.index("| dense | 20.0 % [")
    assert (page.parent / "mechanisms.png").stat().st_size > 10_000
    script.write_page(page, contents(records))
    assert page.read_text() == text


def test_records_of_two_machines_or_recipes_are_refused(script, page, records, gpu):
    before = page.read_text()
    others = [replace(records[0], environment=gpu), replace(
        records[-1], recipe=replace(records[-1].recipe, epochs=9))]  # fmt: skip
    for other in others:
        with pytest.raises(UserError, match="expected"):
            script.write_page(page, contents([*records, other]))
    assert page.read_text() == before


def test_a_page_without_its_marks_is_refused(script, page, records):
    page.write_text("<!-- costs -->")
    with pytest.raises(UserError, match="put them back"):
        script.write_page(page, contents(records))
