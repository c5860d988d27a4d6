"""Compiled code in cells measured one after another, and beside one another.

The functions are compiled by the backend "eager", which goes through torch's compiler and takes no
time.
"""

import pytest
import torch
from torch import nn

from attnbench.attention.base import Attention
from attnbench.benchmark.compiler import CompilerForCells, forget_compiled
from attnbench.benchmark.runner import profile
from attnbench.kernels.softmax import flex
from attnbench.registry import register_attention
from attnbench.spec import Protocol, Workload

PROTOCOL = Protocol(warmup_s=0.0, min_samples=2, time_budget_s=0.001)
GAVE_UP = "runs in part as eager code: torch's compiler gave up a function after"


def plain(x):
    return x + x.shape[1]


compiled_shapes = []


def note_shape(graph, inputs):
    """A backend of torch's compiler that notes what it is asked for."""
    compiled_shapes.append([getattr(one, "shape", one) for one in inputs])
    return graph.forward


@register_attention("compiled-once", family="dense")
class Compiled(Attention):
    """Compiled once for all cells, as most people write it; not on the meta device."""

    function = staticmethod(torch.compile(plain, backend=note_shape))

    def __init__(self, dim, num_heads, **options):
        super().__init__(dim, num_heads, **options)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x, grid):
        return self.proj(x if x.is_meta else self.function(x))

    def macs(self, grid, batch=1):
        return batch * self.num_tokens(grid) * self.dim**2


@register_attention("many-variants", family="dense")
class ManyVariants(Compiled):
    """One call of it needs more variants of a function than torch keeps."""

    function = staticmethod(
        lambda x: x + sum(sizes_apart(x.flatten()[: i + 2]).sum() for i in range(10))
    )


sizes_apart = torch.compile(lambda x: x * 2, backend="eager", dynamic=False)


@pytest.fixture(autouse=True)
def nothing_compiled(compiler):
    compiled_shapes.clear()


def cells(name, **fields):
    return [
        Workload(attention=name, grid=(n, n), dim=12, num_heads=3, **fields) for n in range(2, 14)
    ]


def notes_of(records):
    assert [record.reason for record in records] == [""] * len(records)
    return [note for record in records for note in record.notes if GAVE_UP in note]


def test_cells_one_after_another_are_all_compiled_each_for_its_own_size():
    asked = cells("compiled-once")
    records = [record for cell in asked for record in profile([cell], PROTOCOL)]
    assert notes_of(records) == []
    sizes = [shape[1] for shapes in compiled_shapes for shape in shapes]
    assert {*sizes} == {cell.num_tokens for cell in asked}
    assert {*map(type, sizes)} == {int}  # not one was compiled for sizes in general


def test_cells_beside_one_another_are_all_compiled():
    assert notes_of(profile(cells("compiled-once"), PROTOCOL)) == []


def test_a_cell_for_which_the_compiler_gives_up_says_so():
    limit = torch._dynamo.config.recompile_limit
    (note,) = notes_of(profile(cells("many-variants")[:1], PROTOCOL))
    assert f"after {limit} variants" in note
    assert torch._dynamo.config.recompile_limit == limit


def test_limits_grow_with_the_cells_and_are_put_back():
    limit = torch._dynamo.config.recompile_limit
    with CompilerForCells(3) as compiler:
        with compiler.calling() as notes:
            assert torch._dynamo.config.recompile_limit == 3 * limit
        with compiler.calling():
            assert torch._dynamo.config.recompile_limit == 3 * limit
        assert notes == []
    assert torch._dynamo.config.recompile_limit == limit


def test_a_cell_of_flex_is_measured_whole(monkeypatch):
    """What watches single operators lets FlexAttention pass, which is one of higher order."""
    compiled = torch.compile
    monkeypatch.setattr(
        flex.torch,
        "compile",
        lambda function, options=None, **more: compiled(
            function, **({"backend": "eager"} if options else {}), **more
        ),
    )
    (record,) = profile(cells("dense", impl="flex")[:1], PROTOCOL)
    assert (record.status, record.reason) == ("ok", "")
    assert record.memory.kept_bytes == 0
    assert record.denormal_share == 0


def test_kernels_of_flex_are_forgotten_too():
    flex._kernels["a case"] = None
    forget_compiled()
    assert flex._kernels == {}
