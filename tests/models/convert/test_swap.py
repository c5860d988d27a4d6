"""Converted models: equal outputs, kept weights, and refusals."""

import copy
import warnings

import pytest
import timm
import torch
from torch import nn

import attnbench
from attnbench import convert, register_attention
from attnbench.attention.base import Attention
from attnbench.errors import UserError
from attnbench.models.convert.converted_attention import ConvertedAttention
from attnbench.profiling.counting.macs import count_forward_macs

SMALL = {"img_size": 64, "depth": 2, "embed_dim": 48, "num_heads": 3, "num_classes": 5}
FAMILIES = {
    "vit_tiny_patch16_224": {},
    "vit_base_patch16_clip_224": {},  # a norm before the blocks
    "vit_little_patch16_reg4_gap_256": {},  # registers, no class token in the pooling
    "vit_medium_patch16_gap_240": {},  # no prefix tokens
    "vit_so150m_patch16_reg4_gap_256": {},
    "vit_base_patch16_224": {"qk_norm": True, "scale_attn_norm": True, "qkv_bias": False},
    "vit_small_patch16_224": {"proj_bias": False, "class_token": False, "global_pool": "avg"},
    "deit_tiny_patch16_224": {},
    "deit_tiny_distilled_patch16_224": {},
    "deit3_small_patch16_224": {},
    "beit_base_patch16_224": {},
    "beitv2_base_patch16_224": {"use_shared_rel_pos_bias": True},
    "eva_giant_patch14_224": {"img_size": 56},
    "eva02_enormous_patch14_clip_224": {"img_size": 56, "qkv_fused": False},
    "vit_relpos_small_patch16_224": {},
    "vit_relpos_base_patch16_cls_224": {"qk_norm": True},
    "vit_srelpos_small_patch16_224": {},
}


def build(name, **changes):
    """A small model of the family, with weights of such a size that attention matters."""
    model = timm.create_model(name, **{**SMALL, **FAMILIES.get(name, {}), **changes}).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            scale = parameter.shape[-1] ** -0.5 if parameter.ndim == 2 else 0.3
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator))
    return model


def images(model, batch=2):
    return torch.randn(batch, 3, *model.patch_embed.img_size)


