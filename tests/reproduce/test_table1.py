"""Table 1 has every row and system, equals earlier counts, and counts nothing twice."""

import pytest

from attnbench.errors import UserError
from attnbench.records import store
from attnbench.reproduce import counting, paper, table1
from attnbench.reproduce.counting import at, count, counts
from attnbench.reproduce.row import judged, reported, verdict_on
from attnbench.reproduce.span import exact

pytestmark = pytest.mark.usefixtures("counted_by_torch")

SYSTEMS = {system["name"]: system for system in paper.table("systems") if system["name"]}
QUICK = ("timm-efficientnet-b1", "timm-levit-128", "timm-deit-t-distilled", "timm-pvt-v2-b0")


def assert_as_measured(name, side):
    line = paper.one(
        paper.table("measured"), system=SYSTEMS[name]["measured_row"], input_px=str(side)
    )
    record = counting.count(at(name, side))
    assert record.status == "ok", record.reason
    assert record.params / 1e6 == pytest.approx(float(line["params_M"]), rel=0.005)
    macs = record.macs.products_macs / 1e9
    assert macs == pytest.approx(float(line["flopcounter_GMACs"]), rel=0.005)


@pytest.mark.parametrize("name", QUICK)
def test_a_few_systems_equal_what_was_counted_before(name):
    assert_as_measured(name, int(SYSTEMS[name]["native_px"]))


@pytest.mark.slow
@pytest.mark.parametrize("name", [n for n, s in SYSTEMS.items() if s["kind"] == "upstream"])
def test_every_system_of_timm_equals_what_was_counted_before(name, request):
    """At its own size; at that of the table, where this is another, with `--thorough`."""
    native = int(SYSTEMS[name]["native_px"])
    for side in {native, 224} if request.config.getoption("--thorough") > 1 else {native}:
        assert_as_measured(name, side)


OF_TABLE_3 = ("dat-", "focal-", "rmt-")
"""Backbones of segmentation; table 1 has no row of them."""


def test_every_baseline_has_its_line_and_its_own_input_size():
    from baselines import SYSTEMS as BASELINES

    own = {system.name for system in BASELINES if not system.name.startswith(OF_TABLE_3)}
    assert own <= set(SYSTEMS)
    for name, system in SYSTEMS.items():
        if system["original_system"]:
            line = paper.one(
                paper.table("original_reports"), system=system["original_system"],
                variant=system["original_variant"],
            )  # fmt: skip
            assert line["resolution"] == system["native_px"], name


@pytest.fixture
def only(monkeypatch):
    """Leaves the systems of these names in the table."""

    def leave(*names):
        read = paper.table
        kept = [SYSTEMS[name] for name in names]
        monkeypatch.setattr(paper, "table", lambda name: kept if name == "systems" else read(name))

    return leave


def test_rows_of_the_paper_come_first_then_systems_without_one(only, tmp_path):
    only("timm-efficientnet-b1", "anchorformer-t", "pvt-t")
    rows = table1.reproduce(tmp_path / "counts.jsonl", [])
    printed = [line["model"] for line in paper.table("table1")]
    assert [row.row for row in rows] == [*printed, "PVT-Tiny"]
    assert {row.verdict for row in rows if not row.system} == {"cannot be tested here"}
    by_system = {row.system: row for row in rows if row.system}
    b1 = by_system["timm-efficientnet-b1"]
    assert (b1.native_px, b1.reported_macs, b1.published_top1) == (240, 0.7e9, 0.791)
    assert b1.macs > b1.macs_at_224
    assert b1.params_difference == pytest.approx(7.8e6 / b1.params - 1)
    assert b1.top1_difference == pytest.approx(-0.0078)
    assert (b1.verdict, b1.beyond) == ("does not hold", "top-1, top-5")
    assert by_system["anchorformer-t"].verdict == "fitted"
    assert by_system["pvt-t"].verdict == "not in the paper"


def test_a_second_run_counts_what_is_missing(only, tmp_path, monkeypatch):
    counted = []

    def spy(workload):
        counted.append((workload.model, workload.img_size[0]))
        return count(workload)

    monkeypatch.setattr(counting, "count", spy)
    path = tmp_path / "counts.jsonl"
    only("timm-levit-128")
    first = table1.reproduce(path, [])
    only("timm-levit-128", "timm-efficientnet-b1")
    table1.reproduce(path, [])
    assert counted == [
        ("timm-levit-128", 224), ("timm-efficientnet-b1", 224), ("timm-efficientnet-b1", 240),
    ]  # fmt: skip
    assert [r.kind for r in store.read(path).records] == ["model"] * 3
    only("timm-levit-128")
    assert table1.reproduce(path, []) == first


def test_a_model_that_cannot_be_counted_costs_no_other(tmp_path):
    broken, whole = counts([at("pvt-t", 48), at("timm-levit-128", 224)], tmp_path / "counts.jsonl")
    assert (broken.status, "multiples of 32 px" in broken.reason) == ("unsupported", True)
    assert whole.status == "ok"
    row = judged(reported({}, "PVT"), {}, broken)
    assert (row.verdict, row.note) == ("failed", broken.reason)


def test_a_name_that_leads_nowhere_is_refused(monkeypatch, tmp_path):
    read = paper.table
    for change, message in (
        ({"name": "timm-deit-x"}, "unknown model 'timm-deit-x'"),
        ({"table1_row": "DeiT-X"}, r"timm-deit-t is said to be row 'DeiT-X' of table1.csv"),
    ):
        spoilt = [{**SYSTEMS["timm-deit-t"], **change}]
        monkeypatch.setattr(
            paper, "table", lambda name, s=spoilt: s if name == "systems" else read(name)
        )
        with pytest.raises(UserError, match=message):
            table1.reproduce(tmp_path / "counts.jsonl", [])


@pytest.mark.parametrize(
    ("found", "verdict", "beyond"),
    [
        ({}, "cannot be tested here", []),
        ({"params_M": 5.649, "flops_G": 1.25}, "holds", []),
        ({"params_M": 5.651, "flops_G": 1.25}, "does not hold", ["params"]),
        ({"flops_G": 1.2, "top1": 72.2}, "does not hold", ["GMACs", "top-1"]),
    ],
)
def test_the_digits_of_each_number_decide(found, verdict, beyond):
    line = {"params_M": "5.6", "flops_G": "1.3", "top1": "74.38", "top5": "-"}
    spans = {column: exact(value) for column, value in found.items()}
    assert verdict_on(line, spans) == (verdict, beyond)
    assert verdict_on({}, spans) == ("not in the paper", [])


def test_a_system_that_is_not_built_here_is_judged_by_stored_counts():
    line = paper.one(paper.table("table1"), model="CSWin-T")
    system = paper.one(paper.table("systems"), table1_row="CSWin-T")
    row = table1._elsewhere(line, system)
    assert (row.system, row.params, row.verdict) == ("", 22321000, "does not hold")
    assert row.beyond == "params, top-1"
    assert "not built here" in row.note


def test_a_row_that_cannot_be_built_says_why(only, tmp_path):
    only()
    rows = {row.row: row for row in table1.reproduce(tmp_path / "counts.jsonl", [])}
    assert set(table1.REPORTED_ONLY) <= set(rows)
    for name, reason in table1.REPORTED_ONLY.items():
        assert reason in rows[name].note
