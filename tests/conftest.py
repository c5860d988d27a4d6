"""Fixtures of all tests: fixed seeds for equal results, and one thread against contention."""

import multiprocessing
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the processes that tests start, too

import pytest
import torch

torch.set_num_threads(1)

pytest_plugins = ["record_builders"]


@pytest.fixture(autouse=True)
def fixed_seed():
    torch.manual_seed(0)


@pytest.fixture(scope="module", autouse=True)
def forgotten_changes():
    """Commands warn of what plug-ins have changed; those of other tests are none of theirs."""
    from attnbench import plugins

    known = len(plugins._changes)
    yield
    del plugins._changes[known:]


@pytest.fixture(scope="session", autouse=True)
def command_line_built_once():
    """Typer builds all commands anew at each call, which takes a fifth of a short one."""
    import typer.main

    build, built = typer.main.get_command, {}

    def get_command(app):
        kind = app, app.rich_markup_mode
        if kind not in built:
            built[kind] = build(app)
        return built[kind]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.main, "get_command", get_command)
        yield


@pytest.fixture(scope="session")
def loaded_processes():
    """How processes are forked from one that has loaded torch and all that measuring takes.

    A fresh one spends four seconds of the processor on that.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system cannot fork")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([
        "attnbench.benchmark.runner", "attnbench.experiments.run", "fvcore.nn", "timm.optim",
        "torch._dynamo", "torch.testing",
    ])  # fmt: skip
    first = context.Process(target=int)  # it waits until all is loaded
    first.start()
    first.join()
    return context


@pytest.fixture
def quick_workers(loaded_processes, monkeypatch):
    """Workers start as such processes. They cannot be found by the mark in their environment."""
    monkeypatch.setattr("attnbench.isolation.spawned.get_context", lambda method: loaded_processes)


@pytest.fixture
def compiler(monkeypatch):
    """For tests of `torch.compile`: it has seen nothing yet, and sees the code as users run it.

    It cannot look into the checks of shapes in signatures, which tests alone put there.
    """
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)
    torch._dynamo.reset()


@pytest.fixture(scope="session")
def counted():
    """Records of models by the text of their workload."""
    return {}


@pytest.fixture
def counted_by_torch(counted, monkeypatch):
    """Whole models are counted once, by torch's counter alone, in a third of the time.

    That both counters agree on whole models is a law of `tests/baselines` and of
    `tests/profiling/counting`.
    """
    from attnbench.profiling.counting.torch_count import count_by_torch
    from attnbench.reproduce import counting, dense_checks, model_checks

    count = counting.count

    def count_once(workload):
        if repr(workload) not in counted:
            counted[repr(workload)] = count(workload)
        return counted[repr(workload)]

    monkeypatch.setattr(
        counting, "count_forward_macs", lambda model, inputs: count_by_torch(model, inputs, ())
    )
    for module in (counting, dense_checks, model_checks):
        monkeypatch.setattr(module, "count", count_once)


@pytest.fixture
def pictures(tmp_path):
    """Two classes of tiny pictures, laid out as users have them."""
    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(0)
    for split, count in (("train", 12), ("val", 6)):
        for label in ("dark", "light"):
            place = tmp_path / "pictures" / split / label
            place.mkdir(parents=True)
            for index in range(count):
                low = 0 if label == "dark" else 128
                picture = pixels.integers(low, low + 128, (16, 16, 3), dtype="uint8")
                Image.fromarray(picture).save(place / f"{index}.png")
    return tmp_path / "pictures"


def pytest_addoption(parser):
    parser.addoption(
        "--thorough", type=float, default=1,
        help="multiplies the number of random command lines, damaged files and kills; above 1, "
        "mechanisms and models are counted at every size",
    )  # fmt: skip
    parser.addoption(
        "--documents", action="store_true", help="also run the commands of docs/ (`make docs`)"
    )


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--documents"):
        items[:] = [item for item in items if "documents" not in item.keywords]
    if torch.cuda.is_available():
        return
    skip = pytest.mark.skip(reason="needs a CUDA device, and torch sees none here")
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(skip)
