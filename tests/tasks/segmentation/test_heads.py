"""Published sizes, any strides and sizes of maps, and what cannot be trained."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from attnbench.errors import UserError
from attnbench.models.backbone import FeatureInfo
from attnbench.models.factory import create_model
from attnbench.models.options import attention_inside
from attnbench.registry import MODELS
from attnbench.tasks.segmentation.models import create_segmenter
from attnbench.tasks.segmentation.semantic_fpn import SemanticFPN
from attnbench.tasks.segmentation.uper_net import UperNet

ADE20K = {"num_classes": 150, "img_size": (512, 2048)}
SWIN = "timm:swin_tiny_patch4_window7_224"


@pytest.mark.parametrize(
    ("backbone", "head", "options", "params", "giga_macs", "of_backbone"),
    [
        ("timm:resnet50d", "semantic-fpn", {}, 28_514_806, 182.2, 90.4),
        ("timm:resnet50d", "uper-net", {}, 66_516_108, 951.3, 90.4),
        (SWIN, "semantic-fpn", {"norm_maps": True}, 31_893_840, 185.7, 99.0),
        (SWIN, "uper-net", {"norm_maps": True}, 59_941_862, 944.4, 99.0),
        ("timm:pvt_v2_b2", "semantic-fpn", {}, 29_116_502, 229.2, 143.4),
        ("timm:pvt_v2_b2", "uper-net", {}, 55_337_708, 985.9, 143.4),
    ],
)  # Parameters in millions and GMACs agree with those of mmsegmentation's models.
def test_sizes_are_the_published_ones(backbone, head, options, params, giga_macs, of_backbone):
    with torch.device("meta"):
        model = create_segmenter(backbone=backbone, head=head, **ADE20K, **options).eval()
    image = torch.empty(1, 3, *ADE20K["img_size"], device="meta")
    assert sum(p.numel() for p in model.parameters()) == params
    with torch.no_grad():
        with FlopCounterMode(display=False) as whole:
            (logits,) = model(image)
        with FlopCounterMode(display=False) as trunk:
            model.backbone.features(image)
    assert logits.shape == (1, 150, 128, 512)
    assert whole.get_total_flops() / 2e9 == pytest.approx(giga_macs, abs=0.06)
    assert trunk.get_total_flops() / 2e9 == pytest.approx(of_backbone, abs=0.06)


def maps_of(strides, size, channels=(4, 6, 8, 10), batch=2):
    infos = [FeatureInfo(channels=c, stride=s) for c, s in zip(channels, strides, strict=False)]
    return infos, [torch.randn(batch, i.channels, *(-(-side // i.stride) for side in size))
                   for i in infos]  # fmt: skip


@pytest.mark.parametrize("strides", [(4, 8, 16, 32), (2, 4, 8, 16), (16,), (16, 16, 16), (4, 16)])
@pytest.mark.parametrize("size", [(64, 64), (70, 97)])
@pytest.mark.parametrize("head", [SemanticFPN, UperNet])
def test_maps_of_any_number_and_size_become_logits_on_the_finest(strides, size, head):
    infos, maps = maps_of(strides, size)
    logits = head(infos, 5, 8)(maps)
    assert logits.shape == (2, 5, *maps[0].shape[-2:])
    logits.sum().backward()


def test_strides_that_do_not_double_are_refused_by_semantic_fpn_alone():
    infos, maps = maps_of((4, 12), (48, 48))
    with pytest.raises(UserError, match="strides that double .* got 12 over 4; take --head"):
        SemanticFPN(infos, 5, 8)
    assert UperNet(infos, 5, 8)(maps).shape == (2, 5, 12, 12)


def test_one_image_trains_with_semantic_fpn_and_is_refused_by_uper_net():
    infos, maps = maps_of((4, 8), (32, 32), batch=1)
    assert SemanticFPN(infos, 5, 8)(maps).shape == (1, 5, 8, 8)
    head = UperNet(infos, 5, 8)
    with pytest.raises(UserError, match="at least 2 images a step in training, got 1.*batch-size"):
        head(maps)
    assert head.eval()(maps).shape == (1, 5, 8, 8)


@pytest.mark.parametrize(
    ("name", "options", "inside"),
    [
        ("anchorformer-seg-t", {}, "anchor"),
        ("pyramid-seg-t", {"attention": "window"}, "window"),
        ("semantic-fpn:anchorformer-t", {}, "anchor"),
        ("uper-net:timm:resnet18", {}, ""),
    ],
)
def test_models_are_built_by_name(name, options, inside):
    narrow = {"head_width": 8} if ":" in name else {}
    model = create_model(name, 7, 64, **narrow, **options)
    assert MODELS.find(name).task == "segmentation"
    assert attention_inside(name, options) == inside
    outputs = model(torch.randn(2, 3, 64, 96))
    assert outputs[0].shape == (2, 7, 16, 24)
    assert len(outputs) == (2 if name.startswith("uper") else 1)
    assert len(model.eval()(torch.randn(1, 3, 50, 70))) == 1


def test_an_unknown_backbone_or_head_is_named():
    with pytest.raises(UserError, match="resnet18"):
        create_model("semantic-fpn:timm:resnet19", 7, 64)
    with pytest.raises(UserError, match="one of semantic-fpn, uper-net, got 'deeplab'"):
        create_segmenter(backbone="pyramid-t", head="deeplab")
