"""LeViT with anchor attention: its construction, its MACs counted in three ways, and training."""

import pytest
import timm
import torch
from torch import nn

from attnbench.models.factory import create_model
from attnbench.profiling.counting.macs import count_forward_macs
from attnbench.profiling.counting.torch_count import count_by_torch
from baselines.anchor_levit import AnchorLevitAttention


def attentions(model):
    return [m for m in model.modules() if isinstance(m, AnchorLevitAttention)]


def levit_attention_macs(attention):
    """LeViT's own attentions, counted by hand; they ask with every token, or with every fourth."""
    height, width = attention.resolution
    n, h, d, e = height * width, attention.num_heads, attention.key_dim, attention.val_dim
    shrinks = hasattr(attention, "stride")
    asking = -(-height // 2) * -(-width // 2) if shrinks else n
    into = attention.kv.linear.in_features if shrinks else attention.qkv.linear.in_features
    out = attention.proj.ln.linear.out_features
    return into * h * (n * (d + e) + asking * d) + asking * n * h * (d + e) + asking * h * e * out


def on_meta(name, size, img_size=224):
    with torch.device("meta"):
        if name == "levit":
            return timm.create_model(f"levit_{size}", img_size=img_size).eval()
        return create_model(f"anchor-levit-{size}", img_size=img_size).eval()


def millions(model):
    return sum(p.numel() for p in model.parameters()) / 1e6


@pytest.mark.parametrize(
    ("size", "levit", "anchor"),
    # Millions of parameters and GMACs at 224 px, LeViT's as counted apart from this project.
    [
        (128, (9.214, 0.405), (8.707, 0.365)),
        pytest.param(192, (10.947, 0.657), (10.317, 0.593), marks=pytest.mark.slow),
        pytest.param(256, (18.894, 1.127), (17.770, 1.030), marks=pytest.mark.slow),
        pytest.param(384, (39.129, 2.352), (36.688, 2.169), marks=pytest.mark.slow),
    ],
)
def test_sizes_and_macs_by_three_ways_follow_from_those_of_levit(size, levit, anchor):
    old, new = on_meta("levit", size), on_meta("anchor", size)
    images = torch.empty(1, 3, 224, 224, device="meta")
    swapped = [
        module
        for module in old.modules()
        if isinstance(module, (timm.models.levit.Attention, timm.models.levit.AttentionDownsample))
    ]
    assert len(swapped) == len(attentions(new)) == 14
    levit_macs = count_by_torch(old, (images,), ()).products_macs
    removed = sum(map(levit_attention_macs, swapped))
    closed_form = levit_macs - removed + sum(layer.macs() for layer in attentions(new))
    if size == 128:
        count_forward_macs(new, (images,), closed_form=closed_form)  # raises where ways disagree
    else:
        assert count_by_torch(new, (images,), ()).products_macs == closed_form
    assert (millions(old), levit_macs / 1e9) == pytest.approx(levit, abs=6e-4)
    assert (millions(new), closed_form / 1e9) == pytest.approx(anchor, abs=6e-4)


@pytest.mark.parametrize("batch", [1, 3, 5])
def test_forward_and_backward_at_odd_batches(batch):
    model = create_model("anchor-levit-128", num_classes=7, img_size=64)
    model.train(batch > 1)  # batch norm needs more than one value a channel at the last stage
    logits = model(torch.randn(batch, 3, 64, 64))
    assert logits.shape == (batch, 7)
    logits.logsumexp(1).sum().backward()
    missing = [name for name, p in model.named_parameters() if p.grad is None]
    assert missing == []


def shrinking_attention(img_size=64):
    model = create_model("anchor-levit-128", num_classes=5, img_size=img_size).eval()
    return next(layer for layer in attentions(model) if layer.stride == 2)


def test_a_shrinking_layer_gives_the_rows_of_the_full_step_that_it_keeps():
    layer = shrinking_attention()
    nn.init.normal_(layer.anchor_biases)
    layer.proj = nn.Identity()
    height, width = layer.grid
    x = torch.randn(2, height * width, layer.kv.linear.in_features)
    kept = layer(x)
    layer.stride = 1
    every = layer(x).unflatten(1, (height, width))[:, ::2, ::2].flatten(1, 2)
    torch.testing.assert_close(kept, every)


def test_a_constant_value_comes_out_of_every_layer_as_it_was():
    # The rows of S sum to 1, also those that a shrinking layer keeps.
    model = create_model("anchor-levit-128", num_classes=5, img_size=64).eval()
    for layer in attentions(model):
        nn.init.normal_(layer.anchor_biases)
        layer.proj = nn.Identity()
        split = layer._split
        layer._split = lambda kv, split=split: (split(kv)[0], torch.ones_like(split(kv)[1]))
        mixed = layer(torch.randn(2, layer.grid[0] * layer.grid[1], layer.kv.linear.in_features))
        torch.testing.assert_close(mixed, torch.ones_like(mixed))


def test_positions_are_told_by_the_biases_alone():
    layer = shrinking_attention()
    layer.stride = 1
    x = torch.randn(1, layer.grid[0] * layer.grid[1], layer.kv.linear.in_features)
    order = torch.randperm(x.shape[1])
    layer.proj = nn.Identity()
    torch.testing.assert_close(layer(x[:, order]), layer(x)[:, order])
    nn.init.normal_(layer.anchor_biases)
    assert not torch.allclose(layer(x[:, order]), layer(x)[:, order], atol=1e-3)
