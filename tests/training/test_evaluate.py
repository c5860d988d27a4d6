import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from attnbench.data.augment import normalise
from attnbench.errors import UserError
from attnbench.training.evaluate import evaluate


def whole(data) -> tuple[Tensor, Tensor]:
    images, labels = next(data.val.batches(99, seed=None, device="cpu"))
    return normalise(images), labels


@pytest.mark.parametrize("batch_size", [1, 4, 21, 50])
def test_equals_the_definitions_on_the_whole_set(data, make_model, batch_size) -> None:
    model = make_model().eval()
    accuracy = evaluate(model, data.val, batch_size=batch_size, device="cpu")
    inputs, labels = whole(data)
    logits = model(inputs)
    places = logits.argsort(dim=1, descending=True).argsort(dim=1)
    place = places.gather(1, labels[:, None])
    assert accuracy.images == 21
    assert accuracy.values["top1"] == pytest.approx((place < 1).float().mean().item())
    assert accuracy.top5 == pytest.approx((place < 5).float().mean().item())
    assert accuracy.loss == pytest.approx(F.cross_entropy(logits, labels).item(), rel=1e-5)
    assert accuracy.forward_s > 0


def test_top5_of_five_classes_or_fewer_is_one(data) -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 81, 5))
    data.val.labels.clamp_(max=4)
    assert evaluate(model, data.val, batch_size=4, device="cpu").top5 == 1.0


@pytest.mark.parametrize("training", [True, False])
def test_puts_the_training_mode_back_and_leaves_no_trace(data, make_model, training) -> None:
    model = make_model().train(training)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    evaluate(model, data.val, batch_size=8, device="cpu")
    assert all(module.training is training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_puts_the_training_mode_back_after_a_failure(data) -> None:
    model = nn.Linear(1, 1).train()
    with pytest.raises(RuntimeError):
        evaluate(model, data.val, batch_size=8, device="cpu")
    assert model.training


def test_reports_each_batch(data, make_model) -> None:
    seen: list[tuple[int, int]] = []
    evaluate(
        make_model(), data.val, batch_size=8, device="cpu", on_step=lambda *at: seen.append(at)
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_outputs_that_are_not_finite_are_refused(data, make_model) -> None:
    model = make_model()
    nn.init.constant_(model[-1].weight, torch.nan)
    with pytest.raises(UserError, match="expected finite outputs, got a loss of nan"):
        evaluate(model, data.val, batch_size=8, device="cpu")


def test_bfloat16_on_the_cpu_is_refused(data, make_model) -> None:
    with pytest.raises(UserError, match="bfloat16 expects a CUDA device, got cpu"):
        evaluate(make_model(), data.val, batch_size=8, device="cpu", autocast="bfloat16")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("autocast", ["none", "bfloat16"])
def test_the_gpu_agrees_with_the_cpu(data, make_model, autocast) -> None:
    expected = evaluate(make_model(), data.val, batch_size=8, device="cpu")
    got = evaluate(make_model().cuda(), data.val, batch_size=8, device="cuda", autocast=autocast)
    assert got.loss == pytest.approx(expected.loss, rel=0.05)
