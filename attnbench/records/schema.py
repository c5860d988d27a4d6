"""The format of a results file: one JSON object a line, with a schema number.

Schema history:
    1  first version.
    2  modes: what was called `train` is `forward+backward`, and `train` is a whole training step;
       the protocol has the state of the caches; lines about the machine (ceiling, checkup).
    3  `accuracy` (top1, top5, loss, images) became `scores` (a task, values by name, a count); the
       image size of a recipe is (height, width); a model's workload names its task.

The last member of a line is its checksum (`records.line_sum`). A line without one is older: its key
is checked.

New optional fields need no version bump: older readers ignore them. A field whose meaning changes
needs one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import msgspec

from attnbench.bounds import shortened
from attnbench.records.cell_key import is_key_of
from attnbench.records.line_sum import is_as_written, stored_sum, sum_of, with_sum
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
    """The fields that say how to read the rest of a line, and the key to check it by."""

    schema: int | None = None
    kind: str = ""
    key: str = ""


_head = msgspec.json.Decoder(_Head).decode
_decoders: dict[bytes, Callable[[bytes], Line]] = {
    kind.encode(): msgspec.json.Decoder(cls).decode for kind, cls in LINES.items()
}
_usual_head = re.compile(
    rb'\{"schema": %d, "kind": "(%s)", ' % (SCHEMA, b"|".join(_decoders))
).match
"""The head of a line as `encode` writes it: found in a tenth of the time."""


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


def text_of(line: Line) -> str:
    """The line as it is stored, without the line end.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    return with_sum(_json(encode(line)))


def parse(line: bytes) -> Line:
    """One line of a file; a line of the current schema is decoded in one step.

    Raises:
        ValueError: the line is no JSON object, is nested too deeply, or of a schema or kind that
            this version cannot read; a number is out of its bounds; the line was changed after it
            was written.
        TypeError, KeyError: an older line lacks what its upgrade needs.
    """
    try:
        return _parsed(line)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _parsed(line: bytes) -> Line:
    usual = _usual_head(line)
    if usual is not None and is_as_written(line):
        return _decoders[usual[1]](line)
    head = _head(line)
    version, kind = _known(head)
    if version != SCHEMA:
        return decode(msgspec.json.decode(line))
    parsed = _decoders[kind.encode()](line)
    _refuse_changed(parsed, head.key, line)
    return parsed


def _refuse_changed(parsed: Line, key: str, line: bytes) -> None:
    """Refuse a line whose checksum is wrong; one without a checksum, if its key is wrong."""
    stored = stored_sum(line)
    if not stored:
        _refuse_key_of_another(parsed, key, line)
    elif stored not in _sums_of(parsed, line):
        raise ValueError(
            "changed after it was written: its checksum is wrong; restore the line, or delete "
            '"crc32" and "key" from it to use it as it is'
        )


def _sums_of(parsed: Line, line: bytes) -> Iterator[str]:
    """Checksums of a line that a tool wrote anew: with other spaces, or with more members."""
    plain = json.loads(line)
    del plain["crc32"]
    yield sum_of(_json(plain))
    yield sum_of(_json(encode(parsed)))


def _refuse_key_of_another(parsed: Line, key: str, line: bytes) -> None:
    if not key or not isinstance(parsed, Record) or key == parsed.key:
        return
    if not is_key_of(key, msgspec.json.decode(line)):
        raise ValueError(
            f"changed after it was written: its key is {shortened(key)}, but its workload, "
            f"protocol, environment and recipe give {parsed.key!r}"
        )


def _json(plain: Mapping[str, Any]) -> str:
    return json.dumps(plain, ensure_ascii=False, allow_nan=False)


def reason_of(error: Exception, line: bytes) -> str:
    """Why a line could not be parsed, for people."""
    if type(error) is msgspec.DecodeError or isinstance(error, UnicodeDecodeError):
        return _why_no_json(line)
    return f"not a record of this version ({error})"


def _why_no_json(line: bytes) -> str:
    if b"\0" in line:
        return "it holds zero bytes (UTF-16 text, or a damaged file?)"
    try:
        json.loads(line.decode(), parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        return f"not UTF-8 at byte {error.start + 1} (Latin-1 or Windows-1252?); save it as UTF-8"
    except json.JSONDecodeError:
        whole = line.rstrip().endswith(b"}")
        return "not valid JSON" if whole else "not a whole JSON line (torn by a crash?)"
    except ValueError as error:
        return str(error)
    return "not valid JSON"


def _refuse_constant(name: str) -> None:
    raise ValueError(f"it holds {name}, which is no number of JSON")


def _known(head: _Head) -> tuple[int, str]:
    """Schema and kind of a line that this version can read."""
    if head.schema is None or not 1 <= head.schema <= SCHEMA:
        raise ValueError(f"schema {head.schema}, this attnbench reads 1 to {SCHEMA}")
    if head.kind not in LINES:
        raise ValueError(f"kind {head.kind!r}, this attnbench reads {', '.join(LINES)}")
    return head.schema, head.kind
