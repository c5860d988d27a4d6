"""A process that measures cells: kept warm from one comparison to the next, replaced on failure.

A cell may run out of memory, hang, or crash the interpreter. It then takes this process down and
not the sweep: how the process ended becomes status and reason of the cell. The process imports
everything anew, plug-ins included. Torch is imported inside functions here, because the first thing
that the new process must do is to leave terminal and Ctrl-C to its parent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from attnbench import clocks
from attnbench.isolation.answers import JobConnection
from attnbench.isolation.failure import WorkLostError, failure
from attnbench.isolation.inside import match_parent
from attnbench.isolation.spawned import SpawnedProcess
from attnbench.records import CostRecord
from attnbench.spec import AnyWorkload, Protocol
from attnbench.spec.validation import within

TELL_EVERY_S = 0.5


class Worker:
    """Measures cells in another process; a context manager, which leaves no process behind."""

    def __init__(
        self,
        device: str,
        plugins: Sequence[str],
        timeout_s: float | None = None,
        process: SpawnedProcess | None = None,
    ) -> None:
        """The process starts with the first cell.

        Args:
            device: where cells are measured.
            plugins: what `--plugin` named, to be loaded in the process too.
            timeout_s: seconds for which a comparison may make no progress (a call that is timed is
                progress), start of the process not counted; None for no limit.
            process: one from `started`, to be used first.
        """
        if timeout_s is not None:
            within(timeout=timeout_s)
        self.timeout_s = timeout_s
        self._device = device
        self._plugins = tuple(plugins)
        self._process: SpawnedProcess | None = None
        self._started = process

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def measure(
        self,
        workloads: Sequence[AnyWorkload],
        protocol: Protocol,
        on_step: Callable[[str], None] = lambda text: None,
    ) -> list[CostRecord]:
        """Measure one comparison: the cells are sampled in turn.

        Raises:
            WorkLostError: the process crashed, was killed, said nothing for too long, or answered
                for other cells; the next comparison gets a new one. Its `part` is the cell that
                was being worked on.
        """
        try:
            process = self._ready_process()
            process.send((tuple(workloads), protocol))
            records = self._wait_for_records(process, on_step)
            _refuse_other_cells(records, workloads, protocol)
        except WorkLostError:
            self.close()
            raise
        if any(record.status not in ("ok", "unsupported") for record in records):
            self.close()  # a failure may leave traces, above all in CUDA's context
        return records

    def close(self) -> None:
        """End the process, whatever it is doing; a later cell would start another."""
        for process in (self._process, self._started):
            if process is not None:
                process.end()
        self._process = self._started = None

    def _ready_process(self) -> SpawnedProcess:
        """The process; a new one if there is none, or if it ended while it was idle."""
        if self._process is None or not self._process.is_alive():
            self._process, self._started = self._next_process(), None
            self._process.send(self._conditions())
            self._process.wait_until_ready()
        return self._process

    def _next_process(self) -> SpawnedProcess:
        if self._started is not None and self._started.is_alive():
            return self._started
        self.close()
        return started()

    def _conditions(self) -> tuple[int, bool, str, Sequence[str]]:
        """What `_serve` is told first."""
        import torch

        from attnbench.profiling.machine.threads import threads_were_chosen

        return torch.get_num_threads(), threads_were_chosen(), self._device, self._plugins

    def _wait_for_records(
        self, process: SpawnedProcess, on_step: Callable[[str], None]
    ) -> list[CostRecord]:
        """Its answer; the steps that it tells on the way are passed on."""
        too_late = f"made no progress for {self.timeout_s or 0:g} s (--timeout) and was ended"
        while isinstance(answer := process.receive(self.timeout_s, too_late), str):
            on_step(answer)
        return answer


def started() -> SpawnedProcess:
    """A process that imports what measuring takes, while the parent may do something else."""
    return SpawnedProcess(_serve, ())


def _refuse_other_cells(
    records: Sequence[CostRecord], asked: Sequence[AnyWorkload], protocol: Protocol
) -> None:
    """Refuse records of cells that were not asked for: no code of ours gives such."""
    came = [(record.workload, record.protocol) for record in records]
    if came != [(workload, protocol) for workload in asked]:
        raise WorkLostError("failed", "the process answered for other cells than it was asked for")


def _serve(connection: JobConnection) -> None:
    """The process: say that it is ready, then measure comparisons until the parent hangs up."""
    _share_no_lock()

    import attnbench.benchmark.runner  # noqa: F401 - so that no cell is charged for this import

    with suppress(EOFError):
        threads, chosen, device, plugins = connection.recv()
        match_parent(threads, plugins, chosen=chosen)
        connection.send("ready")
        while True:
            workloads, protocol = connection.recv()
            connection.send(_measure(workloads, protocol, device, connection))


def _share_no_lock() -> None:
    """Torch's compiler uses tqdm, whose lock between processes would be left behind by a kill."""
    with suppress(ImportError):
        from tqdm import tqdm

        tqdm.set_lock(threading.RLock())


class _Sparingly:
    """Passes texts on, but at most two a second: sending takes time from what is measured."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._told_at = 0.0

    def __call__(self, text: str) -> None:
        now = clocks.monotonic()
        if now - self._told_at >= TELL_EVERY_S:
            self._told_at = now
            self._tell(text)


def _measure(
    workloads: Sequence[AnyWorkload], protocol: Protocol, device: str, connection: JobConnection
) -> list[CostRecord] | WorkLostError:
    from attnbench.benchmark.runner import profile

    tell = _Sparingly(connection.send)
    try:
        return profile(workloads, protocol, device, on_step=tell, on_cell=connection.begin)
    except Exception as error:  # noqa: BLE001 - costs these cells, and no others
        return WorkLostError(*failure(error), connection.part)
