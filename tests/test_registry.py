from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from attnbench import plugins, registry
from attnbench.errors import UserError
from attnbench.registry import Entry, Registry

TABLE = (
    Entry(kind="attention", name="dense", target="math:sqrt", family="dense"),
    Entry(kind="attention", name="window", target="math:exp", family="window"),
)


@pytest.fixture(autouse=True)
def only_our_plugins(monkeypatch):
    """No test here depends on what happens to be installed."""
    monkeypatch.setattr(plugins.importlib.metadata, "entry_points", lambda group: ())
    monkeypatch.setattr(plugins, "_installed_plugins_loaded", False)


@pytest.fixture
def attentions(monkeypatch):
    monkeypatch.setitem(sys.modules, "a_table", SimpleNamespace(ROWS=TABLE))
    ours = Registry("attention", table="a_table:ROWS")
    monkeypatch.setitem(registry._REGISTRIES, "attention", ours)
    monkeypatch.setattr(registry, "ATTENTIONS", ours)
    return ours


def entry(name, target="math:cos", family="dense"):
    return Entry(kind="attention", name=name, target=target, family=family)


def test_names_keep_the_order_of_the_table(attentions):
    attentions.register(entry("aaa"))
    assert attentions.names() == ["dense", "window", "aaa"]


def test_a_target_is_imported_when_it_is_asked_for(attentions):
    assert attentions.load("dense")(9) == 3


def test_an_unknown_name_is_answered_with_the_nearest(attentions):
    with pytest.raises(UserError, match=r"'windw': did you mean window\?.*list attentions"):
        attentions.find("windw")
    with pytest.raises(UserError, match="no similar name exists"):
        attentions.find("zzz")


def test_a_taken_name_is_refused_and_both_owners_are_named(attentions):
    with pytest.raises(UserError, match=r"math:sqrt.*math:cos"):
        attentions.register(entry("dense"))


def test_the_same_row_may_come_twice(attentions):
    attentions.register(TABLE[0])
    assert attentions.names() == ["dense", "window"]


def test_the_decorator_registers_and_returns_the_class(attentions):
    @registry.register_attention("mine", family="linear", summary="a sum")
    class Mine:
        pass

    assert attentions.load("mine") is Mine
    assert attentions.find("mine").family == "linear"


def test_a_table_that_fails_to_import_fails_every_time():
    broken = Registry("attention", table="no_such_module:ROWS")
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError):
            broken.list()


def test_a_file_plugin_registers_what_it_declares(attentions, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from attnbench.registry import Entry\n"
        "ENTRIES = [Entry(kind='attention', name='mine', target='math:sin', family='other')]\n"
    )
    registry.load_plugin(str(file))
    assert attentions.load("mine")(0) == 0


@pytest.mark.parametrize(
    ("source", "message"),
    [("missing.py", "no such file"), ("no_such_module", "ModuleNotFoundError")],
)
def test_a_plugin_that_is_not_there_is_the_users_to_mend(source, message):
    with pytest.raises(UserError, match=f"--plugin {source}: .*{message}"):
        registry.load_plugin(source)


def test_a_plugin_that_raises_is_named_with_its_error(tmp_path):
    file = tmp_path / "bad.py"
    file.write_text("1 / 0")
    with pytest.raises(UserError, match="ZeroDivisionError"):
        registry.load_plugin(str(file))


def test_one_bad_installed_plugin_costs_nobody_else_anything(attentions, monkeypatch):
    def fail():
        raise RuntimeError("broken on purpose")

    points = [
        SimpleNamespace(name="bad", value="bad:ENTRIES", load=fail),
        SimpleNamespace(name="good", value="good:ENTRIES", load=lambda: [entry("theirs")]),
    ]
    monkeypatch.setattr(plugins.importlib.metadata, "entry_points", lambda group: points)
    with pytest.warns(UserWarning, match="'bad' .* was skipped: .*broken on purpose"):
        assert attentions.names() == ["dense", "window", "theirs"]


def test_the_vocabulary_and_the_tables_load_no_torch():
    program = (
        "import sys; import attnbench.records.store, attnbench.spec, attnbench.units\n"
        "from attnbench.registry import ATTENTIONS; ATTENTIONS.names()\n"
        "assert 'torch' not in sys.modules, 'torch was imported'"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
