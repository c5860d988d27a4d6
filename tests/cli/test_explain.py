"""`attnbench explain`: sheets and numbers of a model with anchors and of one without."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from attnbench.models.factory import create_model
from attnbench.records import Scores
from attnbench.spec import Recipe
from attnbench.training.checkpoint import Checkpoint, TrainState, save

SIDE = 32
NAMES = ("cat", "dog")
EXPLAIN = "results/runs/explain"
RESULTS = Path(__file__).parents[1] / "fixtures/schema2.jsonl"


def write_checkpoint(path, attention, **more):
    torch.manual_seed(0)
    options = {"patch_size": 8, "attention": attention}
    if attention == "anchor":
        options["attention_options"] = {"num_anchors": 4}
    state = TrainState(
        epochs=more.pop("epochs", 1),
        model=create_model("vit-t", 2, (SIDE, SIDE), **options).state_dict(),
        optimizer={},
        train_s=1.0,
    )
    path.parent.mkdir()
    save(
        path,
        Checkpoint(
            model="vit-t", attention=attention, options=options, num_classes=2,
            img_size=(SIDE, SIDE), class_names=NAMES, data="./sets", state=state,
            recipe=Recipe(data="./sets", img_size=(SIDE, SIDE), epochs=1),
            scores=Scores(
                task="classification", values={"top1": 0.5, "top5": 1.0, "loss": 0.7},
                count=10, forward_s=1.0,
            ),
            **more,
        ),
    )  # fmt: skip
    return path


@pytest.fixture
def anchor(tmp_path):
    return write_checkpoint(tmp_path / "first" / "last.pt", "anchor")


@pytest.fixture
def dense(tmp_path):
    return write_checkpoint(tmp_path / "second" / "last.pt", "dense")


@pytest.fixture
def photos(tmp_path):
    """Three pictures in a COCO folder; the last has no objects."""
    folder = tmp_path / "photos"
    (folder / "annotations").mkdir(parents=True)
    (folder / "images").mkdir()
    noise = np.random.default_rng(0)
    for number in range(3):
        pixels = noise.integers(256, size=(40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{number}.png")
    content = {
        "images": [{"id": n, "file_name": f"{n}.png", "width": 50, "height": 40} for n in range(3)],
        "categories": [{"id": 1, "name": "dog"}, {"id": 2, "name": "car"}],
        "annotations": [
            {"id": n + 1, "image_id": n, "category_id": 1, "bbox": [5, 5, 30, 20], "area": 600,
             "iscrowd": 0} for n in range(2)
        ],
    }  # fmt: skip
    for split in ("train", "val"):
        file = folder / "annotations" / f"instances_{split}.json"
        file.write_text(json.dumps(content))
    return folder


def test_two_models_side_by_side_with_numbers(attnbench, anchor, dense, photos, tmp_path):
    code, out, err = attnbench("explain", anchor, photos, "--against", dense, "--token", "1,2")
    assert code == 0, err
    assert "vit-t, anchor: 3 maps of layer norm" in out
    assert "control: a Gaussian in the middle" in out
    assert out.count("control:") == 1
    assert "effective" in out
    for name in ("gradcam.png", "anchors.png"):
        with Image.open(tmp_path / EXPLAIN / name) as sheet:
            assert min(sheet.size) > 200
    for name in ("gradcam.svg", "anchors.svg"):
        assert (tmp_path / EXPLAIN / name).read_text().startswith("<?xml")


def test_files_have_no_numbers_and_dense_has_no_anchors(attnbench, dense, photos, tmp_path):
    code, out, err = attnbench("explain", dense, photos / "images", "--show", 1, "--out", "new/a")
    assert code == 0, err
    assert "No numbers (no boxes)" in out
    assert sorted(file.name for file in (tmp_path / "new/a").iterdir()) == [
        "explain.json", "gradcam.png", "gradcam.svg",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["photos", "--token", "4,0"], "--token: expected a row from 0 to 3"),
        (["photos", "--token", "4"], "--token takes ROW,COLUMN"),
        (["photos", "--target", "horse"], "--target: expected a class of the model"),
        (["photos", "--layer", "zzz"], "expected a layer of the model"),
        (["photos", "photos/images"], "give the data set alone"),
        (["nothing.png"], "got nothing there"),
        (["first/last.pt"], "last.pt"),
        (["empty"], "got a folder without any"),
    ],
)
def test_refusals(attnbench, anchor, photos, tmp_path, arguments, message):
    (tmp_path / "empty").mkdir()
    code, _, err = attnbench("explain", anchor, *arguments)
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1


def test_models_that_have_nothing_to_explain_are_refused(attnbench, photos, tmp_path):
    for name, more, message in (
        ("fresh", {"epochs": 0}, "expected a trained model"),
        ("boxes", {"task": "detection"}, "expected a detector"),
    ):
        path = write_checkpoint(tmp_path / name / "last.pt", "dense", **more)
        code, _, err = attnbench("explain", path, photos)
        assert code == 2
        assert message in err


def test_a_token_of_a_model_without_anchors_is_refused(attnbench, dense, photos):
    code, _, err = attnbench("explain", dense, photos, "--token", "0,0")
    assert code == 2
    assert "--token is of models with learned anchors" in err


def test_a_report_shows_it_and_a_damaged_one_is_told(attnbench, anchor, photos, tmp_path):
    code, _, err = attnbench("explain", anchor, photos, "--show", 1)
    assert code == 0, err
    shutil.copy(RESULTS, tmp_path / "results/runs")
    code, _, err = attnbench("report")
    assert code == 0, err
    page = (tmp_path / "report/index.html").read_text()
    assert "boxes of the known class" in page
    left = tmp_path / EXPLAIN / "explain.json"
    left.write_text(left.read_text()[:-40])
    code, _, err = attnbench("report")
    assert code == 0
    assert "explain.json: expected what `attnbench explain` leaves" in err
    assert "No trained model was explained" in (tmp_path / "report/index.html").read_text()
