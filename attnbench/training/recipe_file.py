"""Recipes in files: TOML or YAML, with the names and units of `Recipe`.

    recipe = "deit"
    epochs = 100
    crop_scale = [0.2, 1.0]

`as_toml` writes a recipe so that reading it back gives the same one.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import field, fields, make_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from attnbench.bounds import number_in, shortened
from attnbench.errors import UserError
from attnbench.files.reading import read_text, shown
from attnbench.records.convert import as_type
from attnbench.spec import Recipe

PRESET = "recipe"
"""The entry that names a preset."""
OF_RUN = ("data", "img_size", "seed")
"""Fields of a recipe that a run gives: no file of settings has them."""
LONGEST = 2**13
"""Characters of a file: a recipe has some forty lines."""
MOST_LISTS = 20
"""In a file; a parser of YAML takes minutes for thousands of lists in one another."""


def read_recipe(path: Path) -> dict[str, Any]:
    """The entries of a file: fields of `Recipe`, and perhaps `recipe`, the name of a preset.

    Raises:
        UserError: the file cannot be read, or an entry is unknown or of a wrong type.
    """
    parse = _parser(path)
    text = read_text(path)
    try:
        if len(text) > LONGEST or text.count("[") + text.count("{") > MOST_LISTS:
            raise ValueError(f"{len(text):,} characters with lists in lists")
        values = parse(text)
    except Exception as error:  # parsers raise anything on foreign text
        raise UserError(
            f"{shown(path)}: expected a recipe in {path.suffix[1:].upper()}, got what cannot be "
            f"read as that ({' '.join(str(error).split())})"
        ) from error
    return _checked(path, values)


def as_toml(recipe: Recipe) -> list[str]:
    """The lines of a file that gives this recipe to another run; what is None is left out."""
    return [
        f"{one.name} = {_toml(getattr(recipe, one.name))}"
        for one in fields(Recipe)
        if one.name not in OF_RUN and getattr(recipe, one.name) is not None
    ]


def _toml(value: Any) -> str:
    # TOML writes numbers, texts, truth values and lists as JSON does.
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _parser(path: Path) -> Callable[[str], Any]:
    if path.suffix == ".toml":
        return _read_toml
    if path.suffix in (".yaml", ".yml"):
        return _read_yaml
    raise UserError(f"--config: expected a file called .toml, .yaml or .yml, got {shown(path)}")


def _read_toml(text: str) -> Any:
    try:
        import tomllib
    except ImportError as error:
        raise ValueError("Python reads TOML from 3.11 on; write the recipe as YAML") from error
    return tomllib.loads(text)


def _read_yaml(text: str) -> Any:
    import yaml

    return yaml.safe_load(text) or {}


def _checked(path: Path, values: Any) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise UserError(f"{shown(path)}: expected entries such as epochs, got {shortened(values)}")
    types = {name: kind for name, kind in get_type_hints(Recipe).items() if name not in OF_RUN}
    types[PRESET] = str
    for name in values:
        if name not in types:
            near = difflib.get_close_matches(str(name), types, n=3) or ["epochs", "lr", "mixup"]
            raise UserError(
                f"{shown(path)}: expected entries of a recipe, got {shortened(name)}; near are "
                f"{', '.join(near)}"
            )
    given = {name: _number(value, types[name]) for name, value in values.items()}
    parts = [(name, kind | None, field(default=None)) for name, kind in types.items()]
    try:
        typed: Any = as_type(given, make_dataclass("_Entries", parts))
    except ValueError as error:
        raise UserError(f"{shown(path)}: an entry has a wrong type ({error})") from error
    return {name: getattr(typed, name) for name in given}


def _number(value: Any, kind: Any) -> Any:
    """YAML takes 1e-3 for a text, because it has no dot."""
    found = number_in(value) if kind is float and isinstance(value, str) else None
    return value if found is None else found


def over(file: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a file, with what is given elsewhere, and not None, in their place."""
    return {**file, **{name: value for name, value in given.items() if value is not None}}
