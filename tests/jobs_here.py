"""Jobs of this machine run in the process of the tests: a new one takes seconds to import torch."""

from attnbench.executors.base import Ended


def run_here(executor, jobs, on_wait=lambda: None):
    """In place of `Local.run`."""
    for job in jobs:
        on_wait()
        yield Ended(job=job, answer=job.work())
