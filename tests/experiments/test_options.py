from dataclasses import replace

import pytest

from attnbench.errors import UserError
from attnbench.experiments.options import model_options
from attnbench.models.factory import create_model
from attnbench.models.options import attention_inside


def sized(data, img_size, photographs=True):
    return replace(data, img_size=(img_size, img_size), photographs=photographs)


@pytest.mark.parametrize(
    ("model", "img_size", "photographs", "expected"),
    [
        ("pyramid-t", 63, True, {"stem_stride": 2}),
        ("pyramid-t", 64, True, {}),
        ("pyramid-t", 32, False, {}),  # digits: 8 × 8 pixels enlarged
        ("anchorformer-t", 32, True, {"stem_stride": 2}),
        ("vit-t", 32, True, {"patch_size": 4}),
        ("vit-t", 32, False, {"patch_size": 4}),
        ("vit-t", 8, True, {"patch_size": 2}),
        ("vit-t", 64, True, {}),
        ("timm-swin-t", 32, True, {}),
    ],
)
def test_small_images_change_the_first_stride_of_our_trunks(
    data, model, img_size, photographs, expected
):
    assert model_options(model, sized(data, img_size, photographs)) == expected


def test_options_go_to_the_attention_inside(data):
    options = model_options("pyramid-t", sized(data, 64), "anchor", {"num_anchors": 5})
    assert options == {"attention": "anchor", "attention_options": {"num_anchors": 5}}


def test_an_option_that_only_the_model_has_goes_to_the_model(data):
    asked = {"head_width": 32, "num_anchors": 5}
    options = model_options("uper-net:pyramid-t", sized(data, 64), "anchor", asked)
    inside = {"attention": "anchor", "attention_options": {"num_anchors": 5}}
    assert options == {"head_width": 32, **inside}


def test_a_model_without_attention_of_ours_gets_them_itself(data):
    options = model_options("anchor-levit-128", sized(data, 224), None, {"num_anchors": 5})
    assert options == {"num_anchors": 5}


@pytest.mark.parametrize("model", ["pyramid-t", "anchorformer-t", "anchor-levit-128"])
def test_an_unknown_option_is_refused_with_those_there_are(data, model):
    options = model_options(model, sized(data, 64), None, {"rank": 5})
    with pytest.raises(UserError, match=r"no option rank; it has: .*"):
        create_model(model, 3, 64, **options)


@pytest.mark.parametrize(
    ("model", "options", "expected"),
    [
        ("pyramid-t", {}, "dense"),
        ("pyramid-t", {"attention": "window"}, "window"),
        ("anchorformer-t", {}, "anchor"),
        ("timm-swin-t", {}, ""),
        ("anchor-levit-128", {}, ""),
    ],
)
def test_the_mechanism_inside_is_known_by_name(model, options, expected):
    assert attention_inside(model, options) == expected


def test_the_attention_of_a_strangers_model_may_be_something_else(register):
    def strange(num_classes, img_size, *, attention="se-block"):
        raise NotImplementedError

    assert attention_inside(register("strange", strange), {}) == ""
