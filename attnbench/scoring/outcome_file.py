"""The file of the outcomes of an evaluation: compressed arrays of NumPy (`.npz`), never pickles.

Its name holds the start of its hash, so another evaluation never changes a file that a record
speaks of.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np

from attnbench.errors import UserError
from attnbench.files.reading import MissingError, reading, shown
from attnbench.files.writing import replace_bytes
from attnbench.scoring.outcomes import Outcomes

MOST_BYTES = 2**28
"""Of the arrays, unpacked: 256 MiB, more than all detections of COCO's 5,000 pictures take."""
_HEAD = ("kind", "images")


class UnusableError(UserError):
    """A file of outcomes that is missing, was changed or cannot be read, as the message says."""


def write(folder: Path, start: str, outcomes: Outcomes) -> tuple[Path, str] | None:
    """Write `START-HASH.npz`, completely or not at all.

    Returns:
        The path, and the hash of the file; None if the outcomes take more than `MOST_BYTES`.

    Raises:
        OSError: the file cannot be written.
    """
    if sum(array.nbytes for array in outcomes.arrays.values()) > MOST_BYTES:
        return None
    names = np.frombuffer("\n".join(outcomes.images).encode(), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, kind=np.array(outcomes.kind), images=names, **outcomes.arrays)  # type: ignore[arg-type]
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    path = folder / f"{start}-{digest[:12]}.npz"
    replace_bytes(path, content)
    return path, digest


def read(path: Path, sha256: str) -> Outcomes:
    """The outcomes of a file.

    Args:
        path: of the file.
        sha256: the hash that it should have.

    Raises:
        UnusableError: it is missing, was changed since, or holds something else.
    """
    try:
        with reading(path) as file:
            content = file.read(MOST_BYTES + 1)
    except MissingError:
        raise UnusableError("the file is missing") from None
    except UserError as error:
        raise UnusableError(str(error)) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise UnusableError("the file was changed after it was written")
    try:
        return _unpacked(content)
    except Exception as error:  # damaged archives make the readers raise anything
        raise UnusableError(f"{shown(path)} holds no outcomes ({error})") from error


def _unpacked(content: bytes) -> Outcomes:
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        if sum(one.file_size for one in packed.infolist()) > 2 * MOST_BYTES:
            raise ValueError("more than it may take")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        values = {name: arrays[name] for name in arrays.files}
    kind, names = (values.pop(name) for name in _HEAD)
    images = tuple(bytes(names).decode().split("\n"))
    return Outcomes(kind=str(kind), images=images, arrays=values)  # type: ignore[arg-type]
