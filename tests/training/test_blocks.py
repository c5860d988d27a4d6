import pytest
import timm
import torch
from torch import nn

from attnbench.errors import UserError
from attnbench.models.vit import VisionTransformer
from attnbench.training.auxiliary import collected_losses
from attnbench.training.blocks import recomputed_blocks


def small(name):
    if name == "timm":
        return timm.create_model(
            "vit_tiny_patch16_224", img_size=16, depth=2, embed_dim=24, proj_drop_rate=0.3
        )
    return VisionTransformer(5, 16, depth=2, dim=24)


class WithLoss(nn.Module):
    """A block with a loss of its own."""

    auxiliary_losses = None

    def __init__(self):
        super().__init__()
        self.attn, self.mlp = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        hidden = self.attn(x).tanh()
        if self.auxiliary_losses is not None:
            self.auxiliary_losses.append(hidden.square().mean())
        return x + self.mlp(hidden).tanh()


def gradients(model, images):
    """Those of a training step, and the number of tensors that it kept."""
    kept = []
    model.zero_grad()
    torch.manual_seed(1)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        loss = model(images).square().sum()
    loss.backward()
    return [parameter.grad.clone() for parameter in model.parameters()], len(kept)


@pytest.mark.parametrize("name", ["vit-t", "timm"])
def test_recomputing_keeps_less_and_changes_no_bit(name):
    torch.manual_seed(0)
    model, images = small(name).train(), torch.randn(3, 3, 16, 16)
    expected, kept = gradients(model, images)
    with recomputed_blocks(model, True):
        found, fewer = gradients(model, images)
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert fewer < kept / 3
    again, as_before = gradients(model, images)
    assert as_before == kept
    assert all(torch.equal(a, b) for a, b in zip(again, expected, strict=True))


@pytest.mark.parametrize("collected", [False, True])
def test_a_loss_inside_a_block_counts_once(collected):
    torch.manual_seed(0)
    model, images = nn.Sequential(WithLoss(), WithLoss()), torch.randn(3, 4)
    found = []
    for recompute in (False, True):
        model.zero_grad()
        with recomputed_blocks(model, recompute):
            if collected:
                with collected_losses(model) as extra:
                    loss = model(images).sum()
                assert len(extra) == 2
                loss = loss + sum(extra)
            else:
                loss = model(images).sum()
            loss.backward()
        found.append([parameter.grad.clone() for parameter in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (nn.ModuleDict({"attn": nn.BatchNorm2d(2), "mlp": nn.Identity()}), "have batch norms"),
        (nn.Linear(2, 2), "Linear has no blocks .* or leave it out"),
    ],
)
def test_batch_norms_and_models_without_blocks_are_refused(model, message):
    with (
        pytest.raises(UserError, match=f"--recompute: .*{message}"),
        recomputed_blocks(model, True),
    ):
        pass
    with recomputed_blocks(model, False):
        pass
