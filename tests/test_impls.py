"""The table of implementations, without torch."""

import subprocess
import sys

from attnbench.impls import (
    default_impls,
    expected_kernel,
    is_fused,
    may_use_sdpa,
)
from attnbench.kernels.table import IMPLS


def test_it_loads_no_torch():
    program = (
        "import sys; from attnbench.impls import is_fused; is_fused('sdpa')\n"
        "assert 'torch' not in sys.modules, 'torch was imported'"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_row_says_what_it_is():
    assert all(row.name == name and row.summary for name, row in IMPLS.items())


def test_plain_operators_are_not_fused_and_unknown_code_may_be():
    plain = {name for name in IMPLS if not is_fused(name)}
    assert plain == {"reference", "folded", "decomposed", "sdpa-math"}
    assert is_fused("mine")


def test_what_is_not_fused_says_what_it_materialises():
    assert all(row.fused == (not row.materialises) for row in IMPLS.values())


def test_by_default_plain_code_is_measured_and_what_is_fast_on_every_device():
    assert default_impls() == ("reference", "sdpa", "folded", "decomposed")
    assert not any(IMPLS[name].devices for name in default_impls())


def test_each_kernel_of_torch_is_asked_for_by_one_name():
    asked = {name: expected_kernel(name) for name in IMPLS if expected_kernel(name)}
    assert asked == {
        "sdpa": "any",
        "sdpa-flash": "flash",
        "sdpa-efficient": "efficient",
        "sdpa-cudnn": "cudnn",
        "sdpa-math": "math",
    }
    assert expected_kernel("mine") == expected_kernel("") == ""


def test_only_calls_that_may_reach_torch_s_fused_attention_are_watched():
    watched = {name for name in IMPLS if may_use_sdpa(name)}
    assert watched == {name for name in IMPLS if expected_kernel(name)}
    assert may_use_sdpa("mine")
    assert may_use_sdpa("")  # a whole model


def test_compiled_code_is_never_watched():
    assert not any(row.compiled and may_use_sdpa(name) for name, row in IMPLS.items())
