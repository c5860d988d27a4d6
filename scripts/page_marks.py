"""What stands between two marks of a page, such as `<!-- costs -->` and `<!-- end of costs -->`."""

from __future__ import annotations

from attnbench.errors import UserError


def filled(text: str, mark: str, lines: list[str]) -> str:
    """The text with these lines between two marks.

    Raises:
        UserError: the text lacks one of them.
    """
    first, last = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    before, found, rest = text.partition(first)
    _, also_found, after = rest.partition(last)
    if not (found and also_found):
        raise UserError(f"expected the marks {first} and {last} in the page; put them back")
    return "\n".join([before + first, "", *lines, "", last + after])
