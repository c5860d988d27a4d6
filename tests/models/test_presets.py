"""The named models have their published sizes."""

import pytest
import torch

from attnbench.errors import UserError
from attnbench.models import MODELS
from attnbench.models.factory import create_model
from attnbench.profiling.counting.torch_count import count_by_torch


def size_of(name):
    """Parameters in millions and GMACs (matrix products and convolutions) at 224 px."""
    with torch.device("meta"):
        model, images = create_model(name).eval(), torch.empty(1, 3, 224, 224)
    params = sum(parameter.numel() for parameter in model.parameters())
    return params / 1e6, count_by_torch(model, (images,), ()).products_macs / 1e9


@pytest.mark.parametrize(
    ("name", "params", "giga_macs"),
    # AnchorFormer, table 1: budgets as printed.
    [("anchorformer-t", 4.2, 0.7), ("anchorformer-s", 18.6, 2.7), ("anchorformer-b", 63.5, 9.2)],
)
def test_fitted_models_meet_the_printed_budget(name, params, giga_macs):
    measured = size_of(name)
    assert measured[0] == pytest.approx(params, rel=0.015)
    assert measured[1] == pytest.approx(giga_macs, rel=0.015)


@pytest.mark.parametrize(
    ("name", "params", "giga_macs"),
    # Counted on the authors' modules (30 anchors shared by heads, both tokens) and on timm's DeiT.
    [("anchor-deit-t", 5.485, 1.034), ("anchor-deit-s", 20.676, 3.995),
     ("anchor-deit-b", 80.256, 15.697), ("deit-t", 5.717, 1.254), ("deit-s", 22.051, 4.599),
     ("deit-b", 86.568, 17.564)],
)  # fmt: skip
def test_deit_trunks_have_the_known_sizes(name, params, giga_macs):
    measured = size_of(name)
    assert measured == (pytest.approx(params, abs=6e-4), pytest.approx(giga_macs, abs=6e-4))


SMALL = [row.name for row in MODELS if row.name[-2:] == "-t" and row.task == "classification"]


@pytest.mark.parametrize("name", SMALL)
def test_small_presets_run_on_small_images(name):
    plain = name.startswith(("deit", "vit", "anchor-deit"))
    options = {"patch_size": 4} if plain else {"stem_stride": 2}
    assert create_model(name, 7, 32, **options)(torch.randn(2, 3, 32, 32)).shape == (2, 7)


def test_a_name_fixes_what_it_stands_for():
    with pytest.raises(UserError, match=r"stands for attention='anchor'.*pyramid-t"):
        create_model("anchorformer-t", attention="dense")


def test_open_trunks_take_any_attention():
    assert type(
        create_model("pyramid-t", attention="window").stages[0].blocks[0].attn
    ).__name__ == ("WindowAttention")


def test_unknown_names_and_options_are_answered():
    with pytest.raises(UserError, match="did you mean .*anchorformer-s"):
        create_model("anchorformer")
    with pytest.raises(UserError, match=r"no option stemstride; it has: .*stem_stride"):
        create_model("pyramid-t", stemstride=2)
