"""timm's names: their families, suggestions for unknown names, and no import of torch."""

import subprocess
import sys

import pytest

from attnbench.errors import UserError
from attnbench.models.from_timm.names import architectures, default_input_size
from attnbench.registry import MODELS


def test_any_name_of_timm_is_found_with_and_without_a_tag():
    for name in ("timm:resnet18", "timm:resnet18.a1_in1k"):
        entry = MODELS.find(name)
        assert (entry.kind, entry.name, entry.family) == ("model", name, "resnet")
    assert "timm:resnet18" not in MODELS.names()


def test_unknown_names_and_tags_are_answered_with_near_ones():
    with pytest.raises(
        UserError, match=r"no model 'resnet19': did you mean timm:resnet18 .*--timm"
    ):
        MODELS.find("timm:resnet19")
    with pytest.raises(
        UserError, match=r"no model 'vgg11.none': did you mean timm:vgg11 or .*vgg11"
    ):
        MODELS.find("timm:vgg11.none")
    with pytest.raises(UserError, match="no model 'hf-hub:somebody/something'"):
        MODELS.find("timm:hf-hub:somebody/something")
    with pytest.raises(UserError, match="unknown model 'resnet18'"):
        MODELS.find("resnet18")


def test_patterns_give_name_family_and_size():
    found = {model.name: model for model in architectures("swin*window7_224")}
    tiny = found["timm:swin_tiny_patch4_window7_224"]
    assert (tiny.family, tiny.input_size) == ("swin_transformer", (224, 224))
    assert architectures("timm:vgg11") == architectures("vgg11")
    with pytest.raises(UserError, match=r"no model of timm matches 'swon\*'; a pattern must"):
        architectures("swon*")


def test_the_tag_decides_the_size():
    assert default_input_size("vit_base_patch16_siglip_384") == (384, 384)
    assert default_input_size("resnet50.a1_in1k") != default_input_size("resnet50.a3_in1k")


def test_the_table_of_models_loads_neither_torch_nor_timm():
    code = (
        "import sys; from attnbench.registry import MODELS; MODELS.list(); "
        "import attnbench.models.from_timm.names; "
        "sys.exit(bool({'torch', 'timm'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
