from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from attnbench.spec import Recipe
from attnbench.tasks.classification.task import Classification

MODEL = nn.Identity()  # classification has a loss of its own
RECIPE = Recipe(data="noise", img_size=(8, 8), epochs=1, label_smoothing=0.0)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_is_the_smoothed_cross_entropy(smoothing):
    logits, labels = torch.randn(5, 7), torch.arange(5)
    loss = Classification().loss(MODEL, logits, labels, replace(RECIPE, label_smoothing=smoothing))
    log_p = F.log_softmax(logits, dim=1)
    right = log_p[torch.arange(5), labels]
    expected = -((1 - smoothing) * right + smoothing * log_p.mean(1)).mean()
    torch.testing.assert_close(loss, expected)


def test_loss_of_half_precision_logits_is_computed_in_float32():
    logits, labels = torch.randn(5, 7).bfloat16(), torch.arange(5)
    loss = Classification().loss(MODEL, logits, labels, RECIPE)
    assert torch.equal(loss, F.cross_entropy(logits.float(), labels))
