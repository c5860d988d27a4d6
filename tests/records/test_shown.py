"""Records in notebooks: hostile text is text, and what is measured is there with its unit."""

from dataclasses import replace

from rich.console import Console
from rich.pretty import Pretty

HOSTILE = '<script>alert(1)</script>\x1b[31m\u202e & "x" \''


def test_a_record_has_its_facts_in_html(layer, model):
    text = layer("anchor", seconds=1.5e-3)._repr_html_()
    assert " ms [" in text
    assert "anchor" in text
    assert "top-1" in text or "top1" in model("vit-t", top1=0.5)._repr_html_()


def test_hostile_text_is_escaped(layer):
    record = replace(layer("dense"), status="failed", reason=HOSTILE, notes=(HOSTILE,))
    text = record._repr_html_()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "x" * 300 not in replace(record, reason="x" * 9000)._repr_html_()


def test_a_record_has_its_facts_in_rich(layer):
    console = Console(width=200, record=True, force_terminal=False)
    with console.capture() as shown:
        console.print(Pretty(layer("anchor", seconds=1.5e-3)))
    assert "latency='" in shown.get()
