"""The colour of each family and mechanism."""

from __future__ import annotations

from attnbench.analysis.frame.frames import build
from attnbench.report.figures.colours import FAMILIES, OTHER, hue_of, lines_of, style_of


def test_families_have_colours_and_markers_of_their_own():
    assert len({color for color, _ in FAMILIES.values()}) == len(FAMILIES)
    assert len({marker for _, marker in FAMILIES.values()}) == len(FAMILIES)


def test_a_known_family_gives_its_style_to_all_of_its_mechanisms():
    assert hue_of("anchor", "anchor-select") == "anchor"
    assert style_of("anchor") == FAMILIES["anchor"]


def test_a_mechanism_of_an_unknown_family_has_a_style_of_its_own():
    hues = [
        hue_of(family, name) for family, name in ((OTHER, "a"), (OTHER, "b"), ("low-rank", "c"))
    ]
    styles = [style_of(hue) for hue in hues]
    assert len({color for color, _ in styles}) == 3
    assert not {color for color, _ in styles} & {color for color, _ in FAMILIES.values()}
    assert not {marker for _, marker in styles} & {marker for _, marker in FAMILIES.values()}
    assert styles == [style_of(hue) for hue in hues]


def test_a_model_without_a_mechanism_of_ours_is_grey():
    assert style_of(hue_of(OTHER, "")) == FAMILIES[OTHER]


def test_lines_of_one_hue_go_by_code_then_by_the_value_of_the_option(layer):
    counts = (100, 10, 30)
    records = [layer("anchor", options={"num_anchors": count}) for count in counts]
    layers = build(records).layers
    lines = lines_of(layers.assign(series=layers["implementation_key"]))
    assert [key.options["num_anchors"] for key in lines] == [10, 30, 100]
    assert len({line.color for line in lines.values()}) == 3
