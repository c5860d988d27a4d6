"""The trust in a latency beside the measured limits of its machine.

A latency below what the best measured rate of products allows for the counted work stands for work
that was not done, or for a limit that was measured on a disturbed machine: do not quote it.
"""

from __future__ import annotations

from attnbench.analysis.limits.roofline import Ceilings
from attnbench.records import CostRecord
from attnbench.records.doubts.doubt import Doubt
from attnbench.records.doubts.impossible import impossible
from attnbench.records.trust import Trust, trust_in, trust_with

SLACK = 1.1
"""Factor by which a rate may exceed the measured limit: noise of both."""


def faster_than_the_machine(record: CostRecord, ceilings: Ceilings) -> Doubt | None:
    """The doubt, if the latency is impossible on its machine; None where no limit is known."""
    limits = ceilings.of(record)
    if limits is None or limits.macs_per_s is None:
        return None
    return impossible(record, SLACK * limits.macs_per_s, "this machine, by `attnbench ceilings`,")


def trust_beside(record: CostRecord, ceilings: Ceilings) -> Trust:
    """The trust in a record that has a latency, its machine's measured limits included."""
    return trust_with(trust_in(record), faster_than_the_machine(record, ceilings))
