"""`evaluate --img-size a,b,c`, as a user types it."""

import json

import pytest
from torch import nn

from attnbench.records import store
from attnbench.registry import MODELS, register_model


class OnlyEven(nn.Module):
    """Takes images of any size that is no multiple of three."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.head = nn.Linear(3, num_classes)

    def forward(self, images):
        if images.shape[-1] % 3 == 0:
            raise RuntimeError("no multiples of three. Nor more words")
        return self.head(images.mean((2, 3)))


@pytest.fixture
def checkpoint(attnbench, folder):
    register_model("even", family="mine")(lambda num_classes, img_size: OnlyEven(num_classes))
    code, out, err = attnbench("train", "even", "--data", folder, "--epochs", 1, "--img-size", 8)
    assert code == 0, err
    yield out.rpartition("Checkpoint: ")[2].strip()
    del MODELS._entries["even"]


def test_a_record_of_each_size_a_table_a_figure_and_a_line_for_what_is_refused(
    attnbench, checkpoint, tmp_path
):
    code, out, err = attnbench("evaluate", checkpoint, "--img-size", "8,9,16,8")
    assert code == 1
    line = " ".join(err.split())
    assert "--img-size 9x9: expected images that the model takes" in line
    assert "got 9 × 9 px (RuntimeError: no multiples of three)" in line
    rows = [row.split()[:3] for row in out.splitlines() if row.strip().startswith(("8 ×", "16 ×"))]
    assert rows == [["8", "×", "8"], ["16", "×", "16"]]
    records = store.read(tmp_path / "results/runs/evaluate.jsonl").models
    assert [record.workload.img_size for record in records] == [(8, 8), (16, 16)]
    assert [record.scores.scored_on for record in records] == ["", "pictures val at 16 × 16 px"]
    assert (tmp_path / "results/runs/outcomes/sizes-pictures.png").stat().st_size > 0
    for text in (tmp_path / "results/runs/evaluate.jsonl").read_text().splitlines():
        assert json.loads(text)["recipe"]["img_size"] == [8, 8]

    code, _, err = attnbench("evaluate", checkpoint, "--img-size", "8,16", "--details")
    assert code == 2
    assert "show a model at one size, got 2 sizes" in " ".join(err.split())
    code, _, err = attnbench("evaluate", checkpoint, "--img-size", "9,12")
    assert code == 2
    assert "expected a size that can be judged, got none" in " ".join(err.split())
    code, out, err = attnbench("evaluate", checkpoint, "--img-size", 16, "--details")
    assert code == 0, err
    assert "16x16" in out  # the folder of its details
