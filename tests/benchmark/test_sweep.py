"""Which cells a sweep runs, skips and stores."""

import threading
import time
from dataclasses import replace

import pytest
import torch

from attnbench.benchmark.grid import layer_workloads
from attnbench.benchmark.recorder import Recorder
from attnbench.benchmark.runner import _blame, open_record
from attnbench.benchmark.shared_file import SharedFile
from attnbench.benchmark.sweep import plan, sweep
from attnbench.isolation.failure import WorkLostError
from attnbench.profiling.machine.environment import missing_device
from attnbench.records import is_settled, store
from attnbench.spec import ModelWorkload, Protocol, Workload

QUICK = Protocol(warmup_s=0, min_samples=6, precision=10, time_budget_s=0.2)
SMALL = {"dim": 24, "num_heads": 3}
CPU = torch.device("cpu")


class StandIn:
    """Measures nothing; there is no memory for more than `limit` tokens × batch."""

    def __init__(self, limit, loses=False):
        self.limit = limit
        self.loses = loses
        self.tried = []

    def __call__(self, workloads, protocol, on_step):
        self.tried.append(workloads[0] if len(workloads) == 1 else tuple(workloads))
        return [self.record(workload, protocol) for workload in workloads]

    def record(self, workload, protocol):
        record = open_record(workload, protocol, CPU)
        if workload.num_tokens * workload.batch <= self.limit:
            return record
        if self.loses:
            raise WorkLostError("out_of_memory", "killed")
        return replace(record, status="out_of_memory", reason="12 GiB")


def dense(side, **settings):
    return Workload(attention="dense", grid=(side, side), **SMALL, **settings)


def test_a_sweep_writes_each_cell_and_resumes(tmp_path):
    file = tmp_path / "runs" / "sweep.jsonl"
    workloads = layer_workloads(
        ["dense", "anchor"], [(4, 4), (5, 9)], {"num_anchors": [3, 5]}, **SMALL
    )
    stored_after = []

    def run(some):
        settled = (
            {r.key: r for r in store.read(file).records if is_settled(r)} if file.exists() else {}
        )
        skips = []
        new = sweep(
            some, QUICK, settled=settled,
            on_record=lambda record: (
                store.append(file, record),
                stored_after.append(len(store.read(file).records)),
            ),
            on_cell=skips.append,
        )  # fmt: skip
        return len(new), sum(skips)

    assert run(workloads[:3]) == (3, 0)
    assert stored_after == [1, 2, 3]
    assert run(workloads) == (len(workloads) - 3, 3)
    assert run(workloads) == (0, len(workloads))
    assert len({record.key for record in store.read(file).records}) == len(workloads) == 12


@pytest.mark.parametrize("loses", [False, True])
def test_larger_cells_are_spared_once_one_ran_out_of_memory(loses):
    stand_in = StandIn(limit=16, loses=loses)
    cells = [dense(4), dense(6), dense(8), dense(6, batch=2), dense(4, batch=9)]
    records = sweep(cells, QUICK, measure=stand_in)
    assert stand_in.tried == [dense(4), dense(6), dense(4, batch=9)]  # the last has fewer tokens
    assert [r.status for r in records] == ["ok", *["out_of_memory"] * 4]
    assert records[2].reason == (
        "not tried: dense (reference) at 36 tokens, batch 1, which is smaller, ran out of memory"
    )
    assert records[2].key == open_record(dense(8), QUICK, CPU).key


@pytest.mark.parametrize(
    "other",
    [
        dense(8, impl="sdpa"),
        dense(8, mode="forward+backward"),
        dense(8, dtype="bfloat16"),
        replace(dense(8), attention="sparse"),
        replace(dense(8), attention="anchor", options={"num_anchors": 3}),
    ],
)
def test_memory_of_one_kind_of_cell_says_nothing_of_another(other):
    stand_in = StandIn(limit=16)
    sweep([dense(6), other], QUICK, measure=stand_in)
    assert stand_in.tried == [dense(6), other]


def test_memory_that_ran_out_in_an_earlier_sweep_counts():
    (record,) = sweep([dense(6)], QUICK, measure=StandIn(limit=16))
    stand_in = StandIn(limit=16)
    records = sweep([dense(6), dense(8)], QUICK, measure=stand_in, settled={record.key: record})
    assert stand_in.tried == []
    assert "36 tokens" in records[0].reason


def test_models_are_spared_by_their_image_size():
    def model(side):
        return ModelWorkload(
            model="pyramid-t", attention="dense", img_size=(side, side), num_classes=5
        )

    def measure(workloads, protocol, on_step):
        raise WorkLostError("out_of_memory", "killed")

    small, large = sweep([model(32), model(64)], QUICK, measure=measure)
    assert (small.reason, large.status) == ("killed", "out_of_memory")
    assert "pyramid-t at 32 × 32 px" in large.reason


def test_cells_that_differ_in_the_attention_alone_are_measured_together():
    stand_in = StandIn(limit=100)
    small = [dense(4), dense(4, impl="sdpa"), replace(dense(4), attention="sparse")]
    sweep([*small, dense(5), dense(5, batch=2)], QUICK, measure=stand_in)
    assert stand_in.tried == [tuple(small), dense(5), dense(5, batch=2)]


@pytest.mark.parametrize("loses", [False, True])
def test_who_ran_out_of_memory_beside_others_gets_a_try_alone(loses):
    stand_in = StandIn(limit=16, loses=loses)
    both = [dense(6), dense(6, impl="sdpa")]
    records = sweep(both, QUICK, measure=stand_in)
    assert stand_in.tried == [tuple(both), *both]
    assert [record.status for record in records] == ["out_of_memory"] * 2


