"""Every printed number is a claim with a quote, and every check has a control that must hold."""

import pytest

from attnbench.errors import UserError
from attnbench.reproduce import (
    dense_tables,
    paper,
    saving_checks,
    source_checks,
    table1,
    table_checks,
)
from attnbench.reproduce.claims import CHECKS, KINDS, VERDICTS, judge_claim, judge_claims
from attnbench.reproduce.row import CELLS
from attnbench.reproduce.span import exact, printed

pytestmark = pytest.mark.usefixtures("counted_by_torch")

LINES = paper.table("claims")
OF_PAPER = [line for line in LINES if line["by"] == "paper"]
NOT_PRINTED = ("rank", "ratio", "row sum", "power of n")
"""Units of claims in words: the number is what the words mean."""
QUICK = (*vars(table_checks), *vars(source_checks))


def test_lines_are_complete_and_of_known_words():
    assert len({line["id"] for line in LINES}) == len(LINES)
    for line in LINES:
        assert line["by"] in ("paper", "ours", "control"), line["id"]
        assert line["about"] in ("own", "others"), line["id"]
        assert line["kind"] in KINDS, line["id"]
        assert line["verdict"] in VERDICTS, line["id"]
        assert line["claim"], line["id"]
        assert line["evidence"], line["id"]
        assert bool(line["quote"]) == (line["by"] == "paper"), line["id"]


def test_every_check_is_used_and_has_a_control_that_holds():
    assert {line["check"] for line in LINES if line["check"]} == set(CHECKS)
    controls = [line for line in LINES if line["by"] == "control"]
    assert {line["check"] for line in controls} == set(CHECKS)
    assert {line["verdict"] for line in controls} == {"holds"}


def test_every_claim_of_the_paper_is_quoted_from_its_text_or_a_printed_row():
    quotes = {(line["where"], line["quote"]) for line in paper.table("quotes")}
    for line in OF_PAPER:
        if not line["where"].startswith("table "):
            assert (line["where"], line["quote"]) in quotes, line["id"]
        else:
            assert line["quote"] in printed_rows(line["where"]), line["id"]
        if line["unit"] not in NOT_PRINTED:
            assert line["claimed"] in line["quote"], line["id"]
    used = {(line["where"], line["quote"]) for line in OF_PAPER}
    assert quotes <= used
    assert {line["seen"] for line in paper.table("quotes")} <= {"words", "notes", "number"}


def printed_rows(where):
    """Each row of a table as its name and its printed numbers."""
    names = {
        "table 3": lambda line: f"{line['backbone']} {line['method']}",
        "table 4": lambda line: line["row"],
        "table 5": lambda line: f"{line['trunk']}, {line['anchors'] or 'no'} anchors",
    }
    name = names.get(where, lambda line: line["model"])
    return {" ".join([name(line), *numbers(line)]) for line in paper.table(where.replace(" ", ""))}


def numbers(line):
    """The printed numbers of a row."""
    return [
        text
        for column, text in line.items()
        if column in (*CELLS, "improvement_pct") and text not in ("", "-")
    ]


@pytest.mark.parametrize("where", ["table 1", "table 2", "table 3", "table 4", "table 5"])
def test_every_printed_number_of_the_tables_is_a_claim(where):
    claimed = [(line["quote"], line["claimed"]) for line in OF_PAPER if line["where"] == where]
    wanted = [(row, number) for row in printed_rows(where) for number in row_numbers(row, where)]
    assert sorted(claimed) == sorted(wanted)


def row_numbers(row, where):
    """The numbers at the end of a row's quote; a name may end in a number too."""
    (line,) = [
        line
        for line in paper.table(where.replace(" ", ""))
        if row.endswith(" ".join(numbers(line))) and row in printed_rows(where)
        and row.startswith(line.get("model") or line.get("backbone") or line.get("row")
                           or f"{line['trunk']}, {line['anchors'] or 'no'} ")
    ]  # fmt: skip
    return numbers(line)


