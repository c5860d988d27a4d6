"""Data sets of Hugging Face's `datasets`: of the hub, saved ones, and folders it can read.

`hf:NAME`, `hf:FOLDER` or either with `:CONFIG` and, where several columns fit, `#COLUMN`.
https://huggingface.co/docs/datasets
"""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Event, Thread
from typing import Any, BinaryIO
from urllib.parse import urlsplit
from urllib.request import getproxies

from attnbench.data.decoding import OnProgress
from attnbench.data.findings import Findings
from attnbench.data.layouts.splits import SPELLINGS, SPLITS, split_of
from attnbench.data.names import readable, some
from attnbench.data.readers.content import NO_LABEL, Content, Named
from attnbench.errors import UserError
from attnbench.visible import one_line

PREFIX = "hf:"
LONGEST_ECHO, LONGEST_REASON = 80, 300
"""Characters of a name, and of a reason, that a message repeats."""
WAIT_S = 1.0
"""For an answer of the hub, which is looked for in the cache alone otherwise."""
SAVED = ("dataset_dict.json", "state.json")
"""What `save_to_disk` writes into its folder."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A picture in a table; see `Stored`."""

    table: Any
    """A `datasets.Dataset` of one column, whose pictures are not decoded."""
    row: int
    name: str

    def __str__(self) -> str:
        return self.name

    def open(self) -> BinaryIO:
        """See `Stored.open`."""
        (value,) = self.table[self.row].values()
        if value is None:
            raise FileNotFoundError(f"{self.name} has no picture")
        if value["bytes"] is None:
            return Path(value["path"]).open("rb")
        return io.BytesIO(value["bytes"])


@dataclass(frozen=True)
class HuggingFace:
    """A data set of Hugging Face; see `Reader`."""

    place: str

    @property
    def source(self) -> tuple[str, str | None]:
        """The name or folder, and the configuration."""
        given = self.place.removeprefix(PREFIX).partition("#")[0]
        path, colon, config = given.rpartition(":")
        if not colon or os.path.isdir(os.path.expanduser(given)):
            return given, None
        return path, config

    @property
    def name(self) -> str:
        """See `Reader.name`."""
        source, config = self.source
        base = Path(os.path.expanduser(source)).resolve().name
        return readable(f"{base}-{config}" if config else base)

    @property
    def text(self) -> str:
        """See `Reader.text`."""
        first = next(iter(self._tables.values()))
        image, label = self._columns(first)
        return f"Hugging Face: pictures in the column {image}, classes in {label}"

    @property
    def splits(self) -> Sequence[str]:
        """See `Reader.splits`."""
        return tuple(self._tables)

    def read(
        self, splits: Sequence[str], findings: Findings, on_progress: OnProgress | None = None
    ) -> Content:
        """See `Reader.read`."""
        content, names = dict[str, list[Named]](), list[str]()
        for split in splits:
            table = self._tables[split]
            image, label = self._columns(table)
            own = table.features[label].names
            content[split] = _named(table, split, image, label, findings)
            names += [name for name in map(readable, own) if name not in names]
        return Content(splits=content, class_names=names)

    @cached_property
    def _tables(self) -> Mapping[str, Any]:
        """The table of each split.

        Raises:
            UserError: `datasets` is not installed or cannot open it, or its parts have other names.
        """
        loaded = _load(self.place, *self.source)
        if not isinstance(loaded, Mapping):
            loaded = {"train": loaded}
        # A part that is called so goes before one whose name only has the word in it.
        named = {split_of(str(name)): table for name, table in reversed(loaded.items())}
        exact = {
            split: loaded[name] for split in SPLITS for name in SPELLINGS[split] if name in loaded
        }
        found = {split: (named | exact)[split] for split in SPLITS if split in named}
        if not found:
            raise UserError(
                f"--data {_echo(self.place)}: expected the parts train and validation or "
                f"test, got {some([str(name) for name in loaded])}; rename them"
            )
        return found

    def _columns(self, table: Any) -> tuple[str, str]:
        """The columns of the pictures and of the classes.

        Raises:
            UserError: there is none of a kind, or several.
        """
        import datasets

        asked = [name for name in self.place.partition("#")[2].split(",") if name]
        unknown = [name for name in asked if name not in table.features]
        found = []
        for kind in (datasets.Image, datasets.ClassLabel):
            fitting = [name for name, one in table.features.items() if isinstance(one, kind)]
            found.append([name for name in fitting if name in asked] or fitting)
        if unknown or any(len(names) != 1 for names in found):
            columns = [f"{name} ({_kind_of(one)})" for name, one in table.features.items()]
            raise UserError(
                f"--data {_echo(self.place)}: expected one column of the type Image and one of "
                f"the type ClassLabel, got {some(columns, 8)}; choose with #COLUMN at the end of "
                "--data, or cast one to that type"
            )
        return found[0][0], found[1][0]


def _echo(place: str) -> str:
    return readable(place)[:LONGEST_ECHO]


def _kind_of(feature: Any) -> str:
    kind = type(feature).__name__
    return str(feature.dtype) if kind == "Value" else kind


def _named(table: Any, split: str, image: str, label: str, findings: Findings) -> list[Named]:
    """The pictures of a split; those without a label are a finding."""
    import datasets

    names = [readable(name) for name in table.features[label].names]
    plain = table.with_format(None)
    pictures = plain.select_columns([image]).cast_column(image, datasets.Image(decode=False))
    cells = []
    for row, number in enumerate(plain[label][:]):
        cell = Cell(pictures, row, f"{split}/{row}")
        if number is None or not 0 <= number < len(names):
            findings.add(NO_LABEL, cell)
        else:
            cells.append(Named(cell, names[number]))
    return cells


def _load(place: str, source: str, config: str | None) -> Any:
    """A data set, or a table by the name of each part.

    Raises:
        UserError: `datasets` is not installed, or cannot open it.
    """
    try:
        import datasets
    except ImportError:
        raise UserError(
            f"--data {_echo(place)} expects the package datasets, which is not installed: "
            "pip install 'attnbench[huggingface]'"
        ) from None
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    path = os.path.expanduser(source)
    try:
        if any(os.path.isfile(os.path.join(path, name)) for name in SAVED):
            return datasets.load_from_disk(path)
        if not os.path.exists(path) and not _is_reachable(datasets.config.HF_ENDPOINT):
            # Else it tries again for half a minute; what is cached it opens in this way, too.
            datasets.config.HF_HUB_OFFLINE = True
        return datasets.load_dataset(path, config)
    except Exception as error:  # what reads the files may raise anything
        raise UserError(
            f"--data {_echo(place)}: Hugging Face's datasets cannot open it "
            f"({one_line(str(error))[:LONGEST_REASON]}); correct the name, or fetch it where there "
            "is a network"
        ) from error


def _is_reachable(endpoint: str) -> bool:
    """Whether the hub answers at once; a proxy is trusted to do what it can."""
    address = urlsplit(endpoint)
    if getproxies().get(address.scheme):
        return True
    answered = Event()

    def connect() -> None:
        port = address.port or (443 if address.scheme == "https" else 80)
        with suppress(OSError), socket.create_connection((address.hostname, port), WAIT_S):
            answered.set()

    asking = Thread(target=connect, daemon=True)  # looking up a name knows no limit of its own
    asking.start()
    asking.join(WAIT_S)
    return answered.is_set()


def find(data: str) -> HuggingFace | None:
    """The data set that `data` stands for; None if it is of another kind."""
    return HuggingFace(data) if data.startswith(PREFIX) else None
