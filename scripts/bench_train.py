"""Images a second of a training here and by timm's parts: the same model, batch and augmentation.

    python scripts/bench_train.py FOLDER [--size 224] [--batch 16] [--steps 3] [--turns 5]

`make bench-train DATA=FOLDER`; FOLDER holds pictures, at any depth. Prints Markdown. Three
trainings take turns of a few steps in one process: ours from files, ours from memory, and timm's
loader, mixup, loss and optimizer around a plain loop. Labels are made up; the work is the same.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch
from bench_rows import Row, Section, met, section_lines
from bench_train_work import row_of_bound, timms_loader, work_of_a_step
from torch import nn
from torchvision.datasets.folder import IMG_EXTENSIONS

from attnbench.cores import available_cores
from attnbench.data import images as image_sets
from attnbench.data.augmented import to_train_on
from attnbench.data.folder import open_folder
from attnbench.data.images import Batch, ImageData, ImageSet
from attnbench.models.factory import create_model
from attnbench.spec import Recipe
from attnbench.tasks.factory import create_task
from attnbench.training.loop import train
from attnbench.training.recipe import recipe_for
from attnbench.units import format_percent

MODELS = ("deit-t", "anchorformer-t")
CLASSES = 10
LEAST_FROM_FILES, LEAST_FROM_MEMORY, MOST_WAITING = 1.0, 1.5, 0.02
"""The aims: images a second by those of timm, and the share of our time that waits for images."""

Loop = Callable[[Callable[[], None]], None]
"""Trains for ever, and calls its argument after each step."""


class EndError(Exception):
    """Ends a loop."""


class Paced:
    """A training loop in a thread of its own, which goes on when it is its turn."""

    def __init__(self, loop: Loop) -> None:
        self._left = 0
        self._turn, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self._ends = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, args=(loop,), daemon=True)
        self._thread.start()

    def take(self, steps: int) -> float:
        """Seconds of so many steps."""
        self._left = steps
        start = time.perf_counter()
        self._turn.release()
        self._done.acquire()
        if self._error:
            raise self._error
        return time.perf_counter() - start

    def end(self) -> None:
        """Leave the loop."""
        self._ends = True
        self._turn.release()
        self._thread.join()

    def _work(self, loop: Loop) -> None:
        self._turn.acquire()
        try:
            with suppress(EndError):
                loop(self._after_step)
        except BaseException as error:  # noqa: BLE001 - told in the thread that waits
            self._error = error
        self._done.release()

    def _after_step(self) -> None:
        self._left -= 1
        if self._left == 0:
            self._done.release()
            self._turn.acquire()
            if self._ends:
                raise EndError


class Waited:
    """A set of images that knows how long it was waited for."""

    def __init__(self, images: ImageSet) -> None:
        self.images = images
        self.seconds = 0.0

    def __len__(self) -> int:
        return len(self.images)

    def batches(
        self, batch_size: int, *, seed: int | None, device: torch.device | str, first: int = 0
    ) -> Iterator[Batch]:
        """See `ImageSet.batches`."""
        batches = self.images.batches(batch_size, seed=seed, device=device, first=first)
        while True:
            start = time.perf_counter()
            batch = next(batches, None)
            self.seconds += time.perf_counter() - start
            if batch is None:
                return
            yield batch


def recipe_of(data: ImageData, batch: int) -> Recipe:
    """DeiT's augmentation, without what timm's loop would need models of its own for."""
    return recipe_for(
        data, "deit", epochs=1, batch_size=batch, repeats=1, drop_path=0.0, ema_decay=0.0
    )


def ours(model: nn.Module, data: ImageData, recipe: Recipe) -> tuple[Loop, Waited]:
    """Our loop, and the set that it waits for."""
    images = Waited(to_train_on(data.train, recipe))
    # They are augmented already.
    plain = replace(recipe, crop_scale=None, rand_augment="")

    def loop(after_step: Callable[[], None]) -> None:
        train(
            model, replace(data, train=images), create_task("classification"), plain,
            device="cpu", on_step=lambda step: after_step(),
        )  # fmt: skip

    return loop, images


def timms(model: nn.Module, folder: Path, size: int, recipe: Recipe) -> Loop:
    """A plain loop around timm's loader, mixup, loss and optimizer."""
    from timm.data import Mixup
    from timm.loss import SoftTargetCrossEntropy
    from timm.optim import create_optimizer_v2

    loader = timms_loader(folder, size, recipe, available_cores())
    mixup = Mixup(
        recipe.mixup, recipe.cutmix, label_smoothing=recipe.label_smoothing, num_classes=CLASSES
    )
    optimizer = create_optimizer_v2(
        model, opt="adamw", lr=recipe.lr, weight_decay=recipe.weight_decay
    )
    loss_of = SoftTargetCrossEntropy()

    def loop(after_step: Callable[[], None]) -> None:
        model.train()
        for images, labels in loader:
            images, targets = mixup(images, labels)
            loss = loss_of(model(images), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            after_step()

    return loop


def measured(name: str, folder: Path, asked: argparse.Namespace) -> list[Row]:
    """The rows of one model."""
    data = {"memory": _opened(folder, asked.size), "files": _opened(folder, asked.size, limit=0)}
    recipe = recipe_of(data["memory"], asked.batch)
    made = {place: ours(_model(name, asked.size), found, recipe) for place, found in data.items()}
    paced = {place: Paced(loop) for place, (loop, _) in made.items()}
    paced["timm"] = Paced(timms(_model(name, asked.size), folder, asked.size, recipe))
    for one in paced.values():
        one.take(1)  # starts processes and imports
    for _, images in made.values():
        images.seconds = 0.0
    seconds: dict[str, list[float]] = {place: [] for place in paced}
    for _ in range(asked.turns):
        for place, one in paced.items():
            seconds[place].append(one.take(asked.steps))
    for one in paced.values():
        one.end()
    waited = {place: images.seconds / sum(seconds[place]) for place, (_, images) in made.items()}
    work = work_of_a_step(_model(name, asked.size), data, folder, recipe, asked.steps)
    return [*_rows(name, seconds, waited, asked.batch * asked.steps), row_of_bound(name, work)]


def _rows(
    name: str, seconds: dict[str, list[float]], waited: dict[str, float], images: int
) -> list[Row]:
    rows = []
    for place, least in (("files", LEAST_FROM_FILES), ("memory", LEAST_FROM_MEMORY)):
        ratios = [theirs / own for own, theirs in zip(seconds[place], seconds["timm"], strict=True)]
        ratio, rates = median(ratios), {p: images / median(s) for p, s in seconds.items()}
        rows.append(
            Row(
                what=f"{name}, from {place}",
                measured=f"{rates[place]:.3g} images/s, timm {rates['timm']:.3g}: {ratio:.2f} "
                f"({min(ratios):.2f} to {max(ratios):.2f})",
                aim=f"at least {least}",
                outcome=met(ratio >= least),
                numbers={"ratio": ratio, "images_s": rates[place], "timm_images_s": rates["timm"]},
            )
        )
        rows.append(
            Row(
                what=f"{name}, waiting for images from {place}",
                measured=format_percent(waited[place]),
                aim=f"below {format_percent(MOST_WAITING)}",
                outcome=met(waited[place] < MOST_WAITING),
                numbers={"waiting_share": waited[place]},
            )
        )
    return rows


def _model(name: str, size: int) -> nn.Module:
    torch.manual_seed(0)
    return create_model(name, num_classes=CLASSES, img_size=size)


def _opened(folder: Path, size: int, limit: int = 2**40) -> ImageData:
    usual = image_sets.MEMORY_LIMIT_BYTES
    image_sets.MEMORY_LIMIT_BYTES = limit
    try:
        return open_folder(folder, size)
    finally:
        image_sets.MEMORY_LIMIT_BYTES = usual


def tree(source: Path, folder: Path, images: int) -> None:
    """A folder of classes with so many links to the pictures below `source`, one after another."""
    found = sorted(p for p in source.rglob("*") if p.suffix.lower() in IMG_EXTENSIONS)
    if not found:
        raise SystemExit(f"{source}: expected a folder with pictures, got none")
    for number in range(images):
        place = folder / "train" / f"class{number % CLASSES}"
        place.mkdir(parents=True, exist_ok=True)
        picture = found[number % len(found)].resolve()
        (place / f"{number}{picture.suffix}").symlink_to(picture)
    for number in range(CLASSES):
        place = folder / "val" / f"class{number}"
        place.mkdir(parents=True)
        (place / f"0{found[0].suffix}").symlink_to(found[0].resolve())


def asked_for(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    for name, default in (("size", 224), ("batch", 16), ("steps", 3), ("turns", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> list[Row]:
    """Measure, and print."""
    asked = asked_for(arguments)
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        # Enough for one pass: none ends while it is timed.
        tree(asked.folder, folder, asked.batch * (asked.steps * asked.turns + 4))
        for name in MODELS:
            rows += measured(name, folder, asked)
    section = Section(
        title="Training, ours and timm's",
        conditions=f"{asked.size} px, batch {asked.batch}, float32 on the CPU, "
        f"{torch.get_num_threads()} threads, {available_cores()} processes for images; DeiT's "
        f"augmentation; {asked.turns} turns of {asked.steps} steps each. Ratios of images a "
        "second to timm's: the median of the turns (least to most).",
        rows=rows,
    )
    sys.stdout.write("\n".join(section_lines(section)) + "\n")
    return rows


if __name__ == "__main__":
    main()
