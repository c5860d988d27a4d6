"""EfficientDet: a missing package is told, and sizes that are not fixed change no output."""

import sys

import pytest
import torch

from attnbench.errors import UserError
from attnbench.models.factory import create_model
from baselines.detectors.efficientdet import effdet_package


def test_without_the_package_the_extra_is_named(monkeypatch):
    effdet_package.cache_clear()
    monkeypatch.setitem(sys.modules, "effdet", None)
    with pytest.raises(UserError, match=r"install the extra: pip install 'attnbench\[effdet\]'"):
        create_model("efficientdet-d0", 3, 64)


def test_it_answers_as_the_network_of_the_package_at_the_size_that_it_is_built_for():
    pytest.importorskip("effdet")
    model = create_model("efficientdet-d0", 3, (100, 128)).eval()
    plain = effdet_package().create_model(
        "tf_efficientdet_d0", num_classes=3, pretrained_backbone=False, image_size=(128, 128)
    )
    plain.load_state_dict(model.model.state_dict())
    images = torch.randn(1, 3, 128, 128)
    with torch.no_grad():
        classes, boxes = plain.eval()(images)
        found = model(images)
    torch.testing.assert_close(found, {"classes": list(classes), "boxes": list(boxes)})
