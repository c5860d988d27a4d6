"""A world to run commands in, with all heavy work replaced by what takes milliseconds."""

import importlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from fuzz import law, world
from jobs_here import run_here
from PIL import Image
from record_builders import ceilings_of, latency_of, macs_of

from attnbench.errors import UserError
from attnbench.records import Checkup, Finding, Floor, Memory, now, store
from attnbench.registry import ATTENTIONS, MODELS, register_model

MODEL = "fuzz-small"


def small_model(num_classes, img_size, *, attention="dense", attention_options=None):
    from attnbench.models.pyramid import Pyramid

    return Pyramid(
        num_classes, img_size, attention=attention, attention_options=attention_options,
        dims=(8, 8, 16, 16), depths=(1, 1, 1, 1), head_width=8, stem_stride=2,
    )  # fmt: skip


def measured(record):
    """A record as if it had been measured."""
    memory = Memory(peak_net_bytes=2**20, peak_total_bytes=None, method="cpu profiler")
    return replace(
        record, params=1000, macs=macs_of(10**6), latency=latency_of(1e-3), memory=memory
    )


def quick_profile(
    workloads, protocol=None, device="cpu", *, built=(), on_record=None, on_step=None
):
    from attnbench.benchmark.runner import open_record
    from attnbench.spec import Protocol

    device = torch.device(device)
    records = [measured(open_record(one, protocol or Protocol(), device)) for one in workloads]
    for record in records:
        if on_record:
            on_record(record)
    return records


class QuickWorker:
    """In place of the process that measures."""

    def __init__(self, device, *given, **more):
        self.device = device

    def __enter__(self):
        return self

    def __exit__(self, *stopped):
        pass

    def measure(self, workloads, protocol, on_step):
        return quick_profile(workloads, protocol, self.device)


def quick_ceilings(dtype, device, timer, *, on_ceiling=lambda ceiling: None, **more):
    from attnbench.profiling.machine.environment import describe_environment

    found = ceilings_of(describe_environment(device), dtype)
    for ceiling in found:
        on_ceiling(ceiling)
    return found


def quick_checkup(device, **more):
    from attnbench.profiling.machine.environment import describe_environment

    floor = Floor(relative=0.01, absolute_s=1e-6, created=now(), comparisons=20)
    finding = Finding(name="known times", outcome="passed", text="as expected")
    environment = describe_environment(device)
    return Checkup(floor=floor, findings=(finding,), environment=environment, created=now())


def quick_cost(model, workload, device):
    return quick_profile([workload], device=device)[0]


def quick_count(workload):
    from attnbench.benchmark.runner import open_record
    from attnbench.spec import Protocol

    return measured(open_record(workload, Protocol(), torch.device("cpu")))


def quick_epoch(run, on_step, pause):
    if run.epochs > 2:
        raise law.WorkBegan
    return 1.0


def offline(name, *, train):
    raise UserError(f"--data {name.lower()}: no network in this test; give a folder")


def quick_figure(figure, path, **more):
    """Drawn already, when it was settled; only the files are small."""
    Path(path).write_text("<svg/>")


WORK = {
    "attnbench.benchmark.runner.profile": quick_profile,
    "attnbench.benchmark.worker.Worker": QuickWorker,
    "attnbench.data.cifar._load": offline,
    "attnbench.doctor.checkup.examine": quick_checkup,
    "attnbench.executors.local.Local.run": run_here,
    "attnbench.experiments.judge.trained_cost": quick_cost,
    "attnbench.experiments.run.trained_cost": quick_cost,
    "attnbench.kernels.softmax.flex._cpu_problem": lambda: None,
    "attnbench.profiling.machine.ceilings.measure_ceilings": quick_ceilings,
    "attnbench.profiling.machine.pinning.pin": lambda threads: [0],
    "attnbench.profiling.machine.threads.use_threads": lambda threads: None,
    "attnbench.cli.threads._use": lambda threads, console: None,
    "attnbench.reproduce.counting.count": quick_count,
    "attnbench.reproduce.dense_checks.count": quick_count,
    "attnbench.reproduce.model_checks.count": quick_count,
    "attnbench.training.compiling.COMPILER": "",
    "attnbench.training.loop._train_epoch": quick_epoch,
    "matplotlib.figure.Figure.savefig": quick_figure,
}


