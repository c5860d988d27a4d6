"""Compiled code is counted by its eager twin, and is as if it had never been counted."""

from statistics import median

import pytest
import torch
from torch import nn

from attnbench.attention.base import Attention
from attnbench.benchmark.counts import count_cell
from attnbench.benchmark.runner import profile
from attnbench.benchmark.subject import subject_of
from attnbench.registry import ATTENTIONS, register_attention
from attnbench.spec import Protocol, Workload

SIZES = {"grid": (4, 5), "dim": 24, "num_heads": 2}
MACS = 4 * 20 * 24**2 + 2 * 20**2 * 24


def mix(q, k, v):
    return (q @ k.mT).softmax(-1) @ v


@pytest.fixture
def compiled():
    """Registers an attention with compiled parts, and lists what the compiler was given."""
    graphs, names = [], []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    def register(name, make_core, compiler=backend):
        class Compiled(Attention):
            def __init__(self, dim, num_heads, **options):
                super().__init__(dim, num_heads, **options)
                self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
                self.core = make_core(self, compiler)

            def forward(self, x, grid):
                return self.proj(self.core(*self.qkv(x).chunk(3, dim=-1)))

            def macs(self, grid, batch=1):
                n, c = self.num_tokens(grid), self.dim
                return batch * (4 * n * c * c + 2 * n * n * c)

        names.append(name)
        register_attention(name, family="dense")(Compiled)
        return Workload(attention=name, **SIZES), graphs

    yield register
    torch.compiler.reset()
    for name in names:
        del ATTENTIONS._entries[name]


def as_a_function(layer, backend):
    return torch.compile(mix, dynamic=False, backend=backend)


def inside_the_call(layer, backend):
    return lambda *tensors: torch.compile(mix, dynamic=False, backend=backend)(*tensors)


def as_a_module(layer, backend):
    layer.qkv.compile(backend=backend)
    layer.proj = torch.compile(layer.proj, backend=backend)
    return mix


@pytest.mark.parametrize("make_core", [as_a_function, inside_the_call, as_a_module])
def test_counting_compiles_nothing(compiled, make_core):
    workload, graphs = compiled("compiled", make_core)
    found = {}
    count_cell(subject_of(workload), workload, found)
    assert graphs == []
    assert (found["macs"].products_macs, found["macs"].training_macs) == (MACS, 3 * MACS)
    (note,) = found["notes"]
    assert "a dynamo-optimized function" in note  # why fvcore has no say


def test_what_was_compiled_before_is_kept(compiled):
    workload, graphs = compiled("compiled", as_a_function)
    layer, x = subject_of(workload).build().eval(), torch.randn(1, 20, 24)
    with torch.inference_mode():
        layer(x, workload.grid)
        count_cell(subject_of(workload), workload, {})
        layer(x, workload.grid)
    assert len(graphs) == 1


def test_a_counted_cell_compiles_as_often_as_one_that_was_not(compiled, monkeypatch):
    protocol = Protocol(warmup_s=0, min_samples=6, precision=10, time_budget_s=0.1)
    workload, graphs = compiled("compiled", as_a_function)
    (counted,) = profile([workload], protocol)
    with_counting = len(graphs)
    torch.compiler.reset()
    graphs.clear()
    monkeypatch.setattr("attnbench.benchmark.runner.count_cell", lambda *arguments: False)
    (uncounted,) = profile([workload], protocol)
    assert counted.status == uncounted.status == "ok"
    assert with_counting == len(graphs)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the compiler warns about itself and the machine
def test_the_time_to_compile_is_in_the_first_call_alone(compiled):
    protocol = Protocol(warmup_s=0, min_samples=6, precision=10, time_budget_s=0.1)
    workload, _ = compiled("compiled", as_a_function, "inductor")
    (record,) = profile([workload], protocol)
    assert (record.status, record.macs.products_macs) == ("ok", MACS)
    assert record.first_call_s > 20 * median(record.latency.samples_s)
    assert record.first_call_s > 20 * max(record.latency.samples_s[1:])
