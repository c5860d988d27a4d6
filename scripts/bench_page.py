"""Measure how fast the page of a report opens in a browser.

A part of `make bench`. Prints Markdown; needs Chromium, Playwright (the extra `dev`), 300 MB of
disk and two minutes. Without one of the two it says so and measures nothing.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from bench_rows import Row, Section, met, section_lines
from large_files import MODELS_SHARE, write

from attnbench.report.page.page import write_report
from attnbench.units import format_bytes, format_seconds

SIZES = (2_000, 100_000)
"""Records of the stores."""
OPEN_S = 2.0
"""The aim: seconds until the first chart is seen."""
TURNS = 5
WINDOW = {"width": 1280, "height": 900}
FIRST_CHART = """
new MutationObserver((_, observer) => {
  if (!document.querySelector(".chart svg path")) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => { window.firstChart = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
"""
"""Notes the time after the frame that shows it; the clock starts at the navigation."""
OF_MAIN_THREAD = ("TaskDuration", "ScriptDuration")


def pages(browser: Any) -> Section:
    """The cost of opening the pages of a small and a large store."""
    rows = []
    for records in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            results = Path(folder) / "results.jsonl"
            write(results, records, "tied")
            page = write_report([results], Path(folder) / "report").files[0]
            turns = [_opened(browser, page) for _ in range(TURNS)]
            rows.append(_row(records, page.stat().st_size, turns))
    return Section(
        title="Opening the page",
        conditions=f"{browser.browser_type.name} {browser.version} without a window, "
        f"{WINDOW['width']} × {WINDOW['height']} px, from the disk; stores of layers, and of "
        f"models ({MODELS_SHARE:.1%} of the records); medians of {TURNS} starts. The aim is for "
        "the wall clock, which other programs disturb; the main thread's seconds are of its "
        "processor time.",
        rows=rows,
    )


def _row(records: int, size: int, turns: list[dict[str, float]]) -> Row:
    numbers = {name: median(turn[name] for turn in turns) for name in turns[0]}
    task, script = (format_seconds(numbers[name]) for name in OF_MAIN_THREAD)
    return Row(
        what=f"{records:,} records, a page of {format_bytes(size)}",
        measured=f"first chart after {format_seconds(numbers['first_s'])}; main thread busy for "
        f"{task}, {script} of it in scripts",
        aim=f"at most {format_seconds(OPEN_S)}",
        outcome=met(numbers["first_s"] <= OPEN_S),
        numbers=numbers,
    )


def _opened(browser: Any, page: Path) -> dict[str, float]:
    """Seconds until the first chart, and of the main thread until half a second later."""
    context = browser.new_context(viewport=WINDOW)
    here = context.new_page()
    devtools = context.new_cdp_session(here)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = _metrics(devtools)
    here.add_init_script(FIRST_CHART)
    here.goto(page.as_uri())
    here.wait_for_function("window.firstChart !== undefined")
    here.wait_for_timeout(500)
    after = _metrics(devtools)
    first_s = here.evaluate("window.firstChart") / 1e3
    context.close()
    return {"first_s": first_s} | {name: after[name] - before[name] for name in OF_MAIN_THREAD}


def _metrics(devtools: Any) -> dict[str, float]:
    found = devtools.send("Performance.getMetrics")["metrics"]
    return {one["name"]: one["value"] for one in found}


def main() -> None:
    """Measure, and print."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        sys.stdout.write("Opening the page: not measured, as Chromium or Playwright is missing.\n")
        return
    with sync_playwright() as driver:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = driver.chromium.launch(executable_path=chromium, args=flags)
        sys.stdout.write("\n".join(section_lines(pages(browser))) + "\n")
        browser.close()


if __name__ == "__main__":
    main()
