"""One comparison of a sweep as a job: its cells are sampled in turn, on one machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from attnbench.executors.base import Answer
from attnbench.executors.host_lock import alone_on_host
from attnbench.records import CostRecord
from attnbench.spec import AnyWorkload, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepJob:
    """Settles one comparison and writes each record at once, as a sweep of this machine does.

    Two that write to one file share its cells: one may have outlived the sweep that started it.
    """

    workloads: tuple[AnyWorkload, ...]
    protocol: Protocol
    device: str
    results: Path
    """The file of this job; where its machine shares no files, it stays there unread."""
    plugins: tuple[str, ...] = ()
    timeout_s: float | None = None
    threads: int | None = None

    def __call__(self) -> Answer:
        """Measure; the answer has the lines of the results file.

        Raises:
            UserError: a plug-in or the device is missing on this machine.
        """
        from attnbench.benchmark.recorder import Recorder
        from attnbench.benchmark.shared_file import SharedFile
        from attnbench.benchmark.sweep import sweep
        from attnbench.benchmark.worker import Worker
        from attnbench.profiling.machine.environment import choose_device, place_of
        from attnbench.profiling.machine.threads import use_threads
        from attnbench.registry import load_plugin

        for source in self.plugins:
            load_plugin(source)
        if self.threads is not None:
            use_threads(self.threads)
        device = choose_device(self.device)
        recorder, (host, gpu) = Recorder(self.results, "sweep"), place_of(device)

        def keep(record: CostRecord) -> None:
            recorder.keep(replace(record, host=host, gpu=gpu))

        with (
            alone_on_host(),
            SharedFile(self.results) as shared,
            Worker(str(device), self.plugins, self.timeout_s) as worker,
        ):
            sweep(
                self.workloads, self.protocol, device, measure=worker.measure, on_record=keep,
                shared=shared,
            )  # fmt: skip
        return Answer(lines=self.results.read_bytes())
