"""What jobs have written joins the results once, whatever becomes of the call that runs them."""

from dataclasses import replace

import pytest

from attnbench.executors.base import Answer, Ended, Job
from attnbench.executors.folder import jobs_folder, new_file, shared_folder
from attnbench.executors.merging import Merged
from attnbench.executors.running import run_jobs
from attnbench.records import store


class StopError(Exception):
    pass


class Engine:
    """Ends the first job; the second one is at work when the call is stopped."""

    def __init__(self, records):
        self.records = records
        self.closed = False

    def run(self, jobs, on_wait):
        try:
            for job, record in zip(jobs, self.records, strict=True):
                store.append(job.results, record)
            yield Ended(job=jobs[0], answer=Answer(lines=jobs[0].results.read_bytes()))
            on_wait()
        finally:
            self.closed = True


def test_a_call_that_is_stopped_stores_what_there_is_and_the_next_one_nothing_twice(
    tmp_path, epoch, model
):
    out = tmp_path / "train.jsonl"
    records = [replace(epoch(1), host="a"), replace(model(seed=1), host="a")]
    folder, engine = jobs_folder(out), Engine(records)
    jobs = [
        Job(name=file.stem, work=Answer, results=file)
        for file in (new_file(folder, "pyramid-t", part) for part in ("", "timm:x/y"))
    ]

    def stop():
        raise StopError

    with shared_folder(folder, merged := Merged(out)) as left:
        assert left == []
        with pytest.raises(StopError):
            run_jobs(jobs, engine, merged, on_wait=stop)
    assert engine.closed
    assert store.read(out).records == records
    assert [file.name for file in folder.iterdir()] == [jobs[1].results.name]
    store.append(jobs[1].results, replace(records[1], host="b"))  # it went on elsewhere
    with shared_folder(folder, Merged(out)) as left:
        assert [record.host for record in left] == ["b"]
    assert len(store.read(out).records) == 3
    assert not folder.exists()
