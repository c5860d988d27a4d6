"""Old schemas load completely and keep their meaning; the current one survives a round trip."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from attnbench.records import store
from attnbench.records.schema import SCHEMA, decode, encode, parse

ROOT = Path(__file__).parents[2]
FIXTURES = sorted((ROOT / "tests" / "fixtures").glob("schema*.jsonl"))
MEASURED = sorted((ROOT / "results" / "measured").glob("*.jsonl"))
SCHEMA_2 = ROOT / "tests" / "fixtures" / "schema2.jsonl"


def lines_of(file):
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("file", [*FIXTURES, *MEASURED], ids=lambda file: file.stem)
def test_every_stored_line_loads(file):
    assert store.read(file).problems == []


def test_there_is_a_fixture_of_each_old_schema():
    schemas = [{line["schema"] for line in lines_of(file)} for file in FIXTURES]
    assert schemas == [{version} for version in range(1, SCHEMA)]


def test_the_fixture_of_schema_2_has_every_kind_of_line():
    contents = store.read(SCHEMA_2)
    assert [len(kind) for kind in (contents.layers, contents.models, contents.epochs)] == [3, 2, 3]
    assert {ceiling.operation for ceiling in contents.ceilings} == {"matmul", "copy", "launch"}
    assert len(contents.checkups) == 1


@pytest.mark.parametrize("file", [*FIXTURES, *MEASURED], ids=lambda file: file.stem)
def test_what_a_line_is_encoded_to_is_decoded_to_that_line(file):
    for plain in lines_of(file):
        line = decode(plain)
        encoded = encode(line)
        assert decode(encoded) == line
        assert parse(json.dumps(encoded).encode()) == line
        assert (encoded["schema"], encoded["kind"]) == (SCHEMA, plain["kind"])


def test_scores_of_schema_2_keep_their_values_and_get_their_task():
    scored = [plain for plain in lines_of(SCHEMA_2) if "accuracy" in plain]
    assert {plain["kind"] for plain in scored} == {"model", "epoch"}
    for plain in scored:
        scores, old = decode(plain).scores, plain["accuracy"]
        assert scores.task == decode(plain).workload.task == "classification"
        assert scores.values == {name: old[name] for name in ("top1", "top5", "loss")}
        assert (scores.count, scores.forward_s) == (old["images"], old["forward_s"])


def test_a_recipe_of_schema_2_was_square():
    for plain in lines_of(SCHEMA_2):
        if "recipe" in plain:
            side = plain["recipe"]["img_size"]
            assert decode(plain).recipe.img_size == (side, side)


@pytest.mark.parametrize("file", FIXTURES, ids=lambda file: file.stem)
def test_keys_do_not_depend_on_the_version_of_attnbench(file):
    for record in store.read(file).records:
        newer = replace(record.environment, attnbench="99.0")
        assert replace(record, environment=newer).key == record.key
