"""Damaged files: what is whole is read, the rest is named, and no file is changed by reading."""

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
import torch
from fuzz import damage
from fuzz.odd_images import spoil_images

from attnbench.errors import UserError
from attnbench.records import store
from attnbench.reproduce import paper
from attnbench.training import checkpoint

FILES = {"records": 260, "checkpoints": 120, "images": 90, "tables": 30}
A_TEST = 30
"""Files of one test."""
RECORDS = "results/runs/profile.jsonl"
CHECKPOINT = "results/runs/checkpoints/small/last.pt"
TRAIN = ["train", "fuzz-small", "--data", "images", "--img-size", "16", "--epochs", "2",
         "--batch-size", "4"]  # fmt: skip
READERS = {
    "results/runs/profile.jsonl": [
        ["compare", RECORDS, "results/runs/after.jsonl"],
        ["compare", "results/runs/after.jsonl", RECORDS, "--json"],
        ["compare", RECORDS, RECORDS, "--markdown"],
        ["predict", "--n-tokens", "100", RECORDS],
        ["predict", "--n-tokens", "300", RECORDS, "--json"],
        ["report", RECORDS],
        ["reproduce", "table4", "--results", RECORDS],
        ["sweep", "--out", RECORDS, "--n-tokens", "16", "--attention", "dense"],
    ],
    "results/runs/train.jsonl": [
        ["report", "results/runs/train.jsonl"],
        ["reproduce", "table1", "--results", "results/runs/train.jsonl"],
        ["compare", "results/runs/train.jsonl", "results/runs"],
    ],
    "results/runs/ceilings.jsonl": [
        ["ceilings"],
        ["profile", "--details", "--n-tokens", "16"],
        ["predict", "--n-tokens", "100", "results/runs"],
    ],
    "results/runs/doctor.jsonl": [
        ["doctor"],
        ["profile", "--n-tokens", "16"],
    ],
}  # fmt: skip
"""Files of records, and the commands that read them."""


def pytest_generate_tests(metafunc):
    if "first" in metafunc.fixturenames:
        (kind,) = (kind for kind in FILES if kind in metafunc.function.__name__)
        files = int(FILES[kind] * metafunc.config.getoption("--thorough"))
        metafunc.parametrize("first", range(0, files, A_TEST))


def faults_of(first, kind, try_one):
    """The faults of the files of one test, each with what leads to it."""
    faults = []
    for seed in range(first, first + A_TEST):
        name, told = try_one(random.Random(f"{kind} {seed}"))
        faults += [f"{kind} {seed}, {name}: {fault}" for fault in told]
    return "\n".join(faults)


@pytest.mark.slow
def test_damaged_records_are_named_and_the_others_are_read(judged, first):
    def try_one(rng):
        path = rng.choice([RECORDS, *READERS])
        words = rng.choice(READERS[path])
        ways = []

        def spoil(folder):
            whole = (folder / path).read_bytes()
            ways.append(damage.spoil(folder / path, rng, damage.RECORDS))
            ways.append(unread(folder / path, whole))

        outcome = judged(words, spoil)
        return f"{ways[0]}, {' '.join(words)}", [*outcome.faults, *ways[1]]

    assert not (found := faults_of(first, "records", try_one)), found


def unread(path: Path, whole: bytes) -> list[str]:
    """Whole lines of the damaged file that are not read."""
    left = Counter(path.read_bytes().split(b"\n"))
    intact = sum((left & Counter(line for line in whole.split(b"\n") if line)).values())
    try:
        found = store.read(path)
    except UserError:
        return [f"{intact} whole lines are not read"] if intact else []
    except Exception as error:  # noqa: BLE001 - the command meets it too
        return [f"reading raised {type(error).__name__}"]
    read = len(found.records) + len(found.ceilings) + len(found.checkups)
    return [f"{intact} lines are whole, {read} are read"] if read < intact else []


@pytest.mark.slow
def test_damaged_checkpoints_are_refused_or_whole(judged, world_of_files, first):
    whole = checkpoint.load(world_of_files / CHECKPOINT)

    def try_one(rng):
        words = rng.choice([
            ["evaluate", CHECKPOINT], ["evaluate", CHECKPOINT, "--data", "images"],
            [*TRAIN, "--resume"], ["reproduce", "table5", "--checkpoint", CHECKPOINT],
        ])  # fmt: skip
        strange = damage.checkpoint_with_strange_values
        ways = []

        def spoil(folder):
            path = folder / CHECKPOINT
            if words[0] == "train":
                path = shutil.copytree(path.parent, path.parent.with_name(run_name())) / "last.pt"
            ways.append(damage.spoil(path, rng, [*damage.BYTES, *[strange] * 5]))
            if ways[0] != strange.__name__:
                ways.append(told_apart(path, whole))

        outcome = judged(words, spoil)
        if words[0] == "train":  # an accepted checkpoint is replaced by that of the next epoch
            outcome.lost = [text for text in outcome.lost if "last.pt' was changed" not in text]
        return f"{ways[0]}, {' '.join(words)}", [*outcome.faults, *filter(None, ways[1:])]

    def run_name():
        from attnbench.data.opening import open_data
        from attnbench.experiments.experiment import Experiment
        from attnbench.training.recipe import recipe_for

        data = open_data(str(world_of_files / "images"), 16)
        recipe = recipe_for(data, epochs=2, batch_size=4, autocast="none", seed=0)
        return Experiment(model="fuzz-small", data=data, recipe=recipe).name

    assert not (found := faults_of(first, "checkpoints", try_one)), found


def told_apart(path, whole):
    """A fault if a spoilt checkpoint is read as if it were whole."""
    try:
        read = checkpoint.load(path)
    except UserError:
        return ""
    except Exception as error:  # noqa: BLE001 - the command meets it too
        return f"reading raised {type(error).__name__}"
    same = read.scores == whole.scores and read.recipe == whole.recipe and all(
        torch.equal(value, read.state.model[name]) for name, value in whole.state.model.items()
    )  # fmt: skip
    return "" if same else "the spoilt checkpoint is read as if it were whole"


@pytest.mark.slow
def test_damaged_images_are_named_or_read(judged, first):
    def try_one(rng):
        ways = []
        words = rng.choice([TRAIN, ["evaluate", CHECKPOINT, "--data", "images"]])
        outcome = judged(words, lambda folder: ways.append(spoil_images(folder / "images", rng)))
        return f"{ways[0]}, {words[0]}", outcome.faults

    assert not (found := faults_of(first, "images", try_one)), found


@pytest.mark.slow
def test_damaged_tables_of_the_paper_are_named(judged, monkeypatch, tmp_path, first):
    stored, copy = paper.folder(), tmp_path / "paper"

    def try_one(rng):
        shutil.copytree(stored, copy, dirs_exist_ok=True)
        monkeypatch.setattr(paper, "folder", lambda: copy)
        name = rng.choice(["claims", "claims", "table1", "table4", "table5", "systems", "measured"])
        way = damage.spoil(copy / f"{name}.csv", rng, damage.TEXT)
        words = ["reproduce", name if name[:5] in ("table", "claim") else "table1"]
        return f"{way} in {name}.csv, {' '.join(words)}", judged(words).faults

    assert not (found := faults_of(first, "tables", try_one)), found


@pytest.mark.parametrize("way", damage.RECORDS)
def test_damage_is_the_same_for_the_same_seed(world_of_files, way):
    data = (world_of_files / RECORDS).read_bytes()
    spoilt = [way(random.Random(5), data) for _ in range(2)]
    assert spoilt[0] == spoilt[1]
