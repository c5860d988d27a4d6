"""Users without a name or a home, as in a container that runs under a number of its own.

Libraries ask for the name of the user, to tell caches apart: torch's compiler raises where there
is none. Python looks into these variables first, and a process that is started inherits them.
"""

from __future__ import annotations

import getpass
import os
from collections.abc import MutableMapping


def let_nameless_users_work(environment: MutableMapping[str, str] = os.environ) -> bool:
    """Give a user without an entry in the list of users a name: "user-" and the number.

    Returns:
        Whether it was done. A user with a name keeps it.
    """
    try:
        getpass.getuser()
    except (KeyError, OSError, ImportError):  # by version of Python
        environment["USER"] = f"user-{os.getuid() if hasattr(os, 'getuid') else 0}"
        return True
    return False
