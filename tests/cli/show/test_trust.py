"""A note on trust names its grade and exactly the rows that have it."""

from attnbench.cli.show.trust_notes import trust_notes
from attnbench.records.doubts.doubt import Doubt
from attnbench.records.trust import Trust


def row(name, *doubts):
    found = [Doubt(name=n, grade=g, text=t, advice=f"mend {n}") for n, g, t in doubts]
    return name, Trust(grade=max((d.grade for d in found), default="A"), doubts=tuple(found))


WIDE = ("wide", "C", "width 31 %")


def test_every_row_stands_under_its_own_grade():
    rows = [
        row("dense", ("few", "B", "28 samples")),
        row("window", WIDE, ("few", "B", "9 samples")),
        row("sparse", ("wide", "C", "width 22 %")),
        row("anchor"),
    ]
    assert trust_notes(rows) == [
        "trust C: window: width 31 %; sparse: width 22 %; mend wide",
        "trust B: dense: 28 samples; mend few",
        "less grave, on rows of trust C: window: 9 samples; mend few",
    ]


def test_rows_with_one_finding_share_a_line():
    rows = [row(name, WIDE) for name in ("a", "b", "c", "d", "e")]
    assert trust_notes(rows) == ["trust C: a, b, c, d, e: width 31 %; mend wide"]


def test_no_doubts_and_no_rows():
    assert trust_notes([row("a"), row("b")]) == ["trust: A, no doubts about these numbers"]
    assert trust_notes([]) == []
