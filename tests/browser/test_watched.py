"""A watched page loads itself anew, where its reader was; the finished one is a single file."""

import pytest

from attnbench.report.page import watched


@pytest.fixture
def page(tmp_path, page_file):
    """A watched copy of the page, and the text that it is finished with."""
    text = page_file.read_text(encoding="utf-8")
    watched.write(tmp_path / "index.html", text)
    return tmp_path / "index.html", text


def test_a_page_that_is_written_anew_loads_itself_and_keeps_its_place(browser, page):
    file, text = page
    context = browser.new_context(viewport={"width": 1280, "height": 700})
    here, said = context.new_page(), []
    here.on("pageerror", lambda error: said.append(str(error)))
    here.on("console", lambda message: said.append(message.text))
    here.goto(f"{file.as_uri()}#dtype=float32")
    here.evaluate("window.dispatchEvent(new Event('beforeprint'))")  # draws all
    here.evaluate("document.getElementById('limits').scrollIntoView(); window.scrollBy(0, 40)")
    top = "document.getElementById('limits').getBoundingClientRect().top"
    before = here.evaluate(top)
    watched.write(file, text.replace("<h1>attnbench report</h1>", "<h1>written anew</h1>"))
    here.wait_for_selector("h1:has-text('written anew')", state="attached", timeout=20_000)
    here.wait_for_selector("#limits-chart svg")
    assert here.evaluate(top) == pytest.approx(before, abs=60)
    assert here.url.endswith("#dtype=float32")
    assert said == []
    context.close()


def test_a_page_without_news_stays_and_the_finished_one_looks_for_none(visit, page):
    file, text = page
    assert "watch.js" in file.read_text(encoding="utf-8")
    watched.finish(file)
    assert file.read_text(encoding="utf-8") == text
    assert [one.name for one in file.parent.iterdir()] == [file.name]
    watched.finish(file)  # again changes nothing
    visit(file=file).page.wait_for_timeout(100)
