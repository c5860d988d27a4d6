"""Measure a training step of PicoDet-S: against another port, and where its time goes.

A part of `make bench`, about three minutes. Prints Markdown. The other port is that of libreyolo
(MIT), which is no dependency: `pip install libreyolo` by hand, or its row is left out. One thread;
the kinds of steps take turns.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from bench_rows import Row, Section, met, section_lines
from PIL import Image
from torch import Tensor, nn

from attnbench.data.augment import normalise
from attnbench.data.decoding import read_squashed
from attnbench.data.labelled_folder import squashed
from attnbench.data.labelled_images import LabelledInMemory, LabelledOnDisk
from attnbench.data.targets import Objects
from attnbench.models.factory import create_model
from attnbench.spec import Recipe
from attnbench.tasks.factory import create_task
from attnbench.training.optimizer import make_optimizer
from attnbench.units import format_percent, format_seconds

SIZE, BATCH, CLASSES = 320, 8, 80
PICTURE = (480, 640)
"""Height and width of the files."""
OBJECTS = 7
"""In a picture, as in COCO."""
TURNS = 15
EPOCH = 96
"""Pictures of the epoch whose waiting is measured."""
MOST_WAITING = 0.05
"""The aims: the share of a training that waits for pictures, and no slower than the other port."""

Step = Callable[[], Any]
Turns = Mapping[str, list[float]]


def dense(turns: int = TURNS, epoch: int = EPOCH) -> Section:
    """Seconds of a step, of its parts, and of the waiting for pictures."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    images, targets = _batch()
    steps = {
        "ours": _step(_our_loss(images, targets)),
        "network": _step(_network_alone(images)),
    }
    try:
        steps["port"] = _step(_their_loss(images, targets))
    except ImportError as error:
        absent = f"left out ({error}): pip install libreyolo"
    taken = _in_turns(steps, turns)
    return Section(
        title="A training step of PicoDet-S",
        conditions=f"{SIZE} px, batch {BATCH}, {CLASSES} classes, {OBJECTS} objects a picture, one "
        f"thread, AdamW; the medians of {turns} steps of each kind, which take turns, in seconds "
        "of processor time; the waiting in seconds by the clock.",
        rows=[
            _step_row(taken),
            _loss_row(taken),
            _port_row(taken) if "port" in taken else Row(what="libreyolo", measured=absent),
            *_waiting_rows(epoch),
        ],
    )  # fmt: skip


def _batch() -> tuple[Tensor, list[Objects]]:
    """Noise with boxes of all sizes."""
    images = normalise(torch.randint(256, (BATCH, 3, SIZE, SIZE), dtype=torch.uint8))
    return images, [_objects(f"{number}", (SIZE, SIZE)) for number in range(BATCH)]


def _objects(name: str, size: tuple[int, int]) -> Objects:
    height, width = size
    sides = 0.05 + 0.5 * torch.rand(OBJECTS, 2) ** 2
    corners = torch.rand(OBJECTS, 2) * (1 - sides)
    boxes = torch.cat([corners, corners + sides], dim=1) * torch.tensor([width, height] * 2)
    return Objects(
        picture=name,
        size=size,
        boxes=boxes,
        labels=torch.randint(CLASSES, (OBJECTS,)),
        crowd=torch.zeros(OBJECTS, dtype=torch.bool),
        areas=(boxes[:, 2:] - boxes[:, :2]).prod(1),
        seen=size,
    )


def _recipe(epochs: int = 1) -> Recipe:
    return Recipe(
        data="noise", img_size=(SIZE, SIZE), epochs=epochs, batch_size=BATCH, clip_grad=10.0
    )


def _step(made: tuple[nn.Module, Callable[[], Tensor]]) -> Step:
    """Forward and backward passes, and an update, as in training."""
    model, loss_of = made
    optimizer = make_optimizer(model, _recipe())

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        loss_of().backward()
        nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimizer.step()

    return step


def _our_loss(images: Tensor, targets: Sequence[Objects]) -> tuple[nn.Module, Callable[[], Tensor]]:
    model, task = create_model("picodet-s", CLASSES, SIZE).train(), create_task("detection")
    return model, lambda: task.loss(model, model(images), targets, _recipe())


def _network_alone(images: Tensor) -> tuple[nn.Module, Callable[[], Tensor]]:
    """The same network; its loss is a sum, so that nothing is assigned."""
    model = create_model("picodet-s", CLASSES, SIZE).train()
    return model, lambda: torch.stack([level.mean() for level in model(images)]).sum()


