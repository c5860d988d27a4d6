"""Tar shards, as WebDataset packs pictures and labels: an index once, then any picture at once.

The webdataset package streams shards, with a shuffle that has no place to go back to. Here the
headers of the archives are read once; a picture is then read from its place in the archive, so that
order, batches and resume are those of folders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from attnbench.data.decoding import OnProgress
from attnbench.data.findings import Findings
from attnbench.data.names import readable
from attnbench.data.readers import tar_patterns
from attnbench.data.readers.content import Content, Named
from attnbench.data.readers.tar_labels import class_names_of, listed_classes
from attnbench.data.readers.tar_members import ArchiveError
from attnbench.data.readers.tar_patterns import Archives
from attnbench.data.readers.tar_samples import Sample, samples_of
from attnbench.errors import UserError


@dataclass(frozen=True)
class Shards:
    """A data set in tar archives; see `Reader`."""

    place: str
    archives: Archives

    @property
    def name(self) -> str:
        """See `Reader.name`."""
        return self.archives.name

    @property
    def splits(self) -> Sequence[str]:
        """See `Reader.splits`."""
        return tuple(self.archives.splits)

    @property
    def text(self) -> str:
        """See `Reader.text`."""
        count = sum(map(len, self.archives.splits.values()))
        listed = f", {len(self._listed)} classes are listed" if self._listed else ""
        return f"tar shards: {count} {'file' if count == 1 else 'files'}{listed}"

    @cached_property
    def _listed(self) -> list[str]:
        folders = {file.parent for files in self.archives.splits.values() for file in files}
        return listed_classes(sorted({self.archives.root, *folders}))

    def read(
        self, splits: Sequence[str], findings: Findings, on_progress: OnProgress | None = None
    ) -> Content:
        """See `Reader.read`."""
        files = [(split, file) for split in splits for file in self.archives.splits[split]]
        samples: dict[str, list[Sample]] = {split: [] for split in splits}
        for done, (split, file) in enumerate(files, 1):
            samples[split] += self._samples(file, findings)
            if on_progress:
                on_progress(done, len(files))
        names = iter(
            class_names_of([one for own in samples.values() for one in own], self._listed, findings)
        )
        return Content(
            class_names=self._listed,
            splits={
                split: [
                    Named(sample.picture, name)
                    for sample in own
                    if (name := next(names)) and sample.picture
                ]
                for split, own in samples.items()
            },
        )

    def _samples(self, file: Path, findings: Findings) -> list[Sample]:
        """The samples of an archive; none of one that cannot be used, which is a finding."""
        shown = readable(file.relative_to(self.archives.root).as_posix())
        try:
            return samples_of(file, shown, findings)
        except ArchiveError as error:
            findings.add_name(error.kind, shown)
            return []
        except OSError as error:
            raise UserError(
                f"cannot read {readable(str(file))}: {error.strerror or error}"
            ) from error


def find(data: str) -> Shards | None:
    """The shards that `data` stands for; None if it is of another kind.

    Raises:
        UserError: it is a pattern, and what it names is not there.
    """
    archives = tar_patterns.find(data)
    return None if archives is None else Shards(data, archives)
