"""The rows of this project's mechanisms; what other tests register is none of them."""

from attnbench.attention import MECHANISMS
from baselines import ENTRIES

OURS = [*MECHANISMS, *(entry for entry in ENTRIES if entry.kind == "attention")]
NAMES = [entry.name for entry in OURS]
