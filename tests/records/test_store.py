from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import pytest

from attnbench.errors import UserError
from attnbench.records import (
    schema,
    store,
)
from attnbench.records.latency import Latency
from attnbench.spec import Protocol

FIXTURE = Path(__file__).parents[1] / "fixtures" / "schema1.jsonl"


@pytest.fixture
def records():
    return store.read(FIXTURE).records


@pytest.fixture
def path(tmp_path):
    return tmp_path / "deep" / "results.jsonl"


def write(path, records):
    for record in records:
        store.append(path, record)


def test_a_file_of_schema_1_is_read_whole(records):
    assert [r.kind for r in records] == ["layer", "layer", "epoch", "model"]
    assert [r.status for r in records] == ["ok", "out_of_memory", "ok", "ok"]
    layer, failed, epoch, model = records
    assert layer.workload.grid == (14, 14)
    assert layer.workload.options == {"num_anchors": 30}
    assert layer.latency.median_s == pytest.approx(1.05e-3)
    assert layer.notes == ("the clock was not locked",)
    assert layer.macs.training_macs is layer.traffic_bytes is None  # newer than the file
    assert failed.workload.mode == "forward+backward"  # schema 1 called it "train"
    assert (failed.latency, failed.reason) == (None, "tried to allocate 12.00 GiB")
    assert (epoch.progress.epoch, epoch.scores.values["top1"]) == (1, 0.75)
    assert (model.recipe.data, model.memory.peak_total_bytes) == ("digits", None)


def test_what_is_written_is_read_back(records, path):
    write(path, records)
    assert store.read(path) == store.read(FIXTURE)


def test_a_line_is_plain_json_with_schema_kind_and_key(records, path):
    write(path, records[:1])
    plain = json.loads(path.read_text(encoding="utf-8"))
    assert (plain["schema"], plain["kind"], plain["key"]) == (
        schema.SCHEMA,
        "layer",
        records[0].key,
    )


def test_what_was_not_measured_is_not_written(records):
    plain = schema.encode(records[1])
    assert not {"latency", "memory", "scores", "params", "run"} & set(plain)


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_torn_line_costs_only_itself(records, path, cut):
    write(path, records[:2])
    path.write_bytes(path.read_bytes()[:-cut])
    store.append(path, records[2])
    contents = store.read(path)
    if cut == 1:  # only the newline is missing: nothing is lost
        assert (contents.records, contents.problems) == (records[:3], [])
    else:
        assert contents.records == [records[0], records[2]]
        assert contents.problems == [f"{path}:2: skipped, not a whole JSON line (torn by a crash?)"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('{"schema": 99}', "schema 99, this attnbench reads 1 to"),
        ("{}", "schema None"),
        ("[1, 2]", "not a record"),
        ("7", "not a record"),
        ('{"schema": 1, "kind": "layer", "key": "", "workload": {}}', "not a record"),
    ],
)
def test_a_line_that_is_no_record_is_reported(records, path, line, problem):
    write(path, records[:1])
    with path.open("a") as file:
        file.write(f"\n{line}\n")
    contents = store.read(path)
    assert contents.records == records[:1]
    assert len(contents.problems) == 1
    assert problem in contents.problems[0]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"samples_s": [', '"samples_s": [NaN, ', "it holds NaN, which is no number of JSON"),
        (
            '"samples_s": [',
            '"samples_s": [0.0, ',
            "Expected `float` > 0.0 - at `$.latency.samples_s[0]`",
        ),
        ('"batch": 1', '"batch": "1"', "Expected `int`, got `str` - at `$.workload.batch`"),
        ('"num_heads": 3', '"num_heads": 5', "--heads must divide --dim"),
        ('"created"', '"born"', "missing required field `created`"),
    ],
)
def test_a_line_that_says_what_cannot_be_is_reported(records, path, old, new, problem):
    write(path, records[:1])
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new) + text)
    contents = store.read(path)
    assert contents.records == records[:1]
    assert problem in contents.problems[0]


def test_reading_leaves_the_search_for_cycles_as_it_was(path):
    assert gc.isenabled()
    store.read(FIXTURE)
    assert gc.isenabled()
    gc.disable()
    try:
        store.read(FIXTURE)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_fact_that_only_a_newer_version_knows_is_left_out(records, path):
    write(path, records[:1])
    plain = {**schema.encode(records[0]), "watts": 3}
    path.write_text(json.dumps(plain) + "\n")
    assert store.read(path) == store.Contents(records=records[:1])


def test_every_part_of_a_line_is_read_back_as_it_was(path, full_line):
    line = full_line
    write(path, [line])
    (read,) = getattr(store.read(path), f"{line.kind}s")
    assert repr(read) == repr(line)  # down to the last part, tuples as tuples
    assert getattr(read, "key", "") == getattr(line, "key", "")


