import pytest
import torch

from attnbench.training.recipe import recipe_for
from attnbench.training.schedule import learning_rate


def test_rate_rises_linearly_to_the_peak_then_falls_to_almost_nothing(data) -> None:
    recipe = recipe_for(data, epochs=10, warmup_epochs=2.0, lr=0.5)
    rates = [learning_rate(step, 7, recipe) for step in range(70)]
    assert rates[:14] == pytest.approx([0.5 * (step + 1) / 14 for step in range(14)])
    assert rates[14] == 0.5
    assert rates[14:] == sorted(rates[14:], reverse=True)
    assert 0 < rates[-1] < 0.001 * 0.5


@pytest.mark.parametrize("warmup_epochs", [0.0, 0.5, 3.0, 9.0])
def test_rate_stays_between_nothing_and_the_peak(data, warmup_epochs) -> None:
    recipe = recipe_for(data, epochs=3, warmup_epochs=warmup_epochs)
    assert all(0 < learning_rate(step, 5, recipe) <= recipe.lr for step in range(15))


def test_the_cosine_is_timms(data) -> None:
    from timm.scheduler import CosineLRScheduler

    recipe = recipe_for(data, epochs=4, warmup_epochs=0.0, lr=0.5)
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=recipe.lr)
    theirs = CosineLRScheduler(optimizer, t_initial=4 * 5, lr_min=0.0, t_in_epochs=False)
    for step in range(4 * 5):
        theirs.step_update(step)
        rate = optimizer.param_groups[0]["lr"]
        assert learning_rate(step, 5, recipe) == pytest.approx(rate, rel=1e-12)
