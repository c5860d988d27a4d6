"""How threads wait: what is asked of OpenMP, when, and what the record says."""

import os
import subprocess
import sys

import pytest

from attnbench.waiting import let_waiting_threads_sleep, wait_policy

VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


def environment_after(program, **variables):
    """The policy after a program in a fresh interpreter, and whether that has loaded torch."""
    kept = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    show = (
        "import sys; from attnbench.waiting import wait_policy; "
        "print(wait_policy() or 'none', 'torch' in sys.modules, sep='; ')"
    )
    found = subprocess.run(
        [sys.executable, "-c", f"{program}\n{show}"],
        env={**kept, **variables}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return found.stdout.splitlines()[-1]


COMMAND = """
import sys
from attnbench.cli import main
sys.argv = ["attnbench", "--version"]
try:
    main()
except SystemExit:
    pass
"""


def test_a_command_asks_before_torch_is_loaded():
    assert environment_after(COMMAND) == "passive; False"


def test_what_the_user_chose_stays():
    assert environment_after(COMMAND, OMP_WAIT_POLICY="active") == "active; False"
    assert environment_after(COMMAND, GOMP_SPINCOUNT="10") == "GOMP_SPINCOUNT=10; False"


def test_importing_the_package_changes_nothing():
    assert environment_after("import attnbench.cli.profile") == "none; False"


def test_nothing_is_asked_of_a_torch_that_is_loaded():
    assert "torch" in sys.modules
    environment = {}
    assert not let_waiting_threads_sleep(environment)
    assert environment == {}


@pytest.mark.parametrize(
    ("variables", "policy"),
    [
        ({}, ""),
        ({"OMP_WAIT_POLICY": "PASSIVE"}, "passive"),
        ({"OMP_WAIT_POLICY": " active "}, "active"),
        ({"GOMP_SPINCOUNT": "100"}, "GOMP_SPINCOUNT=100"),
        ({"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "1"}, "passive, KMP_BLOCKTIME=1"),
    ],
)
def test_the_record_names_what_is_in_force(variables, policy):
    assert wait_policy(variables) == policy