def test_what_was_read_is_frozen_and_of_the_same_class(path, full_layer):
    write(path, [full_layer])
    (record,) = store.read(path).records
    assert type(record) is type(full_layer)
    assert hash(record.protocol) == hash(full_layer.protocol)
    with pytest.raises(FrozenInstanceError):
        record.params = 3
    assert replace(record, params=8) == replace(full_layer, params=8)


def test_whole_numbers_of_seconds_are_the_same_cell_before_and_after(path, full_layer):
    whole = replace(full_layer, protocol=Protocol(warmup_s=1, time_budget_s=2))
    write(path, [whole])
    assert store.read(path).records[0].key == whole.key


def test_old_files_go_through_every_upgrade(records, monkeypatch):
    def rename(old, new):
        return lambda plain: {new if name == old else name: v for name, v in plain.items()}

    monkeypatch.setattr(schema, "SCHEMA", 3)
    upgrades = {1: rename("born", "made"), 2: rename("made", "created")}
    monkeypatch.setattr(schema, "UPGRADES", upgrades)
    first = rename("created", "born")(schema.encode(records[0]))
    assert schema.decode({**first, "schema": 1}) == records[0]


def test_numbers_that_are_none_are_not_written(records, path):
    endless = Latency(samples_s=(float("inf"),), stopped_by="precision")
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.append(path, replace(records[0], latency=endless))
    assert not path.exists()


def test_a_missing_file_is_the_users_to_mend(path):
    with pytest.raises(UserError, match="cannot read .*results.jsonl: No such file"):
        store.read(path)


def test_a_file_without_one_record_is_refused(path):
    path.parent.mkdir()
    path.write_text("attention,latency\n")
    with pytest.raises(UserError, match="no readable record; expected one JSON record a line"):
        store.read_many([path])


def test_a_crash_in_the_first_line_leaves_a_file_to_go_on_with(records, path):
    write(path, records[:1])
    path.write_bytes(path.read_bytes()[:-20])
    problem = f"{path}:1: skipped, not a whole JSON line (torn by a crash?)"
    assert store.read(path) == store.Contents(problems=[problem])
    store.append(path, records[1])
    assert store.read(path) == store.Contents(records=[records[1]], problems=[problem])


def test_a_file_that_cannot_be_written_is_the_users_to_mend(records, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write results to"):
        store.append(tmp_path / "file" / "results.jsonl", records[0])


def test_a_folder_is_read_as_one(records, tmp_path):
    write(tmp_path / "a.jsonl", records[:1])
    write(tmp_path / "deep" / "b.jsonl", records[1:])
    (tmp_path / "notes.txt").write_text("no record")
    assert store.read_many([tmp_path]).records == records
    assert store.read_many([tmp_path / "a.jsonl", tmp_path / "deep"]).records == records


def test_a_torn_file_does_not_hide_the_folder(records, tmp_path):
    write(tmp_path / "good.jsonl", records)
    (tmp_path / "torn.jsonl").write_text('{"schema": 1, "ki')
    contents = store.read_many([tmp_path])
    assert contents.records == records
    assert len(contents.problems) == 1


def test_an_empty_file_and_an_empty_folder_hold_nothing(tmp_path):
    (tmp_path / "empty.jsonl").write_text("")
    assert store.read_many([tmp_path]) == store.Contents(problems=[])


def test_an_append_waits_for_its_turn(records, path):
    fcntl = pytest.importorskip("fcntl")
    write(path, records[:1])
    append = threading.Thread(target=store.append, args=(path, records[1]))
    with path.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        append.start()
        append.join(0.2)
        assert store.read(path).records == records[:1]
        other.write(b"a torn li")
    append.join()
    contents = store.read(path)
    assert contents.records == records[:2]
    assert len(contents.problems) == 1


def test_two_processes_may_append_to_one_file(records, path):
    code = (
        "import sys; from pathlib import Path; from attnbench.records import store\n"
        "record = store.read(Path(sys.argv[1])).records[0]\n"
        "for _ in range(50): store.append(Path(sys.argv[2]), record)\n"
    )
    command = [sys.executable, "-c", code, str(FIXTURE), str(path)]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert store.read(path) == store.Contents(records=records[:1] * 100)


def test_every_kind_of_line_has_a_list_of_its_own(path, full_lines):
    write(path, full_lines)
    contents = store.read(path)
    layer, model, epoch, ceiling, checkup = full_lines
    assert contents == store.Contents(
        records=[layer, model, epoch], ceilings=[ceiling], checkups=[checkup]
    )
    assert (contents.layers, contents.models, contents.epochs) == ([layer], [model], [epoch])
    assert contents.costs == [layer, model]
