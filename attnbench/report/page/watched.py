"""A page that is written again and again reloads itself in the browser, until it is finished.

A page from the disk may ask for nothing but a script. So the watched page loads a small one that
stands beside it, again and again, which names the newest version of the page. The finished page,
which people send, has no trace of that.
"""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

from attnbench.files.writing import replace_text

_POLICY = "script-src 'unsafe-inline' 'unsafe-eval'"
"""What the finished page may run."""
_BESIDE = f"{_POLICY} 'self' file:"
"""The same, and scripts beside the page."""
_END = "</body>"


def write(page: Path, text: str) -> None:
    """Write a page that looks beside it whether there is a newer one.

    Raises:
        OSError: one of the two files cannot be written.
    """
    version = hashlib.sha256(text.encode()).hexdigest()[:16]
    replace_text(page, _watching(text, version))
    replace_text(_beside(page), f'attnbenchNewest("{version}");\n')


def finish(page: Path) -> None:
    """Make the page whole again: one file that looks for no other.

    Raises:
        OSError: a file cannot be written or removed.
    """
    beside = _beside(page)
    if not beside.exists():
        return
    text = page.read_text(encoding="utf-8")
    head, start, tail = text.partition(_START)
    if start:
        rest = tail.partition(_STOP)[2]
        replace_text(page, head.replace(_BESIDE, _POLICY, 1) + rest)
    beside.unlink()


_START, _STOP = "<script data-watch>\n", "</script><!-- watch -->\n"


def _watching(text: str, version: str) -> str:
    script = resources.files("attnbench.report.page").joinpath("scripts", "watch.js").read_text()
    own = script.replace("VERSION", version)
    head, _, tail = text.rpartition(_END)
    return "".join((head.replace(_POLICY, _BESIDE, 1), _START, own, _STOP, _END, tail))


def _beside(page: Path) -> Path:
    return page.with_name("watch.js")