@pytest.fixture(scope="session")
def world_of_files(tmp_path_factory, layer, model, epoch, cpu):
    """The folder that every line finds."""
    folder = tmp_path_factory.mktemp("world")
    runs = folder / "results/runs"
    for number, side in enumerate((4, 6, 8, 11)):
        for name in ("profile", "after"):
            for attention in ("dense", "window"):
                seconds = 1e-3 * side**2
                store.append(runs / f"{name}.jsonl", layer(attention, side, seconds, at=number))
    for number in range(3):
        store.append(runs / "train.jsonl", epoch(number + 1, at=number))
        store.append(runs / "train.jsonl", model(seed=number, at=number))
    for ceiling in ceilings_of(cpu):
        store.append(runs / "ceilings.jsonl", ceiling)
    floor = Floor(relative=0.01, absolute_s=1e-6, created=now(), comparisons=20)
    checkup = Checkup(floor=floor, environment=cpu, created=now())
    store.append(runs / "doctor.jsonl", checkup)
    write_images(folder / "images")
    write_checkpoint(runs / "checkpoints/small/last.pt", folder / "images")
    world.add_odd_places(folder)
    return folder


def write_images(folder):
    for split, count in (("train", 3), ("val", 2)):
        for label, name in enumerate(("cat", "dog")):
            (folder / split / name).mkdir(parents=True)
            for index in range(count):
                pixels = np.full((20, 14, 3), (label * 50, index * 10, 200), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / split / name / f"{index}.png")


def write_checkpoint(path, images):
    from attnbench.data.opening import open_data
    from attnbench.experiments.experiment import Experiment
    from attnbench.experiments.keeping import checkpoint_of
    from attnbench.records import Scores
    from attnbench.tasks.factory import create_task
    from attnbench.training import checkpoint, loop
    from attnbench.training.recipe import recipe_for

    register_small()
    data = open_data(str(images), 16)
    recipe = recipe_for(data, epochs=2, batch_size=4)
    made = Experiment(model=MODEL, data=data, recipe=recipe, source="images")
    state = loop.train(
        made.build(), data, create_task("classification"), replace(recipe, epochs=1), device="cpu"
    )
    values = {"top1": 0.5, "top5": 1.0, "loss": 1.0}
    scores = Scores(task="classification", values=values, count=4, forward_s=1.0)
    checkpoint.save(path, checkpoint_of(made, state, scores))


def register_small():
    if MODEL not in MODELS.names():
        register_model(MODEL, family="mine")(small_model)


HEAVY = ("benchmark.worker", "data.digits", "doctor.checkup", "experiments.judge",
         "experiments.run", "kernels.softmax.flex", "report.figures.save",
         "report.figures.sizes", "report.figures.which_figures", "report.page.page",
         "reproduce.claims", "reproduce.figure5", "reproduce.table1")  # fmt: skip
"""Modules that commands import late. A line is not to be charged for it, nor stopped in it."""


def interrupted(seconds):
    """Ctrl-C, the only end of what waits for ever."""
    raise KeyboardInterrupt


@pytest.fixture(scope="module", autouse=True)
def quick_work():
    for name in HEAVY:
        importlib.import_module(f"attnbench.{name}")
    register_small()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("webbrowser.open", lambda url: False)  # `report --open`
        patch.setattr("attnbench.cli.watching.sleep", interrupted)  # `report --watch`
        for target, replacement in WORK.items():
            patch.setattr(target, replacement)
        patch.setenv("COLUMNS", "160")
        yield
    del MODELS._entries[MODEL]
    ATTENTIONS._entries.pop("fuzz-mean", None)


@pytest.fixture
def judged(world_of_files, tmp_path, capsys, monkeypatch):
    """Runs a command line in a fresh copy of the world; returns what came of it."""

    def run(words, spoil=lambda folder: None):
        folder = world.copy_of(world_of_files, tmp_path / "world")
        spoil(folder)
        before = world.contents(folder)
        monkeypatch.chdir(folder)
        outcome = law.run(words, capsys, monkeypatch)
        outcome.lost = world.losses(before, folder)
        return outcome

    return run