def converted(model, *arguments, **options):
    """Convert without the warning of lost positions, which has its own test."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*relative positions")
        return convert(model, *arguments, **options)


def attentions(model):
    return [m for m in model.modules() if isinstance(m, ConvertedAttention)]


@pytest.mark.parametrize("name", FAMILIES)
def test_dense_equals_the_original(name):
    model = build(name)
    x = images(model)
    for impl in ("reference", "sdpa"):
        swapped = convert(model, "dense", impl=impl)
        assert len(attentions(swapped)) == SMALL["depth"]
        torch.testing.assert_close(swapped(x), model(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_attention_matters_in_these_models(name):
    # Else the law above would hold for any weights.
    model = build(name)
    x = images(model)
    broken = convert(model, "dense")
    for attention in attentions(broken):
        attention.layer.proj = nn.Identity()
    assert not torch.allclose(broken(x), model(x), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("attention", ["anchor", "anchor-select", "dense-shared-qk"])
def test_values_keys_and_output_weights_are_kept_to_the_bit(name, attention):
    model = build(name)
    x = images(model)
    dense = converted(model, "dense")
    swapped = converted(model, attention)
    assert swapped(x).isfinite().all()
    for old, new in zip(attentions(dense), attentions(swapped), strict=True):
        tokens = torch.randn(2, 5, SMALL["embed_dim"])
        keys_and_values = old.layer.qkv(tokens)[..., SMALL["embed_dim"] :]
        torch.testing.assert_close(new.layer.kv(tokens), keys_and_values)
        kept, copied = old.layer.proj.state_dict(), new.layer.proj.state_dict()
        assert kept.keys() == copied.keys()
        assert all(torch.equal(kept[key], copied[key]) for key in kept)


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "deit_tiny_distilled_patch16_224"])
def test_kept_weights_are_slices_of_those_of_timm(name):
    model = build(name)
    for block, new in zip(model.blocks, attentions(convert(model, "anchor")), strict=True):
        assert torch.equal(new.layer.kv.weight, block.attn.qkv.weight[SMALL["embed_dim"] :])
        assert torch.equal(new.layer.kv.bias, block.attn.qkv.bias[SMALL["embed_dim"] :])
        assert torch.equal(new.layer.proj.weight, block.attn.proj.weight)


def test_one_window_and_no_reduction_are_dense():
    model = build("vit_small_patch16_224")
    x = images(model)
    for attention, options in (("window", {"window_size": 4}), ("sparse", {"sr_ratio": 1})):
        swapped = convert(model, attention, **options)
        torch.testing.assert_close(swapped(x), model(x), rtol=1e-4, atol=1e-5)


def test_the_reduction_starts_as_the_mean_of_its_block():
    model = build("vit_small_patch16_224")
    layer = attentions(convert(model, "sparse", sr_ratio=2))[0].layer
    maps = torch.randn(2, SMALL["embed_dim"], 4, 4)
    torch.testing.assert_close(layer.sr(maps), nn.functional.avg_pool2d(maps, 2))


def test_windows_are_shifted_in_every_other_block():
    layers = [a.layer for a in attentions(convert(build("vit_small_patch16_224"), "window"))]
    assert [layer.shift for layer in layers] == [False, True]


@pytest.mark.parametrize("attention", ["window", "sparse"])
def test_class_tokens_have_no_place_on_a_grid(attention):
    with pytest.raises(UserError, match="blocks.0.attn.*takes no class tokens"):
        convert(build("deit_tiny_patch16_224"), attention)


@pytest.mark.parametrize("name", ["beit_base_patch16_224", "vit_srelpos_small_patch16_224"])
def test_lost_relative_positions_are_said(name):
    with pytest.warns(UserWarning, match="loses its relative positions .*no other"):
        swapped = convert(build(name), "anchor")
    assert not any("relative_position" in key for key in attentions(swapped)[0].state_dict())


@pytest.mark.parametrize("name", [name for name in FAMILIES if "reg4" in name or "deit" in name])
def test_nothing_is_said_where_nothing_is_lost(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        convert(build(name), "anchor")


def test_a_copy_leaves_the_original_as_it_is():
    model = build("deit_tiny_patch16_224")
    before = copy.deepcopy(model.state_dict())
    x = images(model)
    expected = model(x)
    swapped = convert(model, "anchor", num_anchors=4)
    with torch.no_grad():
        for parameter in swapped.parameters():
            parameter.zero_()
    assert attentions(model) == []
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert torch.equal(model(x), expected)


def test_in_place_changes_the_model_itself_and_equals_the_copy():
    model = build("deit_tiny_patch16_224")
    x = images(model)
    swapped = convert(model, "dense-shared-qk")
    expected = swapped(x)
    proj = model.blocks[0].attn.proj
    assert convert(model, "dense-shared-qk", inplace=True) is model
    assert model.blocks[0].attn.layer.proj is proj
    assert torch.equal(model(x), expected)


def test_a_refusal_leaves_the_model_whole():
    model = build("deit_tiny_patch16_224")
    last = model.blocks[1].attn
    last.attn_drop.p = 0.1
    with pytest.raises(UserError, match=r"blocks\.1\.attn: Attention drops attention weights"):
        convert(model, "anchor", inplace=True)
    last.attn_drop.p = 0.0
    with pytest.raises(UserError, match="has no option num_anchor;"):
        convert(model, "anchor", inplace=True, num_anchor=3)
    assert attentions(model) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet18", "got ResNet without any .*first layer is conv1, Conv2d"),
        ("convnext_atto", r"got ConvNeXt without any .*first layer is stem\.0"),
        ("swin_tiny_patch4_window7_224", r"^layers\.0\.blocks\.0\.attn: .*got .*WindowAttention"),
        ("levit_128s", r"^stages\.0\.blocks\.0\.attn: .*got timm\.models\.levit\.Attention"),
        ("cait_xxs24_224", r"^blocks\.0\.attn: .*TalkingHeadAttn"),
        ("pit_ti_224", r"^transformers\.0\.blocks\.0\.attn: expected a model whose tokens keep"),
        ("eva02_tiny_patch14_224", r"^blocks\.0\.attn: Eva has rotary positions"),
    ],
)
def test_models_that_cannot_be_converted_are_refused_by_layer(name, message):
    with torch.device("meta"):
        model = timm.create_model(name)
    with pytest.raises(UserError, match=message):
        convert(model, "anchor")


def test_attention_with_more_than_a_mechanism_has_is_refused():
    from timm.layers import Attention as VitAttention

    model = build("vit_tiny_patch16_224")
    model.blocks[1].attn = VitAttention(48, 3, gated=True)
    with pytest.raises(UserError, match=r"blocks\.1\.attn: Attention gates its output"):
        convert(model, "anchor")
    model.blocks[1].attn = VitAttention(48, 3, attn_head_dim=8)
    with pytest.raises(UserError, match=r"blocks\.1\.attn: .*heads of 8 channels on 48"):
        convert(model, "anchor")


def test_a_converted_model_is_not_converted_again():
    swapped = convert(build("vit_tiny_patch16_224"), "dense")
    with pytest.raises(UserError, match=r"blocks\.0\.attn: .*converted already.*DenseAttention"):
        convert(swapped, "anchor")


def test_options_that_follow_from_the_model_are_refused():
    model = build("vit_tiny_patch16_224")
    with pytest.raises(UserError, match="num_prefix_tokens, qkv_bias come from the model"):
        convert(model, "anchor", qkv_bias=True, num_prefix_tokens=1)
    with pytest.raises(UserError, match="data is for mechanisms with learned anchors"):
        convert(model, "dense", data=[images(model)])


def test_a_plug_in_without_the_projections_is_refused():
    @register_attention("converted-mean", family="linear")
    class Mean(Attention):
        def forward(self, x, grid):
            return x.mean(1, keepdim=True).expand_as(x)

        def macs(self, grid, batch=1):
            return 0

    with pytest.raises(UserError, match=r"blocks\.0\.attn: Mean cannot take over weights"):
        convert(build("vit_tiny_patch16_224"), "converted-mean")


def test_trains_saves_and_loads():
    model = build("deit_tiny_distilled_patch16_224")
    swapped = convert(model, "anchor", num_anchors=4).train()
    x = images(model, batch=3)
    swapped(x).logsumexp(1).sum().backward()
    assert all(p.grad is not None for p in swapped.parameters())
    again = convert(build("deit_tiny_distilled_patch16_224"), "anchor", num_anchors=4)
    again.load_state_dict(swapped.state_dict())
    torch.testing.assert_close(again.eval()(x), swapped.eval()(x))
    torch.testing.assert_close(copy.deepcopy(swapped)(x), swapped(x))


def test_modes_and_frozen_weights_stay():
    model = build("deit_tiny_patch16_224").requires_grad_(False)
    model.train()
    model.blocks[1].attn.eval()
    layers = attentions(convert(model, "anchor"))
    assert [layer.training for layer in layers] == [True, False]
    trained = [name for name, p in layers[0].named_parameters() if p.requires_grad]
    assert trained == ["layer.anchors"]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", ["deit_tiny_patch16_224", "beit_base_patch16_224"])
def test_half_precision(name, dtype):
    model = build(name).to(dtype)
    x = images(model).to(dtype)
    dense = convert(model, "dense")
    torch.testing.assert_close(dense(x), model(x), rtol=0.1, atol=0.2)
    out = converted(model, "anchor")(x)
    assert out.dtype == dtype
    assert out.isfinite().all()


def test_macs_are_counted_and_follow_from_the_closed_forms():
    with torch.device("meta"):
        model = timm.create_model("deit_tiny_distilled_patch16_224").eval()
    swapped = convert(model, "anchor", num_anchors=30)
    x = torch.empty(1, 3, 224, 224, device="meta")
    grid = (14, 14)
    dense = attentions(convert(model, "dense"))[0].layer
    saved = 12 * (dense.macs(grid) - attentions(swapped)[0].layer.macs(grid))
    total = count_forward_macs(model, (x,)).products_macs - saved
    assert count_forward_macs(swapped, (x,), closed_form=total).products_macs == total
    assert total / 1e9 == pytest.approx(1.034, abs=5e-4)  # as the authors' own modules


def test_images_of_any_size_where_the_model_takes_them():
    model = build("vit_small_patch16_224", dynamic_img_size=True)
    swapped = convert(model, "dense")
    windows = convert(model, "window", window_size=8)
    for height, width in ((64, 96), (32, 64), (64, 64)):
        x = torch.randn(2, 3, height, width)
        torch.testing.assert_close(swapped(x), model(x), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(windows(x), model(x), rtol=1e-4, atol=1e-5)
    assert attentions(swapped)[0].tokens.grid() == (4, 4)


@pytest.mark.filterwarnings("ignore:torch.searchsorted")  # in timm's own interpolation
@pytest.mark.filterwarnings("ignore:Using a non-tuple sequence")
@pytest.mark.parametrize(
    "name", ["vit_tiny_patch16_224", "beit_base_patch16_224", "vit_relpos_small_patch16_224"]
)
def test_a_new_input_size_is_followed(name):
    model = build(name)
    swapped = convert(model, "dense")
    for either in (model, swapped):
        either.set_input_size((96, 32))
    x = torch.randn(2, 3, 96, 32)
    torch.testing.assert_close(swapped(x), model(x), rtol=1e-4, atol=1e-5)


def test_a_number_of_tokens_that_does_not_fit_is_refused():
    swapped = convert(build("vit_tiny_patch16_224"), "anchor")
    with pytest.raises(UserError, match=r"expected 17 tokens \(1 \+ 4 × 4\), got 16"):
        swapped.blocks[0].attn(torch.randn(1, 16, 48))


def test_masks_are_refused():
    swapped = convert(build("vit_tiny_patch16_224"), "anchor")
    with pytest.raises(UserError, match="neither masks nor rotary positions"):
        swapped.forward_features(torch.randn(1, 3, 64, 64), is_causal=True)


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
def test_compiles_in_one_graph():
    model = timm.create_model("deit_tiny_patch16_224", img_size=64, depth=2, num_classes=5).eval()
    swapped = convert(model, "anchor", num_anchors=4)
    images = torch.randn(2, 3, 64, 64)
    compiled = torch.compile(swapped, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(images), swapped(images))


def test_is_public():
    assert attnbench.convert is convert
    assert "convert" in attnbench.__all__
