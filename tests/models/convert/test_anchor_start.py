"""The initial anchors of converted layers."""

import pytest
import timm
import torch
from torch import nn

from attnbench import convert
from attnbench.errors import UserError
from attnbench.models.convert.anchor_start import FEW_BATCHES, cluster_centres

DIM, HEADS, CLUSTERS = 48, 3, 4


def grouped_model(spread):
    """One block whose attention sees four groups of tokens, far apart in every head.

    Patches have one of four colours; queries and keys are alike, so that a token attends to the
    tokens of its own group. `spread` is how far from the group's centre its tokens lie.
    """
    model = timm.create_model(
        "vit_tiny_patch16_224", img_size=64, depth=1, embed_dim=DIM, num_heads=HEADS,
        class_token=False, global_pool="avg", num_classes=5,
    ).eval()  # fmt: skip
    attention, width = model.blocks[0].attn, DIM // HEADS
    model.blocks[0].norm1 = nn.Identity()
    model.blocks[0].attn.fused_attn = False
    with torch.no_grad():
        nn.init.zeros_(model.pos_embed)
        nn.init.zeros_(model.patch_embed.proj.bias)
        nn.init.zeros_(model.patch_embed.proj.weight)
        # Channel c of a token is the mean of colour c % 3 over its patch, head by head.
        for channel in range(DIM):
            model.patch_embed.proj.weight[channel, channel % width % 3] = 1 / 256
        nn.init.zeros_(attention.qkv.bias)
        attention.qkv.weight.copy_(torch.cat([torch.eye(DIM)] * 2 + [torch.randn(DIM, DIM)]))
    return model, grouped_images(spread)


def grouped_images(spread, batch=6):
    # Corners of a regular tetrahedron: centres of one length, so that the nearest attends most.
    corners = torch.tensor([[1.0, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) * 4
    group = torch.stack([torch.randperm(16) % CLUSTERS for _ in range(batch)])  # 4 × 4 patches
    colours = corners[group] + spread * torch.randn(batch, 16, 3)
    return (
        colours.transpose(1, 2)
        .unflatten(2, (4, 4))
        .repeat_interleave(16, 2)
        .repeat_interleave(16, 3)
    )


def attention_error(original, swapped, images):
    """Relative error of the attention's output on the same tokens."""
    tokens = original.patch_embed(images)
    expected = original.blocks[0].attn(tokens)
    return ((swapped.blocks[0].attn(tokens) - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize("per_head", [False, True])
def test_anchors_at_separate_groups_give_what_dense_attention_gave(per_head):
    model, images = grouped_model(spread=0.0)
    swapped = convert(model, "anchor", num_anchors=CLUSTERS, per_head=per_head, data=[images])
    assert attention_error(model, swapped, images) < 1e-3


def test_centres_are_nearer_to_dense_attention_than_the_start_without_data():
    model, images = grouped_model(spread=0.3)
    swapped = convert(model, "anchor", num_anchors=CLUSTERS, data=[images])
    without = [
        attention_error(model, convert(model, "anchor", num_anchors=CLUSTERS), images)
        for _ in range(5)
    ]
    assert attention_error(model, swapped, grouped_images(0.3)) < 0.1 < min(without)


def test_centres_of_separate_groups_are_their_means():
    centres = 10 * torch.randn(5, 8)
    points = (centres[:, None] + 0.01 * torch.randn(5, 20, 8)).flatten(0, 1)
    found = cluster_centres(points, 5)
    means = points.unflatten(0, (5, 20)).mean(1)
    nearest = torch.cdist(found, means).argmin(1)
    assert sorted(nearest.tolist()) == list(range(5))
    torch.testing.assert_close(found, means[nearest])


def test_the_start_at_centres_is_the_same_each_time():
    model, images = grouped_model(spread=1.0)
    first, second = (
        convert(model, "anchor", num_anchors=6, data=[images]).blocks[0].attn.layer.anchors
        for _ in range(2)
    )
    assert torch.equal(first, second)


def test_without_data_the_start_follows_the_seed_of_torch():
    model, _ = grouped_model(spread=1.0)

    def anchors(seed):
        torch.manual_seed(seed)
        return convert(model, "anchor").blocks[0].attn.layer.anchors

    assert torch.equal(anchors(0), anchors(0))
    assert not torch.equal(anchors(0), anchors(1))


def test_reads_a_few_batches_as_loaders_give_them():
    model, images = grouped_model(spread=1.0)
    read = []

    def loader():
        while True:
            read.append(len(images))
            yield [images, torch.zeros(len(images))]

    convert(model, "anchor", num_anchors=6, data=loader())
    assert len(read) == FEW_BATCHES


def test_the_original_keeps_its_modes_and_has_no_hooks_left():
    model, images = grouped_model(spread=1.0)
    model.train()
    model.norm.eval()
    swapped = convert(model, "anchor", num_anchors=6, data=[images])
    for either in (model, swapped):
        modes = {name: module.training for name, module in either.named_modules()}
        assert modes.pop("norm") is False
        assert modes.pop("fc_norm", True)
        assert all(modes.values())
        assert not any(module._forward_pre_hooks for module in either.modules())


@pytest.mark.parametrize(
    ("data", "message"),
    [([], "one without any"), ([torch.randn(3, 64)], r"batch of shape \(3, 64\)"), (["a"], "str")],
)
def test_data_that_is_none_is_refused(data, message):
    model, _ = grouped_model(spread=1.0)
    with pytest.raises(UserError, match=message):
        convert(model, "anchor", data=data)


def test_more_anchors_than_tokens_are_refused():
    model, images = grouped_model(spread=1.0)
    with pytest.raises(UserError, match="50 anchors need as many tokens to start from, data gave"):
        convert(model, "anchor", num_anchors=50, per_head=True, data=[images[:1]])


def test_fewer_distinct_tokens_than_anchors_harm_nothing():
    model, images = grouped_model(spread=0.0)
    swapped = convert(model, "anchor", num_anchors=8, data=[images])
    assert swapped(images).isfinite().all()


@pytest.mark.gpu
def test_a_model_on_a_gpu_stays_there():
    model, images = grouped_model(spread=1.0)
    swapped = convert(model.cuda(), "anchor", num_anchors=6, data=[images])
    assert {parameter.device.type for parameter in swapped.parameters()} == {"cuda"}
    assert swapped(images.cuda()).isfinite().all()
