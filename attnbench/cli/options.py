"""Options that several commands share, and parsers of their text."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from attnbench.benchmark.recorder import CEILINGS, CHECKUPS, RUNS
from attnbench.bounds import QUANTITIES, number_in, shortened
from attnbench.errors import UserError
from attnbench.spec import Grid, grid_of, grid_of_image
from attnbench.spec.device import known_device
from attnbench.spec.validation import flag_of, one_of

__all__ = ["CEILINGS", "CHECKUPS", "RUNS"]

OptionValue = bool | int | float | str


def _load_plugins(sources: list[str] | None) -> list[str] | None:
    from attnbench.registry import changes_by_plugins, load_plugin

    for source in sources or ():
        load_plugin(source)
    for text in changes_by_plugins():
        print(f"attnbench: {text}", file=sys.stderr)
    return sources


Plugin = Annotated[
    list[str] | None,
    typer.Option(
        help="Python file or module that registers attentions or models; repeatable.",
        callback=_load_plugins,
        is_eager=True,
        metavar="FILE_OR_MODULE",
    ),
]
Out = Annotated[Path, typer.Option(help="File to append the records to.")]


def names(text: str) -> list[str]:
    """Split "a,b" into names; empty names are dropped."""
    return [name.strip() for name in text.split(",") if name.strip()]


def number(quantity: str, help: str, **more: Any) -> Any:
    """An option that takes one number within the bounds of its quantity (`attnbench.bounds`)."""
    kind = "int" if QUANTITIES[quantity].whole else "float"
    return _option(partial(_one, quantity), help, **{"metavar": f"<{kind}>", **more})


def size_of_images(help: str, **more: Any) -> Any:
    """An option that takes a side, or height and width; the command receives a pair."""
    return _option(image_size, help, **{"metavar": "SIDE|HEIGHTxWIDTH", **more})


def checked(read: Callable[[str, str], object], help: str, *flags: str, **more: Any) -> Any:
    """An option that `read` refuses before anything is loaded; the command receives the text.

    Args:
        read: takes the text and the flag, and raises `UserError`.
        help: for the user.
        flags: names of the option, if there are several.
        more: further arguments of `typer.Option`.
    """

    def check(text: str, flag: str) -> str:
        read(text, flag)
        return text

    return _option(check, help, *flags, **more)


def number_list(quantity: str, help: str, **more: Any) -> Any:
    """An option that takes whole numbers separated by commas; the command receives the text."""
    return checked(partial(integers, quantity=quantity), help, **{"metavar": "<int>", **more})


def choice_list(choices: Sequence[str], help: str, **more: Any) -> Any:
    """An option that takes some of the choices; the command receives the text."""

    def read(text: str, flag: str) -> None:
        for name in names(text) or [""]:
            one_of(choices, **{flag.removeprefix("--"): name})

    return checked(read, help, **more)


def choice(choices: Sequence[str], help: str, *flags: str, **more: Any) -> Any:
    """An option that takes one of the choices; the command receives the text."""

    def read(text: str, flag: str) -> None:
        one_of(choices, **{flag.removeprefix("--"): text})

    return checked(read, help, *flags, **more)


def _option(read: Callable[[str, str], object], help: str, *flags: str, **more: Any) -> Any:
    def callback(option: typer.CallbackParam, given: Any) -> Any:
        flag = "/".join(flags) or flag_of(option.name or "")
        if isinstance(given, (list, tuple)):
            return [read(text, flag) for text in given]
        return None if given is None else read(given, flag)

    # The text comes as it was typed: typer's own conversion takes "１２" and "inf".
    return typer.Option(*flags, help=help, parser=str, callback=callback, **more)


def _one(quantity: str, text: str, flag: str) -> float:
    try:
        return QUANTITIES[quantity].read(text)
    except ValueError as error:
        raise UserError(f"{flag}: {error}") from None


def integers(text: str, flag: str, quantity: str) -> list[int]:
    """Split "10,30" into whole numbers within the bounds of their quantity."""
    return [int(one) for one in _numbers(text, flag, quantity)]


def numbers(text: str, flag: str) -> list[float]:
    """Split "4,0.5" into numbers; whole ones stay integers."""
    return _numbers(text, flag, "option")


def _numbers(text: str, flag: str, quantity: str) -> list[float]:
    parts = names(text)
    if not parts:
        raise UserError(
            f"{flag}: expected {QUANTITIES[quantity].text}, or several separated by commas; "
            f"got {shortened(text)}"
        )
    return [_one(quantity, part, flag) for part in parts]


def pairs(texts: Sequence[str] | None, flag: str) -> dict[str, str]:
    """Read repeated "NAME=value".

    Raises:
        UserError: a text has another form, or a name is given twice.
    """
    found: dict[str, str] = {}
    for text in texts or ():
        name, equals, value = (part.strip() for part in text.partition("="))
        if not (name.isidentifier() and equals and value):
            raise UserError(f"{flag} takes NAME=VALUE, such as rank=8; got {shortened(text)}")
        if name in found:
            raise UserError(f"{flag} {name} is given twice; give it once")
        found[name] = value
    return found


def check_option(text: str, flag: str) -> None:
    """Refuse one value of `--option` that is no NAME=VALUE, or whose number is out of range."""
    option_values([text], flag)


def check_sweep(text: str, flag: str) -> None:
    """Refuse one value of `--sweep` that is no NAME=VALUES, or whose numbers are out of range."""
    swept_values([text], flag)


def option_values(texts: Sequence[str] | None, flag: str = "--option") -> dict[str, OptionValue]:
    """Read repeated "NAME=value" of `--option`, by keyword."""
    found = pairs(texts, flag)
    return {name: option_value(text, f"{flag} {name}") for name, text in found.items()}


def swept_values(texts: Sequence[str] | None, flag: str = "--sweep") -> dict[str, list[float]]:
    """Read repeated "NAME=values" of `--sweep`, by option."""
    return {name: numbers(text, f"{flag} {name}") for name, text in pairs(texts, flag).items()}


def option_value(text: str, flag: str) -> OptionValue:
    """Read a value as a whole number, a number, true or false, or text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        float(text)
    except ValueError:
        return text
    return _one("option", text, flag)  # which refuses "inf", "1_000" and "１２"


