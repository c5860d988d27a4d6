"""MACs of einsums against closed forms, and against torch's counter of matrix products."""

import pytest
import torch

from attnbench.profiling.counting.einsum import einsum_macs
from attnbench.profiling.counting.macs import CountError
from attnbench.profiling.counting.torch_count import count_by_torch


@pytest.mark.parametrize(
    ("equation", "shapes", "macs"),
    [
        ("bnd,bmd->bnm", [(2, 4, 5), (2, 6, 5)], 2 * 4 * 6 * 5),
        ("b n d, m d -> b n m", [(2, 4, 5), (6, 5)], 2 * 4 * 6 * 5),
        ("...nd,...md->...nm", [(2, 3, 4, 5), (1, 3, 6, 5)], 2 * 3 * 4 * 6 * 5),
        ("...n,n", [(2, 4, 5), (5,)], 2 * 4 * 5),
        ("nd,dm", [(4, 5), (5, 6)], 4 * 5 * 6),
        ("nd,nd->n", [(4, 5), (4, 5)], 4 * 5),
        ("ndk,dm->nm", [(4, 5, 7), (5, 6)], 4 * 5 * 6),  # k is summed before the product
        ("bnd,nd->b", [(2, 4, 5), (1, 5)], 2 * 5),  # and so is n, which the other broadcasts
        ("nd,d->nd", [(4, 5), (5,)], 0),  # nothing is accumulated
        ("bnd->bd", [(2, 4, 5)], 0),
    ],
)
def test_the_formula_equals_what_torch_computes(equation, shapes, macs):
    class Einsum(torch.nn.Module):
        def forward(self, *operands):
            return torch.einsum(equation, *operands)

    assert einsum_macs(equation, shapes) == macs
    inputs = [torch.empty(shape, device="meta") for shape in shapes]
    assert count_by_torch(Einsum(), inputs, ()).products_macs == macs


def test_three_operands_are_refused():
    with pytest.raises(
        CountError, match="einsum of three operands, 'ab,bc,cd->ad': .*; write as products of two"
    ):
        einsum_macs("ab,bc,cd->ad", [(2, 3), (3, 4), (4, 5)])
