"""xformers: refusals and tensor layout, with fake operators, or real ones on CUDA."""

import logging
import sys
import types

import pytest
import torch

from attnbench.errors import UserError
from attnbench.kernels.conditions import CallConditions
from attnbench.kernels.softmax import xformers as adapter
from attnbench.kernels.softmax.sdpa import sdpa


@pytest.fixture(autouse=True)
def nothing_remembered():
    """Each test imports xformers, or what stands for it, anew."""
    for cached in (adapter._import_problem, adapter._operator):
        cached.cache_clear()
    yield
    for cached in (adapter._import_problem, adapter._operator):
        cached.cache_clear()


@pytest.fixture
def install(monkeypatch):
    """Puts a function in the place of xformers' operator."""

    def put(attend):
        package, ops = types.ModuleType("xformers"), types.ModuleType("xformers.ops")
        ops.memory_efficient_attention = attend
        monkeypatch.setitem(sys.modules, "xformers", package)
        monkeypatch.setitem(sys.modules, "xformers.ops", ops)

    return put


def setting(device="cuda", dtype=torch.float16, head_dim=64, **others):
    return CallConditions(device=device, dtype=dtype, head_dim=head_dim, **others)


def test_heads_come_after_tokens_and_the_scale_is_passed_on(install):
    def attend(query, key, value, scale):
        assert query.shape == (2, 7, 3, 8)
        assert all(tensor.stride(-1) == 1 for tensor in (query, key, value))
        return sdpa(*(t.transpose(1, 2) for t in (query, key, value)), scale=scale).transpose(1, 2)

    install(attend)
    query, key = torch.randn(2, 3, 7, 8), torch.randn(2, 3, 8, 5).mT
    came = adapter.xformers_attention(query, key, key, scale=0.7)
    torch.testing.assert_close(came, sdpa(query, key, key, scale=0.7))


def test_what_xformers_says_against_a_call_becomes_one_line(install):
    def attend(query, key, value, scale):
        raise NotImplementedError("No operator found\n  for `f`:\n    device=cpu")

    install(attend)
    x = torch.zeros(1, 1, 1, 8)
    expected = "^impl 'xformers' cannot run here: No operator found for `f`: device=cpu$"
    with pytest.raises(UserError, match=expected):
        adapter.xformers_attention(x, x, x, scale=1.0)


def test_a_bias_is_refused_and_not_left_out(install):
    install(lambda query, key, value, scale: value)
    x = torch.zeros(1, 1, 8, 8)
    with pytest.raises(UserError, match="impl 'xformers' cannot run here: .* bias"):
        adapter.xformers_attention(x, x, x, scale=1.0, bias=x)
    assert "bias" in adapter.xformers_reason(setting(bias="fixed"))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (setting(gradients=True), None),
        (setting(dtype=torch.float32, head_dim=20), None),
        (setting(device="cpu"), "xformers needs CUDA, got cpu"),
        (setting(dtype=torch.float64), "xformers takes float32, bfloat16, float16, got float64"),
        (setting(head_dim=20), "xformers takes head widths that are multiples of 8, got 20"),
    ],
)
def test_reasons(install, where, expected):
    install(lambda *args, **kwargs: None)
    assert adapter.xformers_reason(where) == expected


def test_a_package_that_is_not_there_is_a_reason(monkeypatch):
    monkeypatch.setitem(sys.modules, "xformers", None)
    monkeypatch.setitem(sys.modules, "xformers.ops", None)
    assert adapter.xformers_reason(setting()) == "xformers is not installed: pip install xformers"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise OSError('undefined symbol: f\\nmore')",
         "importing xformers failed with OSError: undefined symbol: f"),
        ("import nothing_of_that_name",
         "importing xformers failed: No module named 'nothing_of_that_name'"),
        ("", "importing xformers failed with ImportError: cannot import name"),
    ],
)  # fmt: skip
def test_a_package_that_does_not_import_is_a_reason(tmp_path, monkeypatch, source, reason):
    for name in [name for name in sys.modules if name.partition(".")[0] == "xformers"]:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "xformers").mkdir()
    (tmp_path / "xformers" / "__init__.py").write_text("")
    (tmp_path / "xformers" / "ops.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    assert adapter.xformers_reason(setting()).startswith(reason)
    for name in ("xformers", "xformers.ops"):  # what was imported from here
        sys.modules.pop(name, None)


def test_on_the_cpu_xformers_is_not_even_imported(monkeypatch):
    monkeypatch.setattr(adapter, "_operator", lambda: pytest.fail("it was imported"))
    assert adapter.xformers_reason(setting(device="cpu")) == "xformers needs CUDA, got cpu"


@pytest.mark.slow
def test_the_installed_package_imports_without_a_word_or_gives_a_reason(capfd):
    """Whatever is installed here, and whatever torch it was built for."""
    reason = adapter._import_problem()
    assert reason is None or reason.startswith(("xformers is not installed", "importing xformers"))
    assert capfd.readouterr() == ("", "")
    assert not logging.getLogger("xformers").disabled


@pytest.mark.slow
def test_the_installed_package_refuses_the_cpu_in_one_line():
    if adapter._import_problem():
        with pytest.raises(ImportError):
            adapter._operator()
        return
    x = torch.zeros(1, 1, 1, 8)
    with pytest.raises(UserError, match="^impl 'xformers' cannot run here: No operator found.*cpu"):
        adapter.xformers_attention(x, x, x, scale=1.0)
