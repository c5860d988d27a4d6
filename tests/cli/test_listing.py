"""`attnbench list models --timm` lists timm's models under names that every command takes."""

from our_mechanisms import OURS


def test_timm_s_models_are_listed_by_pattern(attnbench):
    code, out, _ = attnbench("list", "models", "--timm", "swin_t*")
    assert code == 0
    (line,) = (line for line in out.splitlines() if "timm:" in line)
    for text in ("timm:swin_tiny_patch4_window7_224", "swin_transformer", "224 × 224"):
        assert text in line


def test_a_pattern_without_a_match_and_other_lists_are_refused(attnbench):
    code, _, err = attnbench("list", "models", "--timm", "swon*")
    assert (code, "no model of timm matches 'swon*'" in err) == (2, True)
    code, _, err = attnbench("list", "datasets", "--timm", "swin*")
    assert (code, "--timm works with models only, got 'datasets'" in err) == (2, True)


def test_every_attention_says_its_family_cost_source_and_equation():
    for entry in OURS:
        assert entry.family, entry.name
        assert entry.cost.startswith("O("), entry.name
        assert any(sign in entry.summary for sign in ("V", "Q")), entry.name
        place = entry.link.removeprefix("https://")
        known = place.startswith(("arxiv.org/abs/", "aclanthology.org/"))
        assert known or (entry.paper, entry.link) == ("this project", ""), entry.name