@pytest.mark.parametrize(
    "line", [line for line in LINES if line["check"] in QUICK], ids=lambda line: line["id"]
)
def test_verdicts_by_arithmetic_are_the_stored_ones(line):
    assert judge_claim(line).as_stored


@pytest.mark.slow
def test_all_verdicts_are_the_stored_ones():
    told = []
    judged = judge_claims(lambda done, total, name: told.append((done, total)))
    assert [claim.line["id"] for claim in judged if not claim.as_stored] == []
    assert told == [(done, len(judged)) for done in range(len(judged))]


def test_table_1_and_the_claims_agree_on_every_row_that_is_one_system():
    """The same numbers do not hold by both; here without counting, from the stored counts."""
    for line in paper.table("table1"):
        meant = [s for s in paper.table("systems") if s["table1_row"] == line["model"]]
        counts = {s["measured_row"] for s in meant}
        if len(counts) != 1 or (counts == {""} and meant[0]["kind"] != "elsewhere"):
            continue
        row = table1._elsewhere(line, meant[0])
        of_row = [c for c in OF_PAPER if c["quote"].startswith(f"{line['model']} ")
                  and c["where"] == "table 1"]  # fmt: skip
        verdicts = {CELLS[column_of(c)]: c["verdict"] for c in of_row}
        failing = [name for name in CELLS.values() if verdicts.get(name) == "does not hold"]
        assert row.beyond == ", ".join(failing)
        expected = "does not hold" if failing else "holds"
        if set(verdicts.values()) == {"cannot be tested here"}:
            expected = "cannot be tested here"
        assert row.verdict == expected


def column_of(line):
    endings = {
        "params": "params_M", "gmacs": "flops_G", "top1": "top1", "top5": "top5", "map": "mAP",
        "ap50": "AP50", "ap75": "AP75", "miou": "mIoU", "macc": "mAcc",
    }  # fmt: skip
    return endings[line["id"].rpartition("-")[2]]


@pytest.mark.slow
@pytest.mark.parametrize("table", ["table2", "table3"])
def test_dense_tables_and_their_claims_agree(table, tmp_path):
    for row in dense_tables.reproduce(table, tmp_path / "counts.jsonl", []):
        of_row = [
            c for c in OF_PAPER
            if c["where"] == table.replace("table", "table ") and c["about"] == "others"
            and c["quote"].startswith(f"{row.row.replace(',', '')} ")
        ]  # fmt: skip
        if not of_row or row.verdict == "fitted":
            continue
        failing = {CELLS[column_of(c)] for c in of_row if c["verdict"] == "does not hold"}
        assert set(filter(None, row.beyond.split(", "))) == failing, row.row


def test_a_system_agrees_if_one_that_the_row_may_mean_does():
    assert source_checks.as_published(printed("81.2"), "DeiT-S", "top1").holds
    assert source_checks.as_published(printed("79.9"), "DeiT-S", "top1").holds
    assert not source_checks.as_published(printed("80.5"), "DeiT-S", "top1").holds


def test_a_source_from_memory_is_no_source():
    with pytest.raises(UserError, match="expected a source or a count of SlideFormer-T, top1"):
        source_checks.as_published(printed("77.51"), "SlideFormer-T", "top1")


def test_a_cut_beyond_the_query_projections_is_impossible():
    size = "t"
    bound = saving_checks.parameter_cut_possible(exact(0), size, "dense-shared-qk").computed
    claimed = printed(f"{saving_checks.printed_fall(size, 'params_M').value:.1f}")
    assert bound.value < claimed.value
    assert not saving_checks.parameter_cut_possible(claimed, size, "table1").holds


def test_a_changed_table_changes_the_verdict(monkeypatch):
    line = paper.one(LINES, id="abstract-accuracy")
    assert judge_claim(line).verdict == "holds"
    monkeypatch.setattr(table_checks, "cell", lambda table, row, column: exact(74.38))
    judged = judge_claim(line)
    assert (judged.computed.value, judged.verdict) == (0, "does not hold")
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
    line = paper.one(LINES, id="abstract-accuracy")
    with pytest.raises(UserError, match=message):
        judge_claim({**line, **change})
