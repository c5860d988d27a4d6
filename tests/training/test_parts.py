import pytest
import torch
from torch import nn

from attnbench.tasks.classification.mixing import Mixed, cross_entropy
from attnbench.training.parts import in_parts


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("mixed", [False, True])
def test_the_gradients_of_parts_add_up_to_those_of_the_batch(count, mixed):
    torch.manual_seed(0)
    model, images, targets = (
        nn.Linear(4, 3).double(),
        torch.randn(7, 4).double(),
        torch.arange(7) % 3,
    )
    if mixed:
        targets = Mixed(targets, targets.flip(0), torch.rand(7).double())
    # float64 weights, a loss in float32
    cross_entropy(model(images), targets, 0.1).backward()
    expected = model.weight.grad.clone()
    model.zero_grad()
    sizes = []
    for part, its, share in in_parts(images, targets, count):
        (cross_entropy(model(part), its, 0.1) * share).backward()
        sizes.append(len(part))
    torch.testing.assert_close(model.weight.grad, expected, rtol=0, atol=1e-7)
    assert sum(sizes) == 7
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) == min(count, 7)


def test_lists_of_targets_are_split_along():
    parts = [targets for _, targets, _ in in_parts(torch.zeros(5, 1), list("abcde"), 2)]
    assert parts == [["a", "b", "c"], ["d", "e"]]
