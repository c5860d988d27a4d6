"""Jobs of this machine: each in a process, of which one that dies costs itself."""

from dataclasses import replace

import pytest
from executors import works

from attnbench.executors.base import Job
from attnbench.executors.local import Local
from attnbench.executors.told import told

pytestmark = pytest.mark.usefixtures("quick_workers")


def jobs_of(tmp_path, *all_works):
    return [
        Job(name=f"job{number}", work=work, results=tmp_path / f"job{number}.jsonl")
        for number, work in enumerate(all_works)
    ]


def ends(executor, jobs):
    return {ended.job.name: ended for ended in executor.run(jobs)}


def test_a_job_that_dies_costs_itself(tmp_path):
    jobs = jobs_of(tmp_path, works.Says(), works.Dies("signal"), works.Dies("error"), works.Says())
    found = ends(Local(2), jobs)
    lost = {name: ended.lost for name, ended in found.items() if ended.lost}
    assert lost.keys() == {"job1", "job2"}, lost
    assert "SIGSEGV" in lost["job1"]
    assert lost["job2"] == "ZeroDivisionError: no such number"
    assert found["job0"].answer.end != found["job3"].answer.end  # another process


def test_a_kept_process_takes_the_next_job_and_each_slot_has_its_place(tmp_path):
    jobs = jobs_of(tmp_path, *[works.Says()] * 4)
    found = ends(Local(2, kept=True, placed=lambda work, slot: replace(work, slot=slot)), jobs)
    assert not any(ended.lost for ended in found.values())
    processes = {(ended.answer.end, ended.answer.reason) for ended in found.values()}
    assert len(processes) == len({process for process, _ in processes}) <= 2


class StopError(Exception):
    pass


def test_jobs_that_are_stopped_may_save_what_they_have(tmp_path):
    files = tmp_path / "job0.jsonl", tmp_path / "job1.jsonl"
    jobs = jobs_of(tmp_path, *map(works.Waits, files))

    def stop():
        if told(jobs[0].results) == {"begun": True}:
            raise StopError

    with pytest.raises(StopError):
        list(Local(1).run(jobs, stop))
    assert (tmp_path / "job0.saved").exists()
    assert not (tmp_path / "job1.told").exists()
