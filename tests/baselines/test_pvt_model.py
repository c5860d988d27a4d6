"""PVT from the suite's parts: published parameter counts, image sizes, and the class token."""

import pytest
import torch
from model_counts import size_by_torch

from attnbench.errors import UserError
from attnbench.models.factory import create_model
from attnbench.training.optimizer import declared_without_decay


@pytest.mark.parametrize(
    ("size", "params", "giga_macs"),
    # Counted on the authors' code: parameters, products and convolutions.
    [
        ("t", 13.229, 1.9329),
        pytest.param("s", 24.486, 3.8157, marks=pytest.mark.slow),
        pytest.param("m", 44.208, 6.6592, marks=pytest.mark.slow),
        pytest.param("l", 61.369, 9.8138, marks=pytest.mark.slow),
    ],
)
def test_has_the_sizes_of_the_authors_code(size, params, giga_macs):
    found, macs = size_by_torch(create_model, f"pvt-{size}")
    assert found / 1e6 == pytest.approx(params, abs=6e-4)
    assert macs == pytest.approx(giga_macs, abs=6e-5)


def test_every_parameter_of_an_oblong_model_learns():
    model = create_model("pvt-t", 5, (64, 96))
    logits = model(torch.randn(2, 3, 64, 96))
    logits.sum().backward()
    assert logits.shape == (2, 5)
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert [stage.built_for for stage in model.stages] == [(16, 24), (8, 12), (4, 6), (2, 3)]
    assert {"stages.0.pos_embed", "stages.3.cls_token"} <= declared_without_decay(model)


def test_the_class_token_is_no_part_of_the_maps():
    model = create_model("pvt-t", 5, 64).eval()
    images = torch.randn(1, 3, 64, 64)
    assert [tuple(one.shape[2:]) for one in model.features(images)] == [
        (16, 16), (8, 8), (4, 4), (2, 2)
    ]  # fmt: skip


def test_sides_that_are_no_multiples_of_32_are_refused():
    with pytest.raises(UserError, match="multiples of 32 px, got 48 × 64"):
        create_model("pvt-t", 5, (48, 64))
    with pytest.raises(UserError, match="multiples of 32 px, got 64 × 80"):
        create_model("pvt-t", 5, 32)(torch.randn(1, 3, 64, 80))
