"""How fast a run is, when it will end, and how much memory it takes; and its curves in logs."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from attnbench import clocks
from attnbench.experiments.logs import Log
from attnbench.records import Progress, Scores
from attnbench.training.loop import Step

WINDOW_S = 30.0
"""Seconds over which the speed is taken."""
A_EPOCH = 20
"""Steps of an epoch that are logged: a fixed choice, so that a resumed run logs the same ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What is seen of a run after a step."""

    images_per_s: float | None
    """Of the last half minute, without evaluation; None after a single step."""
    left_s: float | None
    """Seconds to the end, evaluation included, if it goes on as since it was started or resumed."""
    memory_bytes: int
    """On a GPU the peak of what was allocated, on a CPU what is resident."""


class Watch:
    """Sees the steps of a run."""

    def __init__(self, device: torch.device) -> None:
        """Begin anew for each run, on its device."""
        self._device = device
        self._first: tuple[float, int] | None = None
        self._recent: deque[tuple[float, int]] = deque()
        """When each step was done, and how many images of the epoch were seen by then."""
        self._epoch = 0

    def see(self, step: Step) -> Pace:
        """Add a step."""
        now = clocks.monotonic()
        self._first = self._first or (now, step.done)
        if step.epoch != self._epoch:  # the evaluation lies in between
            self._recent.clear()
            self._epoch = step.epoch
        seen = self._recent[-1][1] if self._recent else 0
        self._recent.append((now, seen + step.images))
        while now - self._recent[0][0] > WINDOW_S and len(self._recent) > 2:
            self._recent.popleft()
        return Pace(
            images_per_s=self._speed(), left_s=self._left(step, now), memory_bytes=self._memory()
        )

    def _speed(self) -> float | None:
        (began, before), (now, seen) = self._recent[0], self._recent[-1]
        return (seen - before) / (now - began) if now > began else None

    def _left(self, step: Step, now: float) -> float | None:
        assert self._first is not None
        began, before = self._first
        done = step.done - before
        return (now - began) / done * (step.total - step.done) if done else None

    def _memory(self) -> int:
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device)
        import psutil

        return psutil.Process().memory_info().rss


class Curves:
    """Writes some steps, and all epochs, into logs."""

    def __init__(self, logs: Sequence[Log], device: torch.device) -> None:
        """Begin with the first step of a process."""
        self._logs, self._watch = logs, Watch(device)
        self._step = 0

    def step(self, step: Step) -> None:
        """Add a step."""
        pace, self._step = self._watch.see(step), step.done
        if step.done % max(1, step.total // step.epochs // A_EPOCH):
            return
        values = {
            "train/loss": step.loss, "train/lr": step.lr, "memory_bytes": float(pace.memory_bytes),
        }  # fmt: skip
        if pace.images_per_s is not None:
            values["train/images_per_s"] = pace.images_per_s
        self._write(step.epoch, values)

    def epoch(self, progress: Progress, scores: Scores) -> None:
        """Add what an epoch has come to, at its last step."""
        measured = {f"val/{name}": v for name, v in scores.values.items() if v is not None}
        self._write(progress.epoch, {"train/epoch_loss": progress.train_loss, **measured})

    def _write(self, epoch: int, values: dict[str, float]) -> None:
        for log in self._logs:
            log.write(self._step, epoch, values)
