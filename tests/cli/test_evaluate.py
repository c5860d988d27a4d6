"""Evaluations of detectors and segmenters as a user types them, on a few embedded scenes."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from attnbench.data import digit_scenes
from attnbench.records import store

SIZE = ["--img-size", 64]


@pytest.fixture(autouse=True)
def few_scenes(monkeypatch):
    monkeypatch.setattr(digit_scenes, "SCENES", {"train": 8, "val": 5})


def trained(attnbench, *arguments) -> str:
    code, out, err = attnbench("train", *arguments, "--epochs", 1, "--batch-size", 4)
    assert code == 0, err
    return out.rpartition("Checkpoint: ")[2].strip()


def score_lines(printed: str) -> list[str]:
    """The lines of the scores, however wide their columns are."""
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    return [line for line in lines if line.startswith(("AP", "AR"))]


@pytest.mark.slow
def test_a_detector_its_result_file_and_its_pictures(attnbench, tmp_path):
    checkpoint = trained(attnbench, "picodet-s", *SIZE)
    code, out, err = attnbench("evaluate", checkpoint, "--save-images", 2)
    assert code == 0, err
    (folder,) = (tmp_path / "results/runs/outcomes").glob("*/digit-scenes-val")
    names = sorted(path.name for path in folder.iterdir())
    assert [names[0], names[1], names[3]] == ["confusion.png", "curves.png", "results.json"]
    assert names[2].startswith("images-")
    assert [name[:9] for name in names[4:]] == ["worst-01-", "worst-02-"]
    (record,) = store.read(tmp_path / "results/runs/evaluate.jsonl").models
    assert record.scores.predict_s > 0
    for part in ("after the network, for each image", "GMACs", "In results/runs/outcomes"):
        assert part in out

    scored = ["evaluate", "--predictions", folder / "results.json", "--data", "digit-scenes", *SIZE]
    code, again, err = attnbench(*scored)
    assert code == 0, err
    assert score_lines(again) == score_lines(out)
    assert len(score_lines(out)) == 7
    assert "No record is stored" in again
    assert len(store.read(tmp_path / "results/runs/evaluate.jsonl").models) == 1

    code, out, err = attnbench("evaluate", checkpoint, "--img-size", "64x96,96")
    assert code == 0, err
    assert "64 × 96" in out
    assert [
        r.workload.img_size for r in store.read(tmp_path / "results/runs/evaluate.jsonl").models
    ] == [(64, 64), (64, 96), (96, 96)]
    code, _, err = attnbench("evaluate", checkpoint, "--task", "segmentation")
    assert code == 2
    assert "the checkpoint was trained for detection" in err

    code, _, err = attnbench("report")
    assert code == 0, err
    table = (tmp_path / "report/models.md").read_text()
    for head in ("AP", "AP50", "after the network, an image"):
        assert f"| {head} |" in table
    assert "AP50 " in (tmp_path / "report/index.html").read_text()


@pytest.fixture
def masks(tmp_path):
    """A few pictures with masks of the values 0 and 200."""
    for split, count in (("train", 4), ("val", 2)):
        for number in range(count):
            pixels = np.zeros((32, 48), np.uint8)
            pixels[:, : 9 + number] = 200
            for kind in ("images", "masks"):
                path = tmp_path / "rooms" / split / kind / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).convert("RGB" if kind == "images" else "L").save(path)
    return tmp_path / "rooms"


@pytest.mark.slow
def test_masks_are_read_as_in_training(attnbench, masks, tmp_path):
    """Without the flag the value 200 is refused; a checkpoint remembers what it means."""
    segment = ["anchorformer-seg-t", "--data", masks, "--img-size", "32x64"]
    checkpoint = trained(attnbench, *segment, "--mask-values", "0,200")
    code, _, err = attnbench("evaluate", checkpoint, "--save-images", 1)
    assert code == 0, err
    (folder,) = (tmp_path / "results/runs/outcomes").glob("*/rooms-val")
    names = sorted(path.name for path in folder.iterdir())
    assert names[0] == "confusion.png"
    assert names[1].startswith("images-")
    assert names[2].startswith("worst-01-")

    resume = ["train", *segment, "--epochs", 1, "--batch-size", 4, "--resume"]
    code, _, err = attnbench(*resume)
    assert code == 0, err
    code, _, err = attnbench(*resume, "--mask-values", "200,0")
    assert code == 2
    assert "read its masks with other values" in err
    code, _, err = attnbench("evaluate", checkpoint, "--mask-values", "0-3")
    assert code == 2
    assert "200" in err
