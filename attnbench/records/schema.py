"""The format of a results file: one JSON object a line, with a schema number.

Schema history:
    1  first version.
    2  modes: what was called `train` is `forward+backward`, and `train` is a whole training step;
       the protocol has the state of the caches; lines about the machine (ceiling, checkup).
    3  `accuracy` (top1, top5, loss, images) became `scores` (a task, values by name, a count); the
       image size of a recipe is (height, width); a model's workload names its task.

New optional fields need no version bump: older readers ignore them. A field whose meaning changes
needs one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import msgspec

from attnbench.records.machine_lines import Ceiling, Checkup
from attnbench.records.moved_code import moved_code
from attnbench.records.record import EpochRecord, LayerRecord, ModelRecord, Record
from attnbench.records.scores import scores_of_accuracy

SCHEMA = 3
Line = Record | Ceiling | Checkup


def _from_1(values: dict[str, Any]) -> dict[str, Any]:
    workload = values["workload"]
    if workload["mode"] == "train":
        workload = {**workload, "mode": "forward+backward"}
    return {**values, "workload": workload}


def _from_2(values: dict[str, Any]) -> dict[str, Any]:
    upgraded = dict(values)
    accuracy = upgraded.pop("accuracy", None)
    if accuracy:
        upgraded["scores"] = scores_of_accuracy(accuracy)
    recipe = upgraded.get("recipe")
    if recipe:
        side = recipe["img_size"]
        upgraded["recipe"] = {**recipe, "img_size": (side, side)}
    if "workload" in upgraded:
        environment = upgraded["environment"]
        code = moved_code(environment["code"], upgraded["workload"])
        upgraded["environment"] = {**environment, "code": code}
    return upgraded


UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _from_1, 2: _from_2}
"""From version v to v + 1; an old line goes through all steps from its own version on."""

LINES: dict[str, type[Line]] = {
    cls.kind: cls for cls in (LayerRecord, ModelRecord, EpochRecord, Ceiling, Checkup)
}
"""The type of each kind of line."""


class _Head(msgspec.Struct):
    """The fields that say how to read the rest of a line."""

    schema: int | None = None
    kind: str = ""


_head = msgspec.json.Decoder(_Head).decode
_decoders: dict[str, Callable[[bytes], Line]] = {
    kind: msgspec.json.Decoder(cls).decode for kind, cls in LINES.items()
}


def encode(line: Line) -> dict[str, Any]:
    """The line as plain values; the key is written for readers without attnbench."""
    key = getattr(line, "key", "")
    plain = {"schema": SCHEMA, "kind": line.kind, "key": key, **asdict(line)}
    return {name: value for name, value in plain.items() if value not in (None, "", ())}


def decode(plain: Mapping[str, Any]) -> Line:
    """The line that `encode` wrote, or an upgraded one of an earlier schema."""
    values = dict(plain)
    version, kind = _known(msgspec.convert(values, _Head))
    for step in range(version, SCHEMA):
        values = UPGRADES[step](values)
    line: Line = msgspec.convert(values, LINES[kind])
    return line


def parse(line: bytes) -> Line:
    """One line of a file; a line of the current schema is decoded in one step.

    Raises:
        ValueError: the line is no JSON object, or of a schema or kind that this version cannot
            read.
    """
    version, kind = _known(_head(line))
    if version == SCHEMA:
        return _decoders[kind](line)
    return decode(msgspec.json.decode(line))


def reason_of(error: Exception) -> str:
    """Why a line could not be parsed, for people."""
    if type(error) is msgspec.DecodeError or isinstance(error, UnicodeDecodeError):
        return "not a whole JSON line (torn by a crash?)"
    return f"not a record of this version ({error})"


def _known(head: _Head) -> tuple[int, str]:
    """Schema and kind of a line that this version can read."""
    if head.schema is None or not 1 <= head.schema <= SCHEMA:
        raise ValueError(f"schema {head.schema}, this attnbench reads 1 to {SCHEMA}")
    if head.kind not in LINES:
        raise ValueError(f"kind {head.kind!r}, this attnbench reads {', '.join(LINES)}")
    return head.schema, head.kind
