"""The table of baselines is found by the entry point, and its rows are complete."""

import pytest

import baselines
from attnbench.registry import MODELS
from baselines.system import NO_LICENCE


def test_names_are_unique_and_registered():
    names = [system.name for system in baselines.SYSTEMS]
    assert len(names) == len(set(names))
    assert set(names) <= set(MODELS.names())


@pytest.mark.parametrize("system", baselines.SYSTEMS, ids=lambda system: system.name)
def test_each_says_paper_code_and_licence(system):
    assert system.source.link.startswith("https://arxiv.org/abs/")
    assert system.source.code.startswith("https://github.com/")
    assert system.source.licence in ("Apache-2.0", "MIT", NO_LICENCE)
    assert system.source.licence in system.entry.summary
    assert system.name.startswith("timm-") == system.pretrained