def test_what_is_known_already_is_told_before_the_rest_is_measured():
    known, events = open_record(dense(4), QUICK, CPU), []
    stand_in = StandIn(limit=100)
    sweep(
        [dense(4, impl="sdpa"), dense(4)], QUICK, settled={known.key: known},
        measure=lambda *job: events.append("measure") or stand_in(*job), on_cell=events.append,
    )  # fmt: skip
    assert events == [True, "measure", False]


def test_a_lost_cell_is_a_record_with_its_reason():
    def measure(workloads, protocol, on_step):
        raise WorkLostError("timeout", "too slow")

    (record,) = sweep([dense(4)], QUICK, measure=measure)
    assert (record.status, record.reason) == ("timeout", "too slow")
    assert record.key == open_record(dense(4), QUICK, CPU).key
    assert not is_settled(record)


def test_a_plan_says_what_is_known_what_would_run_and_what_cannot():
    known = open_record(dense(4), QUICK, CPU)
    cells = [dense(4), dense(5), dense(5, impl="flash")]
    there, runs, cannot = plan(cells, QUICK, CPU, {known.key: known})
    assert (there.known, there.verdict) == (known, None)
    assert (runs.known, runs.verdict) == (None, None)
    assert cannot.verdict[0] == "unsupported"
    assert "has no impl 'flash'" in cannot.verdict[1]
    stand_in = StandIn(limit=100)
    records = sweep(cells, QUICK, measure=stand_in, settled={known.key: known})
    assert stand_in.tried == [dense(5)]
    assert [record.status for record in records] == ["ok", "unsupported"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_plan_for_a_missing_device_says_so():
    device = torch.device("cuda")
    (cell,) = plan([dense(4)], QUICK, device, {})
    assert cell.verdict == ("unsupported", missing_device(device))
    assert "sees no CUDA GPU" in cell.verdict[1]


@pytest.mark.parametrize("guilty", [[0], [2], [1, 3], [0, 1, 2, 3], [0, 1, 2, 3, 4]])
def test_cells_that_end_the_process_leave_the_others_sampled_in_turn(guilty):
    cells = [dense(4), *(replace(dense(4), attention="anchor", options={"num_anchors": n})
                         for n in (3, 5, 7, 9))]  # fmt: skip
    bad, tried = [cells[place] for place in guilty], []

    def measure(workloads, protocol, on_step):
        tried.append(len(workloads))
        for part, workload in enumerate(workloads):
            if workload in bad:
                raise WorkLostError("failed", f"by {cells.index(workload)}", part)
        return [
            replace(open_record(one, protocol, CPU), code_path=str(len(workloads)))
            for one in workloads
        ]

    records = sweep(cells, QUICK, measure=measure)
    good = len(cells) - len(bad)
    for place, record in enumerate(records):
        if place in guilty:
            assert (record.status, record.reason) == ("failed", f"by {place}")
        else:
            assert (record.status, record.code_path) == ("ok", str(good))
    assert len(tried) <= 2 * len(bad) + 1


def test_a_process_that_is_lost_before_any_cell_began_blames_none():
    tried = []

    def measure(workloads, protocol, on_step):
        tried.append(len(workloads))
        if len(workloads) > 1:
            raise WorkLostError("failed", "did not start")
        return [open_record(one, protocol, CPU) for one in workloads]

    records = sweep([dense(4), dense(4, impl="sdpa")], QUICK, measure=measure)
    assert tried == [2, 1, 1]
    assert [record.status for record in records] == ["ok", "ok"]


@pytest.mark.parametrize("status", ["ok", "failed"])
def test_two_sweeps_of_one_file_share_the_cells(tmp_path, status):
    file, measured, told = tmp_path / "runs" / "sweep.jsonl", [], []
    workloads = [dense(side, impl=impl) for side in range(2, 9) for impl in ("reference", "sdpa")]

    def measure(some, protocol, on_step):
        measured.extend(some)
        time.sleep(0.02)
        return [replace(open_record(one, protocol, CPU), status=status) for one in some]

    def run():
        skipped = []
        with SharedFile(file) as shared:
            sweep(workloads, QUICK, measure=measure, shared=shared, on_cell=skipped.append,
                  on_record=Recorder(file).keep)  # fmt: skip
            told.append((len(skipped), len(shared.stored_since())))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told == [(len(workloads), len(workloads))] * 2
    assert sorted(measured, key=repr) == sorted(workloads, key=repr)
    assert [one.name for one in file.parent.iterdir()] == ["sweep.jsonl"]


def test_a_sweep_in_a_later_run_tries_again_what_has_failed(tmp_path):
    file, measured = tmp_path / "sweep.jsonl", []

    def measure(some, protocol, on_step):
        measured.extend(some)
        return [replace(open_record(one, protocol, CPU), status="failed") for one in some]

    for _ in range(2):
        with SharedFile(file) as shared:
            sweep([dense(3)], QUICK, measure=measure, shared=shared, on_record=Recorder(file).keep)
    assert len(measured) == 2


def test_of_cells_that_are_blamed_jointly_the_guilty_one_is_found():
    cells = [dense(4), dense(4, impl="sdpa"), replace(dense(4), attention="sparse")]
    bad, tried = cells[1], []

    def measure(workloads, protocol, on_step):
        tried.append(len(workloads))
        records = [open_record(one, protocol, CPU) for one in workloads]
        if bad not in workloads:
            return records
        reason = _blame("changed the working folder", len(workloads))
        return [replace(record, status="failed", reason=reason) for record in records]

    records = sweep(cells, QUICK, measure=measure)
    assert tried == [3, 1, 1, 1, 2]
    assert [record.reason for record in records] == ["", "changed the working folder", ""]
