"""A line that was changed after it was written is refused, however it was changed."""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from attnbench.records import store
from attnbench.records.cell_key import UNCONDITIONAL, is_key_of, workload_text
from attnbench.records.schema import encode, parse, text_of
from attnbench.spec import as_plain, json_in_order

ROOT = Path(__file__).parents[2]
MEASURED = sorted((ROOT / "results" / "measured").glob("*.jsonl"))


def without_sum(plain):
    return {name: value for name, value in plain.items() if name != "crc32"}


def test_any_flipped_bit_is_seen(full_line):
    line = text_of(full_line).encode()
    chance = Random(0)
    for _ in range(150):
        bit = chance.randrange(8 * len(line))
        flipped = bytearray(line)
        flipped[bit // 8] ^= 1 << bit % 8
        with suppress(ValueError, KeyError, TypeError):
            assert parse(bytes(flipped)) == full_line  # a space became another white space


def test_an_edited_number_is_seen_and_said(full_layer):
    plain = json.loads(text_of(full_layer))
    plain["params"] += 1
    with pytest.raises(ValueError, match=r"changed after it was written: its checksum is wrong"):
        parse(json.dumps(plain).encode())
    assert parse(json.dumps(without_sum(plain)).encode()).params == plain["params"]


def test_a_line_that_a_tool_wrote_anew_is_the_same_line(full_line):
    plain = json.loads(text_of(full_line))
    for options in ({"separators": (",", ":")}, {"ensure_ascii": True}, {"sort_keys": True}):
        assert parse(json.dumps(plain, **options).encode()) == full_line
    assert repr(parse(json.dumps({"watts": 3, **plain}).encode())) == repr(full_line)


def test_without_a_checksum_the_key_is_checked(full_record):
    plain = without_sum(json.loads(text_of(full_record)))
    assert parse(json.dumps(plain).encode()).key == full_record.key
    for part, name in (("workload", "seed"), ("environment", "threads")):
        edited = {**plain, part: {**plain[part], name: plain[part][name] + 1}}
        with pytest.raises(ValueError, match=r"changed after it was written: its key is '\w{16}'"):
            parse(json.dumps(edited).encode())
        del edited["key"]
        assert parse(json.dumps(edited).encode()).key != full_record.key


def test_a_line_of_a_writer_that_knew_fewer_conditions_loads(full_record):
    """Keys of such lines are made of what they say."""
    plain = without_sum(json.loads(text_of(full_record)))
    for lost in ("allocator", "pinned", "wait_policy"):
        del plain["environment"][lost]
    older = key_by_hand(plain, UNCONDITIONAL[-1])
    assert older != full_record.key
    assert parse(json.dumps({**plain, "key": older}).encode()).workload == full_record.workload
    with pytest.raises(ValueError, match="its key is"):
        parse(json.dumps({**plain, "key": "0" * 16}).encode())


def test_a_line_of_a_newer_rule_loads(full_record):
    plain = without_sum(json.loads(text_of(full_record)))
    plain["environment"]["phase_of_the_moon"] = "full"
    assert is_key_of("0" * 16, plain)
    assert parse(json.dumps({**plain, "key": "0" * 16}).encode()).workload == full_record.workload


def test_a_misspelt_name_is_no_newer_rule(full_record):
    seeded = replace(full_record, workload=replace(full_record.workload, seed=5))
    plain = without_sum(json.loads(text_of(seeded)))
    plain["workload"]["sead"] = plain["workload"].pop("seed")
    with pytest.raises(ValueError, match="its key is"):
        parse(json.dumps(plain).encode())


def key_by_hand(plain, left_out):
    import hashlib

    environment = {n: "" if n in left_out else v for n, v in plain["environment"].items()}
    parts = [json.dumps(plain["workload"], sort_keys=True), plain["environment"]["code"]]
    for part in (plain.get("protocol"), environment, plain.get("recipe")):
        parts.append(json.dumps(part, sort_keys=True))
    return hashlib.sha256(f"[{', '.join(parts)}]".encode()).hexdigest()[:16]


@pytest.mark.parametrize("file", MEASURED, ids=lambda file: file.stem)
def test_the_text_of_a_workload_is_its_json(file):
    for record in store.read(file).records:
        assert workload_text(record.workload) == json_in_order(as_plain(record.workload))
        odd = replace(
            record.workload, attention='a"\n\\é\u2028😀', options={"b": [1.5, {"a": None}]}
        )
        assert workload_text(odd) == json_in_order(as_plain(odd))


def test_what_no_reader_would_accept_is_not_written(full_layer, tmp_path):
    for wrong in ({"params": -1}, {"first_call_s": float("inf")}):
        with pytest.raises(ValueError, match="Expected|not JSON compliant"):
            store.append(tmp_path / "a.jsonl", replace(full_layer, **wrong))
    assert not (tmp_path / "a.jsonl").exists()


def test_a_reason_of_any_length_is_stored_with_its_beginning(full_layer, tmp_path):
    failed = replace(full_layer, status="failed", reason="OSError: " + "é" * 10**6)
    store.append(tmp_path / "a.jsonl", failed)
    (read,) = store.read(tmp_path / "a.jsonl").records
    assert read.reason.startswith("OSError: é")
    assert read.reason.endswith(" …")
    assert encode(read)["key"] == failed.key
