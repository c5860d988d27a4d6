import pytest
import torch
from torch.nn import functional as F

from attnbench.tasks.classification.metric import Accuracy


def test_scores_are_those_of_the_definitions():
    logits, labels = torch.randn(40, 9), torch.randint(9, (40,))
    metric = Accuracy()
    for part in torch.arange(40).split(7):
        metric.update(logits[part], labels[part])
    above = (logits > logits.gather(1, labels[:, None])).sum(1)
    scores = metric.compute()
    assert scores["top1"] == (above < 1).double().mean().item()
    assert scores["top5"] == (above < 5).double().mean().item()
    assert scores["loss"] == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)


@pytest.mark.parametrize("classes", [2, 5])
def test_top5_of_five_classes_or_fewer_is_one(classes):
    metric = Accuracy()
    metric.update(torch.randn(20, classes), torch.randint(classes, (20,)))
    assert metric.compute()["top5"] == 1.0
