"""The page of accuracy against cost: filled between its marks, from records alone."""

import importlib
from pathlib import Path

import pytest

from attnbench.errors import UserError
from attnbench.records import store

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return importlib.import_module("frontier_page")


@pytest.fixture
def page(tmp_path):
    copy = tmp_path / "frontier.md"
    copy.write_text((ROOT / "docs" / "frontier.md").read_text())
    return copy


def written(folder, records):
    file = folder / "train.jsonl"
    for record in records:
        store.append(file, record)
    return [file]


def test_rows_stand_beside_dense_and_are_filled_again(script, page, model, tmp_path):
    scores = {
        "dense": (0.60, 0.61, 0.62),
        "anchor": (0.20, 0.21, 0.22),
        "window": (0.60, 0.62, 0.61),
    }
    files = written(
        tmp_path,
        [
            model("pyramid-t", top1, attention=name, seed=seed)
            for name, three in scores.items()
            for seed, top1 in enumerate(three)
        ],
    )
    script.write_page(page, files)
    text = page.read_text()
    assert "- anchor scores lower than dense (−40.0 [" in text
    assert "- window cannot be told from dense (+0.0 [" in text
    assert "| baseline |" in text
    assert len(list(page.parent.glob("frontier-*.png"))) == 1
    script.write_page(page, files)
    assert page.read_text() == text


def test_a_set_without_the_baseline_is_refused(script, page, model, tmp_path):
    before = page.read_text()
    with pytest.raises(UserError, match="expected a training with dense"):
        script.write_page(page, written(tmp_path, [model("pyramid-t", 0.5, attention="anchor")]))
    assert page.read_text() == before
