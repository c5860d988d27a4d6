import torch
from torch import nn

from attnbench.training.average import Average
from attnbench.training.recipe import recipe_for


def test_without_a_decay_the_model_itself_is_scored(data):
    model = nn.Linear(2, 2)
    average = Average(model, recipe_for(data))
    average.update(1)
    assert average.model is model
    assert average.weights == {}


def test_the_average_follows_at_once_and_later_by_the_decay(data):
    model = nn.BatchNorm1d(2)
    average = Average(model, recipe_for(data, ema_decay=0.9))
    values = []
    with torch.no_grad():
        for step, value in ((1, 1.0), (10**6, 2.0), (10**6 + 1, 2.0)):
            model.weight.fill_(value)
            model.running_mean.fill_(value)
            average.update(step)
            weights = average.weights
            assert torch.equal(weights["weight"], weights["running_mean"])
            values.append(weights["weight"][0].item())
    torch.testing.assert_close(torch.tensor(values), torch.tensor([1.0, 1.1, 1.19]))
