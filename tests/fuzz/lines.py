"""Random command lines, built from the flags that the program really has."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

import typer
from fuzz.values import HOSTILE, NUMBERS, PLACES, SENSIBLE, TEXTS

from attnbench.cli import app

WILD_SHARE = 0.2
"""Of the lines in which any value may be hostile. Of the others most have one, which then is met
by code that works; some have none."""
WILD_VALUES = 0.3
"""Of the values of a wild line."""
FITTING_SHARE = 0.75
"""Of the hostile values that are at least of the right kind: a number for a number."""
STRANGE_SHARE = 0.03
"""Of the lines that get a word where none belongs."""
MOST_OPTIONS = 5


@cache
def commands() -> dict[str, list[Any]]:
    """The parameters of each command, as typer has built them."""
    return {name: found.params for name, found in typer.main.get_command(app).commands.items()}


def is_flag(parameter: Any) -> bool:
    """Whether it is an option without a value."""
    return bool(getattr(parameter, "is_flag", False))


def line(seed: int) -> list[str]:
    """The words of a command line; equal for equal seeds. Commands take turns."""
    rng = random.Random(f"line {seed}")
    names = sorted(commands())
    name = names[seed % len(names)]
    wild = rng.random() < WILD_SHARE
    chosen = _chosen(rng, commands()[name], wild)
    valued = [index for index, one in enumerate(chosen) if not is_flag(one)]
    hostile = {rng.choice(valued)} if valued and rng.random() < 0.85 else set()
    if wild:
        hostile = {index for index in valued if rng.random() < WILD_VALUES}
    words = [name]
    for index, parameter in enumerate(chosen):
        words += _given(rng, name, parameter, index in hostile)
    if rng.random() < STRANGE_SHARE:
        words.insert(rng.randint(0, len(words)), rng.choice(["--no-such", "extra", "--", "-h", ""]))
    # The system takes no NUL in an argument.
    return [word.replace("\0", "") for word in words]


def _chosen(rng: random.Random, parameters: list[Any], wild: bool) -> list[Any]:
    """The arguments, and a few options, in any order; in wild lines some are twice or missing."""
    arguments = [one for one in parameters if one.param_type_name == "argument"]
    options = [one for one in parameters if one.param_type_name == "option"]
    few = rng.sample(options, min(len(options), rng.randint(0, MOST_OPTIONS)))
    few += [one for one in options if one.required and one not in few and not wild]
    if wild and few:
        few.append(rng.choice(few))
    chosen = few + [one for one in arguments if one.required or rng.random() < 0.5]
    if wild and rng.random() < 0.2:
        chosen = few
    rng.shuffle(chosen)
    # Arguments keep their order among themselves.
    order = iter([one for one in arguments if one in chosen])
    return [next(order) if one in arguments else one for one in chosen]


def _given(rng: random.Random, command: str, parameter: Any, hostile: bool) -> list[str]:
    if is_flag(parameter):
        return [rng.choice(parameter.opts)]
    sensible = SENSIBLE.get(f"{command}_{parameter.name}") or SENSIBLE[parameter.name]
    if parameter.param_type_name == "argument":
        count = rng.randint(1, 3) if parameter.nargs == -1 else 1
        given = [rng.choice(sensible) for _ in range(count)]
        return [*given[1:], _hostile(rng, sensible)] if hostile else given
    flag = rng.choice(parameter.opts)
    value = _hostile(rng, sensible) if hostile else rng.choice(sensible)
    return [f"{flag}={value}"] if rng.random() < 0.2 else [flag, value]


def _hostile(rng: random.Random, sensible: list[str]) -> str:
    """A value that nobody should give; mostly one of the kind of the sensible ones."""
    if rng.random() > FITTING_SHARE:
        return rng.choice(HOSTILE)
    if "/" in sensible[0]:
        return rng.choice(PLACES)
    if not sensible[0][0].isdigit():
        return rng.choice(TEXTS)
    number = rng.choice(NUMBERS)
    return f"{rng.choice(sensible)},{number}" if rng.random() < 0.2 else number
