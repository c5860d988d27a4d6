"""Names that nobody should trust a terminal, a page or a sheet with, and outputs that are odd."""

import io
import sys

import pytest

from attnbench.cli import main
from attnbench.cli.show import progress
from attnbench.records import store

EVIL = (
    "\x1b]0;title\x07\x1b[31mred\x1b[2J", "\x9b31m", "a\u202egnp.exe", "zero\u200bwidth\ufeff",
    "tab\there", "new\nline: 0 slower", "$\\frac{$", "_hidden", "a<b>&\"'<script>alert(1)</script>",
    "=1+1", "@SUM(A1)", "a|b", "[link](javascript:1)", "**bold** ~~gone~~ `code", "x" * 200,
    "注意力机制", "\ufffe", "{{ 7 * 7 }}", "[red]markup[/red]",
)  # fmt: skip


@pytest.fixture(scope="session")
def names():
    return EVIL


@pytest.fixture(scope="session")
def evil(tmp_path_factory, layer, model):
    """A results file with those names in layers and models, as reasons and notes too."""
    path = tmp_path_factory.mktemp("evil") / "evil.jsonl"
    for index, name in enumerate(EVIL):
        for side in (4, 8, 16):
            seconds = 1e-6 * (side**2 + index)
            store.append(path, layer(name, side, seconds, at=index, notes=(f"note of {name}",)))
        store.append(path, layer(name, 32, status="failed", reason=f"because of {name}"))
        store.append(path, model("vit", 0.5 + index / 50, macs=(index + 1) * 10**8, attention=name))
    return path


class Output(io.TextIOWrapper):
    """A terminal or a file with an encoding of its own; keeps what arrives there."""

    def __init__(self, encoding, terminal=False):
        super().__init__(io.BytesIO(), encoding, write_through=True)
        self.terminal = terminal

    def isatty(self):
        return self.terminal

    @property
    def text(self):
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)


@pytest.fixture
def attnbench(tmp_path, monkeypatch):
    """Runs a command line on odd outputs; returns exit code, standard output and error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(progress, "EVERY_S", float("inf"))

    def run(*arguments, encoding="utf-8", width=80, terminal=False):
        monkeypatch.setenv("COLUMNS", str(width))
        out, err = Output(encoding, terminal), Output(encoding, terminal)
        with monkeypatch.context() as patched:
            patched.setattr(sys, "argv", ["attnbench", *map(str, arguments)])
            patched.setattr(sys, "stdout", out)
            patched.setattr(sys, "stderr", err)
            with pytest.raises(SystemExit) as stop:
                main()
        return stop.value.code or 0, out.text, err.text

    return run


@pytest.fixture
def commands(evil, tmp_path):
    """Command lines that show those names: each as a list of arguments."""
    plugin = tmp_path / "plugin.py"
    rows = ", ".join(f"({name!r}, {f'summary of {name}'!r})" for name in EVIL)
    plugin.write_text(
        "from attnbench.registry import ATTENTIONS, Entry\n"
        f"for name, text in [{rows}]:\n"
        "    ATTENTIONS.register(Entry(kind='attention', name=name, target='no:thing',\n"
        "                              family=name, summary=text, paper=name, cost=name))\n",
        encoding="utf-8",
    )
    return {
        "list": ["list", "--plugin", plugin],
        "compare": ["compare", evil, evil],
        "compare markdown": ["compare", evil, evil, "--markdown"],
        "compare json": ["compare", evil, evil, "--json"],
        "predict": ["predict", "--n-tokens", 1024, evil],
        "predict json": ["predict", "--n-tokens", 1024, evil, "--json"],
        "unknown attention": ["profile", "--attention", EVIL[0]],
        "unknown option": ["profile", f"--{EVIL[0]}"],
        "no such file": ["compare", tmp_path / EVIL[0].replace("/", ""), evil],
    }


@pytest.fixture(autouse=True)
def own_attentions(monkeypatch):
    """Names that a plug-in of these tests registers are gone afterwards."""
    from attnbench.registry import ATTENTIONS

    ATTENTIONS.list()
    monkeypatch.setattr(ATTENTIONS, "_entries", dict(ATTENTIONS._entries))
