"""The seal of a checkpoint: a checksum by which damage of any bit is seen before torch reads it.

A checkpoint is a zip archive, as `torch.save` writes it. Its seal is the comment at the end of the
archive, `sha256:` and the hash of all bytes before the comment's length. Every program that reads
the archive passes over it. Checkpoints of older versions have no seal; for them the CRC-32 that zip
keeps of each member is checked.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile

_MARK = b"sha256:"
_LENGTH = len(_MARK) + 64
_SEAL = re.compile(rb"sha256:([0-9a-f]{64})")
_END = b"PK\x05\x06"
"""Begins the last 22 bytes of an archive without a comment."""


def sealed(archive: bytes) -> bytes:
    """The archive, which must have no comment, with its seal."""
    assert archive[-22:-18] == _END
    content = archive[:-2]
    comment = _MARK + hashlib.sha256(content).hexdigest().encode()
    return content + _LENGTH.to_bytes(2, "little") + comment


def is_sealed(content: bytes) -> bool:
    """Whether the bytes end in a seal, be it right or wrong."""
    return _SEAL.fullmatch(content[-_LENGTH:]) is not None


def is_whole(content: bytes) -> bool:
    """Whether the bytes are as they were written, by their seal, else by the zip's checksums."""
    if is_sealed(content):
        length, comment = content[-_LENGTH - 2 : -_LENGTH], content[-_LENGTH:]
        actual = hashlib.sha256(memoryview(content)[: -_LENGTH - 2]).hexdigest()
        return int.from_bytes(length, "little") == _LENGTH and comment == _MARK + actual.encode()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # Members are never packed, so that a small file cannot become a huge one.
            packed = any(member.compress_type for member in archive.infolist())
            return not packed and archive.testzip() is None
    except Exception:  # noqa: BLE001 - a damaged archive makes the reader raise anything
        return False
