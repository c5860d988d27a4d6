"""The script that counts timm's families: it picks small models and says what was refused."""

import importlib
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    return importlib.import_module("count_timm_families")


@pytest.mark.parametrize(
    ("names", "smallest"),
    [
        (["swin_base_patch4_window7_224", "swin_tiny_patch4_window7_224"], "swin_tiny"),
        (["resnet50", "resnet18", "test_resnet"], "resnet18"),
        (["poolformer_s36", "poolformer_s12", "caformer_b36"], "poolformer_s12"),
        (["vit_tiny_patch16_384", "vit_tiny_patch16_224"], "vit_tiny_patch16_224"),
    ],
)
def test_the_smallest_model_is_found_by_its_name(script, names, smallest):
    assert min(names, key=script.apparent_size).startswith(smallest)


def test_a_family_is_counted_with_its_maps(script):
    line = script.look_at("vision_transformer", "test_vit")
    assert (line.reason, line.note, line.maps) == ("", "", "16, 16, 16")
    assert line.macs > 0


def test_the_page_names_what_was_refused_and_why(script):
    lines = [
        script.Line(family="good", model="a", macs=2_500_000, maps="4, 8"),
        script.Line(family="half", model="b", macs=1_000_000, note="fvcore has none", maps="16"),
        script.Line(family="bad", model="c", reason="no formula for aten::strange"),
    ]
    text = "\n".join(script.page(lines))
    assert "- 2 of 3 are counted, 1 of them by both counters" in text
    assert "- By torch's counter alone: half." in text
    assert "- Refused: bad." in text
    assert "| good | `a` | 2.5 | yes |  | 4, 8 |" in text
    assert "| bad | `c` |  |  | no formula for aten::strange |  |" in text
