"""The page in a real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace

import pytest
from explanations import explanation

from attnbench.records import store
from attnbench.report.page.data.printed import Printed
from attnbench.report.page.page import Asked, write_contents

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
HOSTILE = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>'


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: install Debian's package chromium")
    with playwright.sync_playwright() as driver:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def hostile():
    return HOSTILE


@pytest.fixture(scope="session")
def blank(browser):
    """An empty page, to call functions in."""
    return browser.new_page()


def layers_of(layer, gpu):
    """Six sizes of five implementations on two machines, one of them badly measured."""
    noise = random.Random(0)
    made = [
        ("dense", "reference", 3e-9, 2), ("dense", "sdpa", 1e-9, 2), ("window", "sdpa", 2e-6, 1),
        ("anchor", "reference", 1e-6, 1), ("anchor", "folded", 5e-7, 1),
    ]  # fmt: skip
    for attention, impl, factor, power in made:
        for side in (14, 20, 28, 40, 56, 64):
            seconds = factor * side ** (2 * power) * noise.uniform(0.95, 1.05)
            options = {"num_anchors": 30} if attention == "anchor" else {}
            one = layer(attention, side, seconds, rounds=str(side), impl=impl, options=options)
            yield replace(one, least_bytes=10**5, operators=9)
            if attention != "anchor":
                yield layer(attention, side, seconds / 9, impl=impl, env=gpu)
    yield layer(HOSTILE, 14, impl=HOSTILE, status="failed", reason=HOSTILE, notes=(HOSTILE,))


def models_of(model, epoch):
    noise = random.Random(1)
    for place, name in enumerate(("deit-t", "pyramid-t", HOSTILE)):
        for seed in (0, 1, 2):
            top1 = 0.6 + 0.1 * (place != 2) * place + noise.uniform(0, 0.01)
            yield model(name, top1, macs=(1 + place) * 10**9, seed=seed)
            yield from (epoch(at, top1 * at / 3, run=f"{name}-{seed}") for at in (1, 2, 3))


PRINTED = [
    Printed(task="classification", about="ImageNet", name=name, ours=ours, score=score,
            params=5e6, operations=operations)
    for name, ours, score, operations in (("DeiT-T", False, 0.72, 1.3e9), ("A-T", True, 0.8, 7e8))
]  # fmt: skip


@pytest.fixture(scope="session")
def page_file(tmp_path_factory, layer, model, epoch, gpu, ceilings):
    """A report of a mixed store with hostile names."""
    records = [*layers_of(layer, gpu), *models_of(model, epoch)]
    contents = store.Contents(
        records=records, ceilings=ceilings(macs_per_s=2e11, bytes_per_s={2**20: 1e9})
    )
    folder = tmp_path_factory.mktemp("browser")
    asked = Asked(printed=PRINTED, explained=explanation(HOSTILE))
    return write_contents(contents, [folder / HOSTILE], folder, asked).files[0]


class Visit:
    """A page that was opened, with what it said and asked for."""

    def __init__(self, browser, file, link="", **context):
        self.context = browser.new_context(accept_downloads=True, **context)
        self.context.set_default_timeout(60_000)
        self.page = self.context.new_page()
        self.said, self.asked = [], []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.said.append("dialog"), dialog.dismiss()))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.address = file.as_uri()
        self.page.goto(self.address + link)
        self.draw_all()

    def draw_all(self):
        """Draw the sections that are not in sight, too."""
        self.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")

    def texts(self, selector):
        return self.page.locator(selector).all_text_contents()

    def column(self, number):
        return self.texts(f"#cells-table tbody td:nth-child({number})")

    def close(self):
        """Close it; a page is silent, and asks for nothing but itself."""
        self.context.close()
        assert self.said == []
        assert {url.partition("#")[0] for url in self.asked} <= {self.address, *self.own()}

    def own(self):
        return {url for url in self.asked if url.startswith("blob:")}


@pytest.fixture(scope="module")
def opened(browser, page_file):
    """The page, for tests that leave it as they found it."""
    one = Visit(browser, page_file)
    yield one
    one.close()


@pytest.fixture
def visit(browser, page_file):
    """Opens the page, and judges at the end what it said and asked for."""
    opened = []

    def open_page(link="", file=page_file, **context):
        opened.append(Visit(browser, file, link, **context))
        return opened[-1]

    yield open_page
    for one in opened:
        one.close()
