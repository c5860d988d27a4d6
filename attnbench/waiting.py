"""How the threads of an operator wait for one another.

The threads of OpenMP meet at the end of every operator. Unless told otherwise, one that arrives
early keeps its core busy for milliseconds. Where another program needs that core, the sibling that
all wait for gets no turn meanwhile: such a wait lasts a hundred times as long as the operator.

The OpenMP of torch (GNU's; LLVM's and Intel's too) reads these variables once, when it is loaded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping

POLICY = "OMP_WAIT_POLICY"
"""OpenMP 5.2, section 21.2.7: "passive" threads sleep while they wait, "active" ones do not."""
DETAILS = ("GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""How long threads wait before they sleep: rounds (GNU), milliseconds (LLVM, Intel)."""
ASKED = {POLICY: "passive"}
"""Waking a thread takes about as long as a small operator, so this costs speed on a quiet machine.
What it buys is the same speed on a busy one (docs/measuring.md has the numbers, and those of a
short wait, which is as fast as a long one at times and slower than sleep at others)."""


def let_waiting_threads_sleep(environment: MutableMapping[str, str] = os.environ) -> bool:
    """Ask for threads that sleep while they wait, here and in processes started from here.

    Returns:
        Whether it was done. Nothing is changed if the user has chosen a policy, or if torch is
        loaded, as its OpenMP no longer looks.
    """
    if "torch" in sys.modules or any(environment.get(name) for name in (POLICY, *DETAILS)):
        return False
    environment.update(ASKED)
    return True


def wait_policy(environment: MutableMapping[str, str] = os.environ) -> str:
    """The policy in force, as records name it: "passive", "active" or "" for OpenMP's own.

    What else the user has set follows: "passive, GOMP_SPINCOUNT=1000".
    """
    policy = environment.get(POLICY, "").strip().lower()
    details = [f"{name}={environment[name].strip()}" for name in DETAILS if environment.get(name)]
    return ", ".join(filter(None, [policy, *details]))
