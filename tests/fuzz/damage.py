"""Damage to files: what disks, editors, other programs and other versions do to them."""

from __future__ import annotations

import copy
import gzip
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

Bytes = Callable[[random.Random, bytes], bytes]

STRANGE_VALUES: list[Any] = [
    None, True, False, [], {}, "", " ", 0, -1, 1, 0.5, -0.5, 1e308, -1e308, 1e-320, float("nan"),
    float("inf"), 2**31, 2**63 - 1, 2**63, 2**64, -(2**63), 10**400, "x" * 3000, "\x1b[31mred",
    "\x00", "\ud800", "<script>alert(1)</script>", "ünï 日本", "$x^{$", "a|b", "a\nb", "[/bold]",
    "../../x", "float32", "nan", "1", [[]], [1, 2], [0, 0], [None], ["a"], {"a": 1}, {"": {}},
    [1e308] * 8, [0.0] * 8, [-1.0] * 8, list(range(1000)),
]  # fmt: skip
"""In place of a value anywhere in a file."""


def _flip(rng: random.Random, data: bytes) -> bytes:
    spoilt = bytearray(data)
    for _ in range(rng.choice([1, 1, 3, 20])):
        spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
    return bytes(spoilt)


def _overwrite(rng: random.Random, data: bytes) -> bytes:
    start, length = rng.randrange(len(data)), rng.choice([1, 16, 512, 4096])
    end = min(len(data), start + length)
    fill = rng.choice([bytes(length), b"\xff" * length, rng.randbytes(length)])
    return data[:start] + fill[: end - start] + data[end:]


def _truncate(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.choice([0, 1, rng.randrange(len(data)), len(data) - 1])]


def _cut_out(rng: random.Random, data: bytes) -> bytes:
    start = rng.randrange(len(data))
    return data[:start] + data[start + rng.choice([1, 10, 1000]) :]


def _insert(rng: random.Random, data: bytes) -> bytes:
    start, source = rng.randrange(len(data)), rng.randrange(len(data))
    foreign = [
        data[source : source + 500],
        bytes(64),
        b"\n\n\r\n",
        rng.randbytes(50),
        b"\xef\xbb\xbf",
    ]
    return data[:start] + rng.choice(foreign) + data[start:]


def _append(rng: random.Random, data: bytes) -> bytes:
    return data + rng.choice([b"\n", b"{", bytes(100), rng.randbytes(100), data[: len(data) // 2]])


BYTES: list[Bytes] = [_flip, _flip, _overwrite, _truncate, _cut_out, _insert, _append]
"""What may happen to any file."""


def _recoded(rng: random.Random, data: bytes) -> bytes:
    text = data.decode("utf-8", "replace")
    coding = rng.choice(["utf-16", "utf-16-be", "utf-8-sig", "utf-32", "utf-7", "latin-1", "cp500"])
    return text.replace("Test", "Tést").encode(coding, "replace")


def _rewrapped(rng: random.Random, data: bytes) -> bytes:
    lines = [line for line in data.split(b"\n") if line]
    return rng.choice([
        data.replace(b"\n", b"\r\n"), data.replace(b"\n", b"\r"), gzip.compress(data),
        b"[" + b",\n".join(lines) + b"]", b"\n\n".join(lines), b"".join(lines),
        b"// a comment\n" + data, data.replace(b'"', b"'"), data.replace(b"true", b"True"),
    ])  # fmt: skip


def _shuffled(rng: random.Random, data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    rng.shuffle(lines)
    return b"".join(lines + lines[: rng.randrange(len(lines))])


TEXT: list[Bytes] = [*BYTES, _recoded, _rewrapped, _shuffled]
"""What may happen to a file of text."""


def _nested(rng: random.Random, data: bytes) -> bytes:
    depth = rng.choice([50, 2000, 100_000])
    opening, closing = rng.choice([(b"[", b"]"), (b'{"a":', b"}")])
    line = opening * depth + b"1" + closing * depth
    return rng.choice([data + line + b"\n", line + b"\n" + data, data.replace(b"1", line, 1)])


def _strange_value(rng: random.Random, data: bytes) -> bytes:
    """One value in one line is another, or is missing, or is there twice."""
    lines = data.splitlines()
    index = rng.randrange(len(lines))
    record = json.loads(lines[index])
    change_somewhere(rng, record)
    lines[index] = json.dumps(record).encode()
    return b"\n".join(lines) + b"\n"


RECORDS: list[Bytes] = [*TEXT, _nested, *[_strange_value] * 10]
"""What may happen to a file of records; most often something that is still JSON."""


def change_somewhere(rng: random.Random, tree: Any) -> None:
    """Change one value at any depth of a nest of dictionaries and lists, in place."""
    place, key = rng.choice(list(_places(tree)))
    kind = rng.random()
    if kind < 0.7:
        place[key] = copy.deepcopy(rng.choice(STRANGE_VALUES))
    elif kind < 0.85:
        del place[key]
    elif isinstance(place, dict):
        place[f"{key} "] = place[key]
    else:
        place.append(place[key])


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) below."""
    keys = list(tree) if isinstance(tree, dict) else range(len(tree))
    found = [(tree, key) for key in keys]
    for key in keys:
        if isinstance(tree[key], (dict, list)):
            found += _places(tree[key])
    return found


def checkpoint_with_strange_values(rng: random.Random, data: bytes) -> bytes:
    """A checkpoint that torch can read, with one value that is none of ours."""
    import torch

    payload = torch.load(io.BytesIO(data), weights_only=True)
    change_somewhere(rng, payload)
    buffer = io.BytesIO()
    torch.save(payload, buffer)
    return buffer.getvalue()


def spoil(path: Path, rng: random.Random, ways: list[Bytes]) -> str:
    """Damage a file in one of the ways, which is returned by name."""
    way = rng.choice(ways)
    data = path.read_bytes()
    path.write_bytes(way(rng, data))
    return way.__name__.strip("_")
