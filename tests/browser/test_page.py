from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from attnbench import units
from attnbench.records import store
from attnbench.report.page.page import Asked, write_contents

PHONE = {"viewport": {"width": 390, "height": 800}}
AXE = Path(__file__).parent / "axe.min.js"


def test_every_section_draws_its_chart_from_the_file_alone(opened):
    for chart in ("frontier", "printed", "scaling", "limits", "training"):
        assert opened.page.locator(f"#{chart}-chart svg").count() == 1
        assert opened.page.locator(f"#{chart}-chart .points_marks path").count() > 1
    assert opened.page.locator(".finding").count() == 3


def test_hostile_names_are_text(opened, hostile):
    assert opened.page.locator("img").count() == 0
    opened.page.fill("#cells-text", "onerror")
    assert opened.column(1)[0].startswith(hostile)
    assert hostile in opened.page.locator("#frontier-standings").inner_text()
    opened.page.fill("#cells-text", "")


def test_the_table_is_sorted_by_any_column_both_ways(opened):
    first = opened.column(1)
    for order in ("ascending", "descending"):
        opened.page.locator("#cells-table th button", has_text="latency").click()
        assert opened.page.locator(f"th[aria-sort={order}]").count() == 1
        rows = opened.column(6)
        shown = [text for text in rows if text != "–"]
        sizes = [seconds_of(text) for text in shown]
        assert sizes == sorted(sizes, reverse=order == "descending")
        assert rows[: len(shown)] == shown  # what has no number is last
    opened.page.locator("th[aria-sort=descending] button").click()
    assert opened.column(1) == first


def seconds_of(text):
    number, unit = text.split(" [")[0].split()
    return float(number.replace(",", "")) * {"s": 1, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9}[unit]


def test_filters_and_download_agree(visit):
    here = visit()
    here.page.get_by_label("mechanism").select_option("window")
    here.page.fill("#cells-text", "gpu")
    names = here.column(1)
    assert set(names) == {"window (sdpa)"}
    assert "of" in here.page.locator("#cells-count").inner_text()
    with here.page.expect_download() as download:
        here.page.click("#cells-save")
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text("utf-8"))))
    assert [row["label"] for row in rows] == names
    assert all(float(row["latency_s"]) > 0 for row in rows)


def test_a_row_gives_the_command_that_measures_it_again(visit):
    here = visit()
    here.page.fill("#cells-text", "folded")
    here.page.locator("#cells-table .copy").first.click()
    command = here.page.locator("#cells-command code").inner_text()
    assert command.startswith("attnbench sweep --attention dense,anchor --n-tokens 196")


def test_few_curves_at_first_and_the_others_by_toggles(visit):
    here = visit()
    checked = here.page.locator("#scaling-toggles input:checked")
    assert checked.count() == 4  # one for each mechanism, though one of them failed
    curves = here.page.locator("#scaling-chart .points_marks path")
    before = curves.count()
    here.page.locator("#scaling-toggles summary").first.click()
    here.page.locator("#scaling-toggles input:not(:checked)").locator("visible=true").first.click()
    assert curves.count() == before + 6
    assert checked.count() == 5


def test_of_many_mechanisms_a_few_are_drawn_at_first(visit, layer, tmp_path):
    names = ["dense", "window", "anchor", *(f"other-{number}" for number in range(7))]
    records = [layer(name, side, 1e-6 * side**2) for name in names for side in (14, 28)]
    contents = store.Contents(records=records)
    here = visit(file=write_contents(contents, [tmp_path], tmp_path, Asked()).files[0])
    shown = here.page.locator("#scaling-toggles .toggle:has(input:checked)")
    assert shown.count() == 8
    assert shown.all_text_contents()[:3] == [f"{name} (reference)" for name in names[:3]]
    others = here.page.locator("#scaling-toggles .others")
    assert others.locator("summary").text_content() == "2 more mechanisms"
    others.locator("summary").click()
    others.locator("input").first.click()
    assert shown.count() == 9
    assert others.get_attribute("open") is not None


def test_the_axis_switches_and_a_link_shows_what_its_sender_saw(visit):
    here = visit()
    axis = "#frontier-chart .role-axis-title text"
    before = here.texts(axis)
    here.page.locator("#frontier-controls button", has_text="latency").click()
    here.page.locator("#scaling-controls button", has_text="speed-up").click()
    here.page.locator("#scaling-toggles input").first.click()
    here.page.fill("#cells-text", "window")
    assert here.texts(axis) != before
    there = visit("#" + here.page.url.partition("#")[2])
    for selector in (axis, "#scaling-chart .role-axis-title text", "#cells-count"):
        assert there.texts(selector) == here.texts(selector)
    shown = "[...document.querySelectorAll('#scaling-toggles input')].map((one) => one.checked)"
    assert there.page.evaluate(shown) == here.page.evaluate(shown)
    assert "latency" in " ".join(there.texts(axis))


def test_a_point_tells_its_facts_by_mouse_and_by_keyboard(visit):
    here = visit()
    point = here.page.locator("#scaling-chart .points_marks path").first
    point.scroll_into_view_if_needed()
    point.hover(force=True)
    assert "latency" in here.page.locator("#tip").inner_text()
    here.page.locator("#scaling-chart .points_marks path[tabindex='0']").focus()
    first = here.page.locator("#tip").inner_text()
    here.page.keyboard.press("ArrowRight")
    assert here.page.locator("#tip").inner_text() != first
    here.page.keyboard.press("Escape")
    assert here.page.locator("#tip").is_hidden()


def test_nothing_is_wider_than_a_phone_and_nothing_bars_anybody(visit):
    here = visit(**PHONE)
    here.page.evaluate(AXE.read_text(encoding="utf-8"))
    for scheme in ("light", "dark"):
        here.page.emulate_media(color_scheme=scheme)
        here.draw_all()
        assert here.page.evaluate("document.documentElement.scrollWidth") == 390
        found = here.page.evaluate("axe.run().then((result) => result.violations)")
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in serious] == [], scheme


def test_all_columns_fit_on_paper_laid_across(visit):
    here = visit(viewport={"width": 1056, "height": 800})
    here.page.emulate_media(media="print")
    assert here.page.evaluate("document.documentElement.scrollWidth") <= 1056
    assert here.page.locator("#cells-table td:nth-child(2)").first.is_hidden()


def test_an_empty_store_has_a_page_without_charts(visit, tmp_path):
    asked = Asked()
    file = write_contents(store.Contents(), [tmp_path], tmp_path / "out", asked).files[0]
    here = visit(file=file)
    assert here.page.locator("svg").count() == 0
    assert here.page.locator(".missing").count() == 6


FORMS = ("seconds", "bytes", "giga_macs", "params", "percent", "number", "count", "joules",
         "mac_rate", "bandwidth", "ratio", "rate")  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_numbers_read_as_in_the_terminal(blank, form):
    values = [0, 1, 7.5, 999.4, 1023, 1e-9, 3.21e-5, 0.0199, 12345.6, 7.04e8, 9.96e9, 4.2e10, 1e14]
    script = Path(units.__file__).parent / "report/page/scripts/format.js"
    told = blank.evaluate(
        f"(values) => {{ {script.read_text('utf-8')}; return values.map(format.forms.{form}); }}",
        values,
    )
    assert told == [getattr(units, f"format_{form}")(value) for value in values]
