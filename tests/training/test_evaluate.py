from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from attnbench.data.augment import normalise
from attnbench.errors import UserError
from attnbench.spec import Recipe
from attnbench.training.evaluate import evaluate
from attnbench.training.recipe import recipe_for


@pytest.fixture
def recipe(data) -> Recipe:
    return recipe_for(data, batch_size=8)


@pytest.mark.parametrize("batch_size", [1, 4, 21, 50])
def test_equals_the_definitions_on_the_whole_set(data, make_model, task, recipe, batch_size):
    model = make_model().eval()
    recipe = replace(recipe, batch_size=batch_size)
    scores = evaluate(model, data, task, recipe, device="cpu")
    images, labels = next(data.val.batches(99, seed=None, device="cpu"))
    logits = model(normalise(images))
    ranks = logits.argsort(dim=1, descending=True).argsort(dim=1)
    rank = ranks.gather(1, labels[:, None])
    assert (scores.task, scores.count) == ("classification", 21)
    assert scores.values == pytest.approx(
        {
            "top1": (rank < 1).float().mean().item(),
            "top5": (rank < 5).float().mean().item(),
            "loss": F.cross_entropy(logits, labels).item(),
        },
        rel=1e-5,
    )
    assert scores.forward_s > 0


@pytest.mark.parametrize("training", [True, False])
def test_puts_the_training_mode_back_and_leaves_no_trace(
    data, make_model, task, recipe, training
) -> None:
    model = make_model().train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    evaluate(model, data, task, recipe, device="cpu")
    assert all(module.training is training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_puts_the_training_mode_back_after_a_failure(data, task, recipe) -> None:
    model = nn.Linear(1, 1).train()
    with pytest.raises(RuntimeError):
        evaluate(model, data, task, recipe, device="cpu")
    assert model.training


def test_reports_each_batch(data, make_model, task, recipe) -> None:
    seen: list[tuple[int, int]] = []
    evaluate(
        make_model(),
        data,
        task,
        recipe,
        device="cpu",
        on_step=lambda *at: seen.append(at),
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_scores_that_are_not_finite_are_refused(data, make_model, task, recipe) -> None:
    model = make_model()
    nn.init.constant_(model[-1].weight, torch.nan)
    with pytest.raises(UserError, match="expected finite scores, got loss = nan"):
        evaluate(model, data, task, recipe, device="cpu")


@pytest.mark.parametrize("autocast", ["bfloat16", "float16"])
def test_sixteen_bits_agree_with_float32(data, make_model, task, recipe, autocast) -> None:
    whole, half = (
        evaluate(make_model(), data, task, replace(recipe, autocast=name), device="cpu").values
        for name in ("none", autocast)
    )
    assert half["loss"] != whole["loss"]
    assert half["loss"] == pytest.approx(whole["loss"], rel=0.02)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("autocast", ["none", "bfloat16", "float16"])
def test_the_gpu_agrees_with_the_cpu(data, make_model, task, recipe, autocast) -> None:
    expected = evaluate(make_model(), data, task, recipe, device="cpu")
    recipe = replace(recipe, autocast=autocast)
    got = evaluate(make_model().cuda(), data, task, recipe, device="cuda")
    assert got.values["loss"] == pytest.approx(expected.values["loss"], rel=0.05)
