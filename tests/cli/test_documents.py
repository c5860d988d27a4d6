"""Every command and every piece of code in the pages of `docs/` works (`make docs`).

Commands run as they are printed, page by page, in a folder that has what the page names; flags that
are added make them small.
"""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from attnbench.data.images import ImageData
from attnbench.registry import ATTENTIONS

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"^```(console|python)(?: title=\"(.+?)\")?\n(.*?)^```$", re.M | re.S)
PAGES = [page.stem for page in sorted(DOCS.glob("*.md")) if BLOCK.search(page.read_text())]
SMALLER = {
    "profile": "--time-budget 0.05",
    "sweep": "--time-budget 0.05",
    "train": "--epochs 1",
    "report": "",
    "compare": "",
    "runs": "",
    "data": "",
    "list": "",
    "evaluate": "",
    "explain": "",
    "predict": "--help",  # it needs sizes that are measured well: tests of its own
    "doctor": "--help",  # minutes; tests of its own
    "reproduce": "--help",  # the same
}
FEW = 8
"""Images that are trained on, and that are held out."""


class Few:
    """The first images of a set."""

    def __init__(self, images):
        self.images = images

    def __len__(self):
        return min(FEW, len(self.images))

    def __getattr__(self, name):
        return getattr(self.images, name)  # single pictures, and their labels

    def batches(self, batch_size, *, seed, device, first=0):
        images, targets = next(iter(self.images.batches(FEW, seed=seed, device=device)))
        yield images[: len(self)], targets[: len(self)]


@pytest.fixture(autouse=True)
def small_work(monkeypatch):
    from attnbench.data import digit_scenes, opening

    opened = opening.open_data

    def open_few(*arguments, **settings):
        data = opened(*arguments, **settings)
        values = {name: getattr(data, name) for name in ImageData.__dataclass_fields__}
        return ImageData(**{**values, "train": Few(data.train), "val": Few(data.val)})

    monkeypatch.setattr(opening, "open_data", open_few)
    monkeypatch.setattr(digit_scenes, "SCENES", {"train": FEW, "val": FEW})


@pytest.fixture
def registered():
    """What a page registers is forgotten after it."""
    known = set(ATTENTIONS.names())
    yield
    for name in set(ATTENTIONS._entries) - known:
        del ATTENTIONS._entries[name]


def make_folders(picture):
    """The folders that pages name: photos by class, boxes, and masks; two pictures in each."""
    mask = np.zeros((48, 64), np.uint8)
    mask[:, 30:], mask[:4] = 1, 11
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            picture(Path("photos") / split / name / "1.png")
        for number in (1, 2):
            picture(Path("bccd/images") / f"{split}{number}.png")
            picture(Path("camvid11") / split / "images" / f"{number}.png")
            masks = Path("camvid11") / split / "masks"
            masks.mkdir(exist_ok=True)
            Image.fromarray(mask).save(masks / f"{number}.png")
        box = {"category_id": 1, "bbox": [8, 8, 20, 20]}
        size = {"width": 64, "height": 48}
        content = {
            "images": [{"id": n, "file_name": f"{split}{n}.png", **size} for n in (1, 2)],
            "categories": [{"id": 1, "name": "WBC"}],
            "annotations": [{"id": n, "image_id": n, **box} for n in (1, 2)],
        }
        Path("bccd/annotations").mkdir(exist_ok=True)
        Path(f"bccd/annotations/instances_{split}.json").write_text(json.dumps(content))


def make_packed():
    """What pages name beside folders: two archives, a saved table, and files of torchvision."""
    import tarfile

    import datasets

    files = [file for file in sorted(Path("photos/train").glob("*/*.png")) for _ in range(5)]
    for part in (0, 1):
        with tarfile.open(f"flowers-00{part}.tar", "w") as tar:
            for key, file in enumerate(files):
                tar.add(file, f"{key}.png")
                label = Path(f"{part}-{key}.txt")
                label.write_text(file.parent.name)
                tar.add(label, f"{key}.txt")
    kinds = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(2))
    rows = {"image": [*map(str, files)], "label": [int("dog" in str(file)) for file in files]}
    table = datasets.Dataset.from_dict(rows, features=kinds)
    datasets.DatasetDict(train=table, validation=table).save_to_disk("flowers")
    raw = Path("data/FashionMNIST/raw")
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        for name, shape in (("images-idx3", (4, 28, 28)), ("labels-idx1", (4,))):
            head = bytes([0, 0, 8, len(shape)]) + np.array(shape, ">i4").tobytes()
            values = np.arange(np.prod(shape)) % 2
            (raw / f"{part}-{name}-ubyte").write_bytes(head + values.astype(np.uint8).tobytes())


def draw(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    Image.fromarray(values).save(path)


def newest(pattern):
    """The file that the command before has written."""
    return str(max(Path().glob(pattern), key=lambda path: path.stat().st_mtime))


def commands(block):
    return [line[2:] for line in block.splitlines() if line.startswith("$ ")]


def small(command):
    """The words of a command line, with fewer tokens and shorter work."""
    words = shlex.split(command)[1:]
    for flag, value in (("--n-tokens", "16,64"), ("--img-size", "64")):
        if flag in words and "x" not in words[words.index(flag) + 1]:
            words[words.index(flag) + 1] = value
    if "--model" in words and "--img-size" not in words:
        words += ["--img-size", "64"]
    words = [newest("results/runs/checkpoints/*/last.pt") if "RUN" in w else w for w in words]
    words = [
        newest("results/runs/outcomes/*/*/results.json") if w.endswith(".json") else w
        for w in words
    ]
    return words + shlex.split(SMALLER[words[0]])


@pytest.mark.documents
@pytest.mark.parametrize("page", PAGES)
def test_commands_and_code_of_a_page_work(page, attnbench, registered, capsys):
    make_folders(draw)
    make_packed()
    blocks = BLOCK.findall((DOCS / f"{page}.md").read_text())
    assert blocks
    for kind, title, block in blocks:
        if title:
            Path(title).write_text(block)
        elif kind == "python":
            exec(compile(block, f"{page}.md", "exec"), {})
        for command in commands(block) if kind == "console" else ():
            if command.startswith("attnbench"):
                code, out, err = attnbench(*small(command))
                assert code == 0, f"{command}\n{out}\n{err}"
            else:
                assert command.startswith("pip install -e"), command


def test_every_page_is_in_the_navigation():
    named = set(re.findall(r"([\w-]+)\.md", (DOCS.parent / "mkdocs.yml").read_text()))
    assert named == {path.stem for path in DOCS.glob("*.md")}
