"""The frontier where models are tied, alone, all on one spot, or have odd names."""

import csv

import pytest

from attnbench.records import store
from attnbench.report.page.page import write_report

BASE = 60_000_000


@pytest.fixture
def report(tmp_path, model):
    """Writes the report of models (name, MACs, top-1); returns the verdicts by name."""

    def write(*points):
        for index, (name, macs, top1) in enumerate(points):
            store.append(tmp_path / "a.jsonl", model(name, top1, macs=macs, at=index))
        write_report([tmp_path / "a.jsonl"], tmp_path / "out", figures=True)
        with (tmp_path / "out/models.csv").open(encoding="utf-8") as file:
            return {row["model"]: row["on_frontier"] for row in csv.DictReader(file)}

    return write


def test_one_seed_says_of_no_model_that_it_is_beaten_however_far_its_mean_is(report):
    verdicts = report(
        ("cheap", BASE, 0.6), ("cheap-too", BASE, 0.6), ("dear", 2 * BASE, 0.1),
        ("best", 3 * BASE, 0.7), ("nearly", 3 * BASE, 0.6999999999999999),
    )  # fmt: skip
    assert set(verdicts.values()) == {"cannot tell"}


def test_a_single_model_is_on_the_frontier(report, tmp_path):
    assert report(("alone", BASE, 0.6)) == {"alone": "yes"}
    assert not list((tmp_path / "out/figures").glob("frontier*"))


def test_many_models_on_one_spot_have_one_verdict_and_one_figure(report, tmp_path):
    verdicts = report(*((f"m{index}", BASE, 0.5) for index in range(18)))
    assert set(verdicts.values()) == {"cannot tell"}
    assert list((tmp_path / "out/figures").glob("frontier*.svg"))
