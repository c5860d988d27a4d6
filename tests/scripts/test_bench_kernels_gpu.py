"""The GPU benchmark of the Triton kernels, with eager operators instead of the kernels."""

import importlib
import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch

from attnbench.attention.anchor import bipartite_attention, markov_step
from attnbench.profiling.latency.timer import Sample
from attnbench.spec import Protocol

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"
CPU = torch.device("cpu")


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module("bench_kernels_gpu")


class Steps:
    """A clock on which every call takes a second."""

    cache = "cold"

    def __init__(self):
        self.time = 0.0

    def prepare(self):
        pass

    def rest(self, seconds, call):
        self.time += seconds

    def time_call(self, call):
        call()
        self.time += 1
        return Sample(1.0, 0.25)

    def now(self):
        return self.time


def forward(key, value, anchors, scale):
    return markov_step(bipartite_attention(key, anchors, scale), value), None, None


def backward(grad_out, key, value, anchors, scale, means, inverse):
    return torch.empty_like(key), torch.empty_like(value), torch.empty_like(anchors)


def test_a_machine_without_a_gpu_is_told_so(script, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr("sys.argv", ["bench_kernels_gpu.py"])
    with pytest.raises(SystemExit, match="needs a CUDA GPU"):
        script.main()


def test_sizes_are_those_of_the_aims(script):
    found = list(script.sizes())
    heads = [size.batch * size.heads for size in found]
    assert (min(heads), max(heads)) == (3, 384)
    assert {size.tokens for size in found} >= {196, 4096, 65_536}
    at_4096 = next(size for size in found if size.tokens == 4096)
    assert at_4096.dense_s <= script.LONGEST_DENSE_S


def test_shares_and_ratios_follow_from_times(script):
    size = script.Size(batch=1, heads=2, tokens=8)
    assert size.tensor_bytes == 2 * 8 * 64 * 2
    protocol = Protocol(warmup_s=0.0, min_samples=6, precision=1.0, time_budget_s=10.0)
    cells = list(
        script.measure(size, CPU, (forward, backward), Steps(), size.tensor_bytes, protocol)
    )
    assert [cell.mode for cell in cells] == ["forward", "backward", "train"]
    assert [cell.copy_share for cell in cells] == [3, 5, 8]  # tensors, one a second can be copied
    assert [cell.over_eager and cell.over_eager.value for cell in cells] == [1, None, 1]
    assert cells[1].extra_share == pytest.approx(30 * 64 * 2 / (3 * size.tensor_bytes))
    assert not any(cell.is_launch_bound for cell in cells)
    text = script.markdown("Test GPU", size.tensor_bytes, cells)
    assert "| 1 × 2 | 8 | forward | 1000000.0 | 300% | 1.00 (1.00 to 1.00) |" in text
    json.dumps([asdict(cell) for cell in cells], allow_nan=False)


def test_the_copy_is_counted_as_a_ceiling(script):
    protocol = Protocol(warmup_s=0.0, min_samples=6, precision=1.0, time_budget_s=10.0)
    assert script.copy_bytes_per_s(CPU, Steps(), protocol) == 2 * 256 * 2**20
