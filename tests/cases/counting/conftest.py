from pathlib import Path

import pytest

from attnbench.benchmark.counts import count_cell
from attnbench.benchmark.subject import subject_of
from attnbench.profiling.counting.formulas import USER_FORMULAS
from attnbench.records import Macs
from attnbench.registry import load_plugin
from attnbench.spec import Workload


class Counted:
    """The counted fields of a cell."""

    macs: Macs

    def __init__(self, name, **workload):
        load_plugin(str(Path(__file__).with_name("written.py")))
        workload = {"grid": (14, 14), "dim": 192, "num_heads": 3, **workload}
        self.workload = Workload(attention=name, **workload)
        self.found = {}
        try:
            count_cell(subject_of(self.workload), self.workload, self.found)
        finally:
            self.macs = self.found.get("macs")
            self.notes = self.found.get("notes", ())
            self.params = self.found.get("params")

    @property
    def numbers(self):
        return self.macs.products_macs, self.macs.training_macs


@pytest.fixture
def count():
    return Counted


@pytest.fixture
def formulas():
    """Formulas that are registered inside are forgotten afterwards."""
    before = dict(USER_FORMULAS)
    yield
    USER_FORMULAS.clear()
    USER_FORMULAS.update(before)
