from pathlib import Path

import pytest

from attnbench import plugins, registry
from attnbench.benchmark.counts import count_cell
from attnbench.benchmark.subject import subject_of
from attnbench.profiling.counting.formulas import USER_FORMULAS
from attnbench.records import Macs
from attnbench.spec import Workload

PLUGIN = str(Path(__file__).with_name("written.py"))


class Counted:
    """The counted fields of a cell."""

    macs: Macs

    def __init__(self, name, **workload):
        workload = {"grid": (14, 14), "dim": 192, "num_heads": 3, **workload}
        self.workload = Workload(attention=name, **workload)
        found = {}
        count_cell(subject_of(self.workload), self.workload, found)
        self.macs, self.notes, self.params = found["macs"], found["notes"], found["params"]

    @property
    def numbers(self):
        return self.macs.products_macs, self.macs.training_macs


@pytest.fixture(scope="session")
def written():
    """The entries of the plug-in; other tests do not see them."""
    before = set(registry.ATTENTIONS.names())
    registry.load_plugin(PLUGIN)
    plugins._loaded_plugins.remove(PLUGIN)
    entries = registry.ATTENTIONS._entries
    return {name: entries.pop(name) for name in set(entries) - before}


@pytest.fixture
def count(written):
    registry.ATTENTIONS._entries.update(written)
    yield Counted
    for name in written:
        del registry.ATTENTIONS._entries[name]


@pytest.fixture
def formulas():
    """Formulas that are registered inside are forgotten afterwards."""
    before = dict(USER_FORMULAS)
    yield
    USER_FORMULAS.clear()
    USER_FORMULAS.update(before)
