"""Representative small models of timm: each is counted whole, in both directions.

`scripts/count_timm_families.py` tries every family; `docs/timm-families.md` has its table.
"""

import pytest
import torch
from torch import nn

from attnbench.models.factory import create_model
from attnbench.models.vit import VisionTransformer
from attnbench.profiling.counting.macs import count_forward_macs, count_macs


@pytest.mark.parametrize(
    "name",
    ["test_vit", "test_resnet", "test_efficientnet", "test_convnext", "test_byobnet",
     "test_maxvit", "test_mambaout"],
)  # fmt: skip
def test_both_counters_agree_and_a_training_step_is_counted(name):
    with torch.device("meta"):
        model, images = create_model(f"timm:{name}", 10, 160).eval(), torch.empty(2, 3, 160, 160)
    notes = []
    macs = count_macs(model, (images,), on_note=notes.append)
    assert notes == []
    assert 2.9 < macs.training_macs / macs.products_macs <= 3.0


def test_a_recurrent_layer_is_counted_by_torch_s_counter():
    # As in Sequencer: fvcore knows no formula for an LSTM, torch's counter sees its products.
    batch, steps, dim, hidden = 3, 4, 5, 7
    with torch.device("meta"):
        layer, x = nn.LSTM(dim, hidden, batch_first=True), torch.empty(batch, steps, dim)
    notes = []
    macs = count_forward_macs(layer, (x,), on_note=notes.append)
    assert macs.products_macs == batch * steps * 4 * hidden * (dim + hidden)
    assert notes == ["MACs by torch's counter alone: fvcore has no formula for aten::lstm"]


def test_resizing_positions_takes_no_macs():
    # As in NaFlexViT, and in our own trunk at another size than it was built for.
    with torch.device("meta"):
        built, resized = (VisionTransformer(5, size, dim=24, depth=1) for size in (64, 32))
        images = torch.empty(1, 3, 64, 64)
    counts = [count_macs(model, (images,)) for model in (built, resized)]
    assert counts[0].products_macs == counts[1].products_macs
    assert "upsample_bicubic2d_aa" in " ".join(counts[1].uncounted)
