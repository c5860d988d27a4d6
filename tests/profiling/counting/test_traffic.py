"""Bytes moved, against sums written out by hand."""

import pytest
import torch
from torch import nn

from attnbench.attention.factory import create_attention
from attnbench.attention.softmax import IMPLS
from attnbench.profiling.counting.traffic import count_traffic


class Call(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *inputs):
        return self.function(*inputs)


def moved(function, *shapes):
    """Elements of one byte, so that bytes are elements."""
    inputs = [torch.empty(*shape, device="meta", dtype=torch.int8) for shape in shapes]
    return count_traffic(Call(function), inputs, ()).moved_bytes


@pytest.mark.parametrize(("dtype", "size"), [(torch.float32, 4), (torch.bfloat16, 2)])
def test_a_projection_reads_input_and_parameters_and_writes_its_output(dtype, size):
    layer = nn.Linear(5, 6, device="meta", dtype=dtype)
    x = torch.empty(4, 5, device="meta", dtype=dtype)
    assert count_traffic(layer, (x,), ()).moved_bytes == size * (4 * 5 + 6 * 5 + 6 + 4 * 6)


def test_an_intermediate_is_written_once_and_read_by_each_user():
    assert moved(lambda x: -x, (4, 5)) == 2 * 20
    assert moved(lambda x: (-x).abs(), (4, 5)) == 4 * 20
    assert moved(lambda x: (-x) * (-x), (4, 5)) == (2 + 2 + 3) * 20


@pytest.mark.parametrize(
    "view",
    [lambda x: x.transpose(0, 1), lambda x: x.reshape(20), lambda x: x[1:], torch.empty_like,
     lambda x: x.chunk(2)[0], lambda x: x.detach(), lambda x: x.expand(7, 4, 5)],
)  # fmt: skip
def test_views_and_allocations_move_nothing(view):
    assert moved(view, (4, 5)) == 0


def test_what_a_broadcast_repeats_is_read_once():
    assert moved(lambda x, y: x + y.expand(4, 5), (4, 5), (1, 5)) == 20 + 5 + 20


def test_copies_are_read_and_written():
    assert moved(lambda x: x.t().contiguous(), (4, 5)) == 2 * 20
    assert moved(lambda x: torch.cat([x, x]), (4, 5)) == 4 * 20
    assert moved(lambda x, y: x.copy_(y), (4, 5), (4, 5)) == 2 * 20
    assert moved(lambda x: x.fill_(0), (4, 5)) == 20
    assert moved(lambda x: x.add_(1), (4, 5)) == 2 * 20


def test_dense_attention_moves_what_its_products_and_its_softmax_do():
    n, dim, heads = 64, 12, 3
    tokens, scores = n * dim, heads * n * n
    with torch.device("meta"):
        layer, x = create_attention("dense", dim, heads).eval(), torch.empty(1, n, dim)
    elements = (
        (tokens + 3 * dim * dim + 3 * dim + 3 * tokens)  # projection to queries, keys and values
        + 2 * tokens  # scaling of the queries
        + (2 * tokens + scores)
        + 2 * scores  # softmax
        + (scores + 2 * tokens)
        + 2 * tokens  # the heads are copied side by side
        + (tokens + dim * dim + dim + tokens)  # output projection
    )
    assert count_traffic(layer, (x,), ((8, 8),)).moved_bytes == 4 * elements


@pytest.mark.parametrize("impl", IMPLS)
def test_the_scores_of_fused_attention_count_as_in_unfused_code(impl):
    with torch.device("meta"):
        plain, fused = (
            create_attention("dense", 12, 3, impl=name).eval() for name in ("reference", impl)
        )
        x = torch.empty(2, 1024, 12)
    by_plain, by_fused = (count_traffic(m, (x,), ((32, 32),)).moved_bytes for m in (plain, fused))
    assert by_fused == pytest.approx(by_plain, rel=0.02)


def test_a_later_call_moves_the_same():
    with torch.device("meta"):
        layer, x = create_attention("window", 24, 3).eval(), torch.empty(2, 11 * 13, 24)
    first = count_traffic(layer, (x,), ((11, 13),)).moved_bytes
    assert first == count_traffic(layer, (x,), ((11, 13),)).moved_bytes > 0


def test_any_code_must_move_what_comes_in_and_goes_out():
    layer = nn.Sequential(nn.Linear(5, 6), nn.GELU(), nn.Linear(6, 7)).to("meta")
    traffic = count_traffic(layer, (torch.empty(4, 5, device="meta"),), ())
    parameters = 5 * 6 + 6 + 6 * 7 + 7
    assert traffic.least_bytes == 4 * (4 * 5 + parameters + 4 * 7)
    assert traffic.moved_bytes == traffic.least_bytes + 4 * (4 * 4 * 6)  # two intermediates
    assert traffic.operators == 3
