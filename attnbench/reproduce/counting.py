"""Count parameters and multiply-accumulates of whole models, and keep the counts.

A count depends neither on the machine nor on its threads. A stored count is used again as long as
the model, the code that counts, and the versions of torch and timm are the same.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from attnbench.benchmark.runner import environment_of
from attnbench.benchmark.subject import subject_of
from attnbench.isolation.failure import failure
from attnbench.profiling.counting.macs import count_forward_macs
from attnbench.records import ModelRecord, now, store
from attnbench.spec import ModelWorkload

IMAGENET_CLASSES = 1000

OnCount = Callable[[int, int, str], None]
CountFirst = Callable[[Sequence[ModelWorkload]], None]
"""Counts models elsewhere, and appends their records to the file of the counts."""


def at(model: str, side: int, impl: str = "") -> ModelWorkload:
    """The workload of a model on one square image, with the classes of ImageNet.

    `impl` is the code inside its attention, for models that have the choice.
    """
    options = {"attention_options": {"impl": impl}} if impl else {}
    return ModelWorkload(
        model=model,
        attention="",
        img_size=(side, side),
        num_classes=IMAGENET_CLASSES,
        options=options,
    )


def count(workload: ModelWorkload) -> ModelRecord:
    """Count a model on the meta device; a failure is the record's status and reason."""
    subject = subject_of(workload)
    record = ModelRecord(
        workload=workload,
        environment=environment_of(subject, torch.device("cpu")),
        created=now(),
        notes=(_conditions(),),
    )
    try:
        with torch.device("meta"):
            model, images = subject.build().eval(), torch.empty(subject.input_shape)
        params = sum(parameter.numel() for parameter in model.parameters())
        return replace(record, params=params, macs=count_forward_macs(model, (images,)))
    except Exception as error:  # noqa: BLE001 - a stranger's model may raise anything
        status, reason = failure(error)
        return replace(record, status=status, reason=reason)


def _conditions() -> str:
    """Other conditions of the count, as a note."""
    timm = importlib.metadata.version("timm")
    return f"counted on the meta device with timm {timm}: nothing was run"


def counts(
    workloads: Sequence[ModelWorkload],
    path: Path,
    on_count: OnCount = lambda done, total, name: None,
    count_first: CountFirst | None = None,
) -> list[ModelRecord]:
    """The count of each workload, in order; counts that the file lacks are made and appended.

    Args:
        workloads: the models.
        path: a file of records.
        on_count: called with (done, total, name of the next model), for a progress display.
        count_first: see `CountFirst`; what it leaves is counted in this process.
    """
    if count_first is not None:
        count_first(missing(workloads, path))
    known = _known(path)
    found: list[ModelRecord] = []
    for done, workload in enumerate(workloads):
        on_count(done, len(workloads), subject_of(workload).name)
        record = _stored(workload, known)
        if record is None:
            record = count(workload)
            store.append(path, record)
            known.append(record)
        found.append(record)
    return found


def missing(workloads: Sequence[ModelWorkload], path: Path) -> list[ModelWorkload]:
    """The workloads whose count a file lacks, each once."""
    known, found = _known(path), list[ModelWorkload]()
    for workload in workloads:
        if workload not in found and _stored(workload, known) is None:
            found.append(workload)
    return found


def _known(path: Path) -> list[ModelRecord]:
    return store.read(path).models if path.exists() else []


def _stored(workload: ModelWorkload, known: Sequence[ModelRecord]) -> ModelRecord | None:
    """The stored count of this workload by the same code and versions, if there is one."""
    candidates = [r for r in known if r.workload == workload and r.macs is not None]
    if not candidates:
        return None
    here = environment_of(subject_of(workload), torch.device("cpu"))
    return next(
        (
            r
            for r in reversed(candidates)
            if (r.environment.code, r.environment.torch) == (here.code, here.torch)
            and r.notes == (_conditions(),)
        ),
        None,
    )
