"""Judge held-out images by the names of their classes, never by the places of the names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from attnbench.data.findings import NOT_JUDGED, Finding
from attnbench.data.images import Batch, ImageData, ImageSet
from attnbench.data.names import some
from attnbench.data.targets import relabelled
from attnbench.errors import UserError


def judged_by_name(data: ImageData, class_names: tuple[str, ...], trained_on: str) -> ImageData:
    """The held-out images of a set, labelled as a model that knows `class_names` answers.

    Classes that the set lacks are not judged; a finding names them.

    Args:
        data: the set; what it was trained on is left as it is.
        class_names: of the model, in the order of its outputs.
        trained_on: name of the set that it was trained on, for the message.

    Raises:
        UserError: the set has classes that the model does not know.
    """
    if data.class_names == class_names:
        return data
    unknown = [name for name in data.class_names if name not in class_names]
    if unknown:
        raise UserError(
            f"the checkpoint was trained on the {len(class_names)} classes of {trained_on}; "
            f"{data.name} has others ({some(unknown)}): choose the data set with --data"
        )
    places = [class_names.index(name) for name in data.class_names]
    return replace(
        data,
        val=_Relabelled(data.val, places),
        class_names=class_names,
        findings=_with_lacking(data, class_names),
    )


def not_judged(data: ImageData) -> list[str]:
    """What to know of scores: which classes have no held-out images."""
    return [finding.text for finding in data.findings if finding.kind == NOT_JUDGED]


def _with_lacking(data: ImageData, class_names: Sequence[str]) -> tuple[Finding, ...]:
    lacking = [name for name in class_names if name not in data.class_names]
    if not lacking:
        return data.findings
    found = Finding(kind=NOT_JUDGED, count=len(lacking), examples=tuple(lacking[:3]))
    return (*data.findings, found)


class _Relabelled:
    """Images of a set under other labels."""

    def __init__(self, images: ImageSet, places: Sequence[int]) -> None:
        """Label `row` of the set becomes `places[row]`."""
        self.images = images
        self.names = getattr(images, "names", ())
        self.places = torch.tensor(places)

    def __len__(self) -> int:
        return len(self.images)

    def batches(
        self, batch_size: int, *, seed: int | None, device: torch.device | str, first: int = 0
    ) -> Iterator[Batch]:
        """See `ImageSet.batches`."""
        places = self.places.to(device)
        batches = self.images.batches(batch_size, seed=seed, device=device, first=first)
        for pixels, labels in batches:
            if isinstance(labels, torch.Tensor):
                yield pixels, places[labels]
            else:
                yield pixels, [relabelled(one, places) for one in labels]
