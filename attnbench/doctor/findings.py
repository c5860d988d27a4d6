"""How the doctor's findings are made."""

from __future__ import annotations

from attnbench.records import Finding


def passed_or_failed(name: str, passed: bool, text: str) -> Finding:
    """The finding of a test that could be made on this machine."""
    return Finding(name=name, outcome="passed" if passed else "failed", text=text)


def not_possible(name: str, text: str) -> Finding:
    """The finding of a test that says nothing on this machine, or at this time."""
    return Finding(name=name, outcome="not possible here", text=text)
