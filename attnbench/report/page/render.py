"""Render the page: templates, style, scripts, and the chart library, all in one file."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import jinja2

from attnbench.report.page.data.columns import as_json
from attnbench.visible import visible

SCRIPTS = (
    "state.js", "format.js", "elements.js", "data.js", "charts.js", "keyboard.js", "labels.js",
    "frontier.js", "scaling.js", "roofline.js", "training.js", "pixels.js", "tokens.js",
    "explain.js", "cells.js", "main.js",
)  # fmt: skip
"""Our own scripts; each may use those before it."""


def libraries() -> list[dict[str, str]]:
    """The shipped libraries in the order of loading: name, version, file, licence file, source."""
    found: list[dict[str, str]] = json.loads(_text("libraries", "libraries.json"))
    return found


def render(data: dict[str, Any], **context: Any) -> str:
    """The page as HTML. `data` is for the scripts, the rest for the templates."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("attnbench.report.page"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("page.html").render(libraries=libraries(), **context)
    head, tail = page.split(_PLACE)
    return "".join((head, *_scripts(data), tail))


_PLACE = "<!-- scripts -->"
"""Where the scripts go; they are put there last, as templates are slow with a megabyte."""


def _scripts(data: dict[str, Any]) -> list[str]:
    shipped = [_text("libraries", library["file"]) for library in libraries()]
    own = "\n".join(_text("scripts", name) for name in SCRIPTS)
    return [
        f'<script type="application/json" id="data">{as_json(data)}</script>\n',
        *(f"<script>{text}</script>\n" for text in shipped),
        f'<script>\n"use strict";\n(() => {{\n{own}\n}})();\n</script>\n',
    ]


def _text(folder: str, name: str) -> str:
    file = resources.files("attnbench.report.page").joinpath(folder, name)
    text = file.read_text(encoding="utf-8")
    # A browser whose tools are open would ask for the map.
    return "\n".join(line for line in text.split("\n") if not line.startswith("//# sourceMapping"))


def _visible(value: Any) -> Any:
    """Text from elsewhere, before it is escaped; what macros return has been through this."""
    return visible(value) if type(value) is str else value
