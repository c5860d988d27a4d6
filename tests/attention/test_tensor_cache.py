"""Tensors that depend on sizes only are cached, except while compiling."""

import torch

from attnbench.attention.tensor_cache import KEPT, tensor_cache


def counted():
    """A function that is tensor_cache, and what it was called with."""
    calls = []

    @tensor_cache
    def squares(count: int) -> torch.Tensor:
        """Squares."""
        calls.append(count)
        return torch.arange(count) ** 2

    return squares, calls


def test_is_made_once_for_each_argument():
    squares, calls = counted()
    assert squares(3).tolist() == [0, 1, 4]
    assert squares(3) is squares(3)
    assert squares(4).tolist() == [0, 1, 4, 9]
    assert calls == [3, 4]
    assert squares.__doc__ == "Squares."


def test_forgets_the_oldest():
    squares, calls = counted()
    for count in [*range(KEPT + 1), 0]:
        squares(count)
    assert calls == [*range(KEPT + 1), 0]


def test_serves_training_after_inference():
    squares, _ = counted()
    with torch.inference_mode():
        made = squares(3)
    assert not made.is_inference()
    weight = torch.ones(3, requires_grad=True)
    (weight * squares(3)).sum().backward()
    assert weight.grad.tolist() == [0, 1, 4]


def test_a_compiler_sees_how_it_is_made():
    squares, _ = counted()
    compiled = torch.compile(lambda x: x + squares(3), fullgraph=True, backend="eager")
    assert compiled(torch.ones(3)).tolist() == [1, 2, 5]
