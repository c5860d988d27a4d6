"""Stored verdicts equal recomputed ones; each check does its stated arithmetic."""

import pytest

from attnbench.errors import UserError
from attnbench.reproduce import model_checks, paper, table_checks
from attnbench.reproduce.claims import CHECKS, judge_claim, judge_claims
from attnbench.reproduce.trunk import Trunk

pytestmark = pytest.mark.usefixtures("counted_by_torch")


def test_there_are_25_and_more_and_every_check_is_used():
    lines = paper.table("claims")
    assert len(lines) >= 25
    assert len({line["id"] for line in lines}) == len(lines)
    assert {line["check"] for line in lines if line["check"]} == set(CHECKS)
    assert all(line["where"] and line["claim"] and line["evidence"] for line in lines)


@pytest.mark.parametrize(
    "line",
    [line for line in paper.table("claims") if line["check"] in vars(table_checks)],
    ids=lambda line: line["id"],
)
def test_verdicts_by_arithmetic_are_the_stored_ones(line):
    assert judge_claim(line).as_stored


@pytest.mark.slow
def test_all_verdicts_are_the_stored_ones():
    told = []
    judged = judge_claims(lambda done, total, name: told.append((done, total)))
    assert [claim.line["id"] for claim in judged if not claim.as_stored] == []
    assert told == [(done, len(judged)) for done in range(len(judged))]


@pytest.mark.parametrize(("size", "bound"), [("t", 21.2), ("s", 15.4), ("b", 12.0)])
def test_no_attention_can_save_more_of_deit_than_this(size, bound):
    assert model_checks.largest_deit_saving(0, size).computed == pytest.approx(bound, abs=0.05)
    assert not model_checks.largest_deit_saving(bound + 1, size).holds


@pytest.mark.parametrize("size", ["t", "s"])
def test_anchors_stay_below_that_bound(size):
    trunk = Trunk(size=size)
    saving = 100 * (1 - trunk.macs("anchor", 1) / trunk.macs("dense"))
    assert saving < model_checks.largest_deit_saving(0, size).computed


def test_a_changed_table_changes_the_verdict(monkeypatch):
    line = paper.one(paper.table("claims"), id="abstract-accuracy")
    assert judge_claim(line).verdict == "holds"
    monkeypatch.setattr(table_checks, "cell", lambda table, row, column: 74.38)
    judged = judge_claim(line)
    assert (judged.computed, judged.verdict) == (0, "does not hold")
    assert not judged.as_stored


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"check": "guess"}, r"abstract-accuracy: expected a claimed number and one of the checks"),
        ({"claimed": ""}, r"abstract-accuracy: expected a claimed number"),
        (
            {"arguments": "table1; DeiT-T"},
            r"the arguments 'table1; DeiT-T' do not fit relative_rise",
        ),
        ({"arguments": "table1; DeiT-T; Nobody; top1"}, r"expected a row with model 'Nobody'"),
    ],
)
def test_a_line_that_cannot_be_checked_is_named(change, message):
    line = paper.one(paper.table("claims"), id="abstract-accuracy")
    with pytest.raises(UserError, match=message):
        judge_claim({**line, **change})
