"""The benchmark of training takes turns, and says what it measured."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import bench_train

    yield bench_train
    for name in ("bench_train", "bench_train_work"):
        sys.modules.pop(name)


def test_loops_take_turns_and_end(bench):
    done = []

    def loop_of(name):
        def loop(after_step):
            while True:
                done.append(name)
                after_step()

        return loop

    first, second = (bench.Paced(loop_of(name)) for name in "ab")
    for one, steps in ((first, 2), (second, 1), (first, 1)):
        assert one.take(steps) > 0
    for one in (first, second):
        one.end()
    assert "".join(done) == "aaba"


def test_an_error_in_a_loop_is_told_where_it_is_waited_for(bench):
    def loop(after_step):
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        bench.Paced(loop).take(1)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Exception ignored")  # timm leaves files open in this process
@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_it_measures_both_sides_of_a_model(bench, tmp_path, monkeypatch, capsys):
    random = np.random.default_rng(0)
    for number in range(3):
        pixels = random.integers(256, size=(40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    monkeypatch.setattr(bench, "MODELS", ("deit-t",))
    monkeypatch.setattr(bench, "available_cores", lambda: 0)  # timm reads in this process, too
    monkeypatch.setattr("attnbench.data.augmented.MOST_WORKERS", 0)
    words = ["--size", "16", "--batch", "2", "--steps", "1", "--turns", "1"]
    rows = bench.main([str(tmp_path), *words])
    assert [row.what.split(", ")[1] for row in rows] == [
        "from files", "waiting for images from files",
        "from memory", "waiting for images from memory", "the most that memory can give",
    ]  # fmt: skip
    assert all(row.numbers.get("ratio", 1) > 0 for row in rows)
    assert rows[-1].numbers["bound"] > 0
    assert all(0 <= row.numbers.get("waiting_share", 0) < 1 for row in rows)
    assert "## Training, ours and timm's" in capsys.readouterr().out
