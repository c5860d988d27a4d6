"""Which jobs a sweep becomes, and what of them joins the results."""

from dataclasses import replace

import pytest
import torch

from attnbench.benchmark.grid import layer_workloads
from attnbench.benchmark.runner import open_record
from attnbench.benchmark.spread import Settings, jobs_of
from attnbench.executors.base import Answer, Ended
from attnbench.executors.folder import jobs_folder, shared_folder
from attnbench.executors.merging import Merged
from attnbench.executors.running import run_jobs
from attnbench.records import store
from attnbench.spec import Protocol

PROTOCOL = Protocol(time_budget_s=0.2)
SETTINGS = Settings(protocol=PROTOCOL, device="cpu")
CELLS = layer_workloads(["dense", "sparse"], [(4, 4), (5, 9)], {}, dim=24, num_heads=3)


def record_of(workload, **changes):
    return replace(open_record(workload, PROTOCOL, torch.device("cpu")), host="node", **changes)


class Engine:
    """Runs jobs here, writes their records as they go, and loses those that are named."""

    def __init__(self, *loses):
        self.loses = loses
        self.ran = []

    def run(self, jobs, on_wait):
        for job in jobs:
            self.ran += job.work.workloads
            done = job.work.workloads[: 1 if job.name in self.loses else None]
            for workload in done:
                store.append(job.work.results, record_of(workload))
            if job.name in self.loses:
                with job.work.results.open("ab") as file:
                    file.write(b'{"kind": "lay')  # the crash cut it off
                yield Ended(job=job, lost="the node is gone")
            else:
                yield Ended(job=job, answer=Answer(lines=job.results.read_bytes()))


def swept(out, engine, cells=CELLS):
    merged = Merged(out)
    jobs = jobs_of(cells, SETTINGS, out, merged.records)
    ended = []
    run_jobs(jobs, engine, merged, on_ended=ended.append)
    return jobs, [one.job for one in ended if one.lost]


def test_a_lost_job_costs_its_missing_cells_and_the_next_run_does_those_alone(tmp_path):
    out = tmp_path / "out.jsonl"
    first, *_ = jobs_of(CELLS, SETTINGS, out, [])
    jobs, lost = swept(out, Engine(first.name))
    assert [job.name for job in lost] == [first.name]
    assert [len({cell.grid for cell in job.work.workloads}) for job in jobs] == [1, 1]

    again = Engine()
    swept(out, again)
    assert again.ran == list(first.work.workloads[1:])
    contents = store.read(out)
    assert not contents.problems
    assert sorted(r.key for r in contents.records) == sorted(record_of(w).key for w in CELLS)
    assert swept(out, Engine())[0] == []


def test_files_that_a_killed_sweep_left_are_merged_once(tmp_path):
    out = tmp_path / "out.jsonl"
    for job in jobs_of(CELLS, SETTINGS, out, []):
        for workload in job.work.workloads:
            store.append(job.work.results, record_of(workload, created="2026-01-01T00:00:00+00:00"))
    lines = [file.read_bytes() for file in jobs_folder(out).glob("*.jsonl")]
    merged = Merged(out)
    merged.add(lines[0])  # the sweep was killed between this and the removal of the file
    with shared_folder(jobs_folder(out), again := Merged(out)) as left:
        assert len(left) == len(CELLS) - len(merged.records)
        with shared_folder(jobs_folder(out), again) as of_the_other:
            assert of_the_other == []
    assert not jobs_folder(out).exists()
    assert len(store.read(out).records) == len(CELLS)
    assert jobs_of(CELLS, SETTINGS, out, Merged(out).records) == []


@pytest.mark.parametrize(
    "other",
    [
        {"protocol": Protocol(time_budget_s=9)},
        {"status": "failed", "reason": "crashed"},
        {"environment": {"code": "older"}},
        {"environment": {"device": "cuda"}},
    ],
)
def test_records_of_other_cells_settle_nothing(other, tmp_path):
    record = record_of(CELLS[0])
    if "environment" in other:
        other = {"environment": replace(record.environment, **other["environment"])}
    (job,) = jobs_of(CELLS[:1], SETTINGS, tmp_path / "o.jsonl", [replace(record, **other)])
    assert job.work.workloads == tuple(CELLS[:1])


def test_records_of_another_machine_with_other_software_settle_their_cells(tmp_path):
    record = record_of(CELLS[0])
    elsewhere = replace(record.environment, device_name="Another CPU", threads=64, torch="2.99")
    assert not jobs_of(
        CELLS[:1], SETTINGS, tmp_path / "o.jsonl", [replace(record, environment=elsewhere)]
    )


def test_two_records_of_one_job_that_came_both_ways_are_stored_once(tmp_path):
    out, text = tmp_path / "out.jsonl", store.text_of(record_of(CELLS[0])).encode()
    assert len(Merged(out).add(text + b"\n" + text)) == 1