def image_size(text: str, flag: str = "--resolution") -> tuple[int, int]:
    """Read "224" or "512x2048" (height x width) as (height, width)."""
    sides = [side.strip() for side in text.lower().split("x")]
    if len(sides) > 2 or any(number_in(side) is None for side in sides):
        raise UserError(
            f"{flag}: expected pixels such as 224 or 512x2048 (height x width), "
            f"got {shortened(text)}"
        )
    height, width = (int(_one("resolution", side, flag)) for side in (sides[0], sides[-1]))
    return height, width


def image_sizes(text: str, flag: str = "--resolution") -> list[tuple[int, int]]:
    """Split "224,512x2048" into (height, width) pairs."""
    sizes = [image_size(part, flag) for part in names(text)]
    if not sizes:
        raise UserError(f"{flag}: expected pixels such as 224 or 512x2048, got {shortened(text)}")
    return sizes


def grids(n_tokens: str | None, resolutions: str | None, patch: int) -> list[Grid]:
    """The token grids of token counts or of image sizes; exactly one must be given."""
    if n_tokens is not None and resolutions is not None:
        raise UserError("--n-tokens and --resolution exclude each other; give one of them")
    if resolutions is not None:
        return [grid_of_image(size, patch) for size in image_sizes(resolutions)]
    return [grid_of(count) for count in integers(n_tokens or "", "--n-tokens", "n_tokens")]


Device = Annotated[
    str,
    checked(
        lambda text, flag: known_device(text),
        "auto (GPU if there is one), cpu, cuda, or one of several GPUs such as cuda:1.",
    ),
]

Devices = Annotated[
    str,
    checked(
        lambda text, flag: device_names(text),
        "auto (GPU if there is one), cpu, cuda, one of several GPUs such as cuda:1; or several for "
        "a queue, such as cuda:0,cuda:1, each with one run at a time.",
    ),
]


def device_names(text: str) -> list[str]:
    """Split "cuda:0,cuda:1" into devices.

    Raises:
        UserError: one is unknown, or there are several and one is no GPU of this machine.
    """
    found = [known_device(name) for name in dict.fromkeys(names(text))] or [known_device(text)]
    if len(found) > 1 and not all(name.startswith("cuda:") for name in found):
        raise UserError(
            f"--device: expected one device, or GPUs such as cuda:0,cuda:1; got {shortened(text)}"
        )
    return found