def _their_loss(
    images: Tensor, targets: Sequence[Objects]
) -> tuple[nn.Module, Callable[[], Tensor]]:
    from libreyolo.models.picodet.loss import PICODETLoss
    from libreyolo.models.picodet.nn import LibrePICODETModel

    model, criterion = LibrePICODETModel("s", CLASSES).train(), PICODETLoss(CLASSES)
    boxes, labels = [one.boxes for one in targets], [one.labels for one in targets]
    return model, lambda: criterion(*model(images), boxes, labels)["total_loss"]


def _in_turns(steps: Mapping[str, Step], turns: int) -> Turns:
    """Seconds of processor time of each step; the first turn is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(1 + turns):
        for name, step in steps.items():
            start = time.process_time()
            step()
            taken[name].append(time.process_time() - start)
    return {name: times[1:] for name, times in taken.items()}


def _ratio(taken: Turns, one: str, other: str) -> float:
    return median(a / b for a, b in zip(taken[one], taken[other], strict=True))


def _step_row(taken: Turns) -> Row:
    step_s = median(taken["ours"])
    return Row(what="a step", measured=format_seconds(step_s), numbers={"step_s": step_s})


def _loss_row(taken: Turns) -> Row:
    share = 1 - _ratio(taken, "network", "ours")
    return Row(
        what="of it, assignment and losses with their gradients",
        measured=format_percent(share),
        numbers={"loss_share": share},
    )


def _port_row(taken: Turns) -> Row:
    ratio = _ratio(taken, "ours", "port")
    return Row(
        what="our step by that of libreyolo",
        measured=f"{ratio:.2f}",
        aim="at most 1",
        outcome=met(ratio <= 1),
        numbers={"ratio": ratio, "port_s": median(taken["port"])},
    )


def _waiting_rows(epoch: int) -> Iterator[Row]:
    """Pictures in memory, and such that are read from files while the network trains."""
    with tempfile.TemporaryDirectory() as folder:
        files = _written(Path(folder), epoch)
        truth = [squashed(_objects(file.stem, PICTURE), (SIZE, SIZE)) for file in files]

        def read(row: int) -> tuple[Tensor, Objects]:
            return read_squashed(files[row], (SIZE, SIZE)), truth[row]

        images = torch.stack([read(row)[0] for row in range(epoch)])
        for what, pictures in (
            ("in memory", LabelledInMemory(images, truth)),
            ("on disk", LabelledOnDisk(epoch, read)),
        ):
            share = _waiting(pictures)
            yield Row(
                what=f"waiting for pictures {what}, of a training",
                measured=format_percent(share),
                aim=f"at most {format_percent(MOST_WAITING)}",
                outcome=met(share <= MOST_WAITING),
                numbers={"waiting_share": share},
            )


def _written(folder: Path, count: int) -> list[Path]:
    """Pictures as cameras write them: smooth patches, in JPEG."""
    random = np.random.default_rng(0)
    files = [folder / f"{number}.jpg" for number in range(count)]
    for file in files:
        patches = Image.fromarray(random.integers(256, size=(30, 40, 3), dtype=np.uint8))
        patches.resize(PICTURE[::-1], Image.Resampling.BICUBIC).save(file, quality=90)
    return files


def _waiting(pictures: LabelledInMemory | LabelledOnDisk) -> float:
    """The share of an epoch in which the loop waits for its next batch."""
    task, recipe = create_task("detection"), _recipe()
    model = create_model("picodet-s", CLASSES, SIZE).train()
    transform, generator = task.transforms(recipe, train=True), torch.Generator().manual_seed(0)
    optimizer = make_optimizer(model, recipe)
    waited, begun = 0.0, time.perf_counter()
    batches = iter(pictures.batches(BATCH, seed=0, device="cpu"))
    while True:
        start = time.perf_counter()
        batch = next(batches, None)
        waited += time.perf_counter() - start
        if batch is None:
            return waited / (time.perf_counter() - begun)
        images, targets = transform(*batch, generator)
        optimizer.zero_grad(set_to_none=True)
        task.loss(model, model(images), targets, recipe).backward()
        optimizer.step()


def main() -> None:
    """Measure, and print."""
    sys.stdout.write("\n".join(section_lines(dense())) + "\n")


if __name__ == "__main__":
    main()
