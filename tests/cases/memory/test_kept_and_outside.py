"""What layers hold between calls, and what they take past torch's allocator, to the byte."""

import importlib.util
import os
from functools import partial
from pathlib import Path

import pytest
import torch

from attnbench.profiling.latency.modes import call_of
from attnbench.profiling.memory.footprint import measure_footprint, memory_notes
from attnbench.profiling.memory.outside import is_seen
from attnbench.records import Memory

SPEC = importlib.util.spec_from_file_location("layers", Path(__file__).parent / "layers.py")
layers = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(layers)
KIB, MIB = 1024, 1024**2
HOLDERS = [layers.Buffer, layers.Lazy, layers.Closure, layers.Beside, layers.Array, layers.Twice,
           layers.Replaced]  # fmt: skip


def footprint(kind, mode="forward"):
    module, x = kind(), torch.randn(1, 4, 16)
    call = call_of(mode, module, x)
    call()
    return measure_footprint(call, module, partial(module, x), x)


@pytest.fixture(autouse=True)
def no_copies(monkeypatch, request):
    """Only tests of what is taken outside need a copy of the process."""
    if "outside" not in request.node.name:
        monkeypatch.setattr("attnbench.profiling.memory.outside.is_seen", lambda: False)


@pytest.mark.parametrize("kind", HOLDERS)
def test_what_is_kept_is_found_wherever_it_is_held(kind):
    memory = footprint(kind)
    assert (memory.kept_bytes, memory.kept_more_bytes) == (4 * KIB, 0)


@pytest.mark.parametrize("mode", ["forward", "backward", "forward+backward", "train"])
def test_parameters_gradients_input_and_optimizer_are_not_kept_memory(mode):
    memory = footprint(layers.Layer, mode)
    assert (memory.kept_bytes, memory.kept_more_bytes) == (0, 0)


@pytest.mark.parametrize("kind", [layers.Hoard, layers.ArrayHoard])
@pytest.mark.parametrize("mode", ["forward", "train"])
def test_growth_at_every_call_is_named(kind, mode):
    memory = footprint(kind, mode)
    assert memory.kept_more_bytes == 4 * KIB
    assert memory.kept_bytes >= 3 * 4 * KIB
    assert memory_notes(memory) == ["memory grows: each call leaves 4.00 KiB more allocated"]


def test_garbage_in_cycles_is_no_hoard():
    assert footprint(layers.Rings).kept_more_bytes == 0


@pytest.mark.skipif(not is_seen(), reason="this system does not tell")
@pytest.mark.parametrize(
    ("kind", "expected"),
    [(layers.Layer, 0), (layers.TorchScratch, 0), (layers.Scratch, 32 * MIB)],
)
def test_what_is_taken_outside_of_torch_is_seen(kind, expected):
    memory = footprint(kind)
    assert memory.outside_bytes == pytest.approx(expected, abs=MIB)
    noted = ["takes 32.0 MiB outside of torch's allocator, which its peak leaves out"]
    assert [note.replace(note[6:15], "32.0 MiB ") for note in memory_notes(memory)] == (
        noted if expected else []
    )


def test_a_copy_that_fails_or_hangs_gives_no_figure_and_harms_nobody_outside():
    class OnlyHere(layers.Layer):
        home = os.getpid()

        def besides(self, x):
            assert os.getpid() == self.home

    assert footprint(OnlyHere).outside_bytes is None


def test_nothing_to_say_of_a_plain_layer():
    plain = Memory(peak_net_bytes=1, peak_total_bytes=None, method="cpu profiler", kept_bytes=5,
                   kept_more_bytes=0, outside_bytes=0)  # fmt: skip
    assert memory_notes(plain) == []
