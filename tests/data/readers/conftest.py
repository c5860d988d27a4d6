"""The pictures of `make_folder`, packed for other readers."""

import io
import tarfile

import pytest


def write_tar(path, members):
    """Write an archive of (name, content) pairs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def pictures_of(folder, split):
    """The files of a split of a folder of classes: class and content, in the order of folders."""
    files = sorted((folder / split).glob("*/*.png"))
    return [(file.parent.name, file.read_bytes()) for file in files]


def as_members(pictures, label=lambda name: ("txt", name.encode()), first=0):
    """Samples with keys by number: the picture, and what `label` gives for the class."""
    for number, (name, content) in enumerate(pictures, first):
        yield f"{number:04d}.png", content
        suffix, text = label(name)
        yield f"{number:04d}.{suffix}", text


@pytest.fixture
def folder(make_folder):
    return make_folder()


@pytest.fixture
def shards(folder, tmp_path):
    """Archives of both splits; the one to train on has two, and labels are names."""
    train = pictures_of(folder, "train")
    write_tar(tmp_path / "shards/train-000.tar", as_members(train[:8]))
    write_tar(tmp_path / "shards/train-001.tar", as_members(train[8:]))
    write_tar(tmp_path / "shards/val-000.tar", as_members(pictures_of(folder, "val")))
    return tmp_path / "shards"


@pytest.fixture
def saved(folder, tmp_path):
    """What `save_to_disk` of Hugging Face's data sets writes."""
    return save(
        tmp_path / "saved", {split: pictures_of(folder, split) for split in ("train", "val")}
    )


def save(path, splits, names=("cat", "dog", "eel"), **columns):
    datasets = pytest.importorskip("datasets")
    kinds = datasets.Features(picture=datasets.Image(), kind=datasets.ClassLabel(names=[*names]))
    more = {name: datasets.Value("string") for name in columns}
    tables = {}
    for split, pictures in splits.items():
        rows = {
            "picture": [{"bytes": content, "path": None} for _, content in pictures],
            "kind": [None if name is None else names.index(name) for name, _ in pictures],
            **{name: values(pictures) for name, values in columns.items()},
        }
        tables[split] = datasets.Dataset.from_dict(
            rows, features=datasets.Features({**kinds, **more})
        )
    datasets.disable_progress_bars()
    datasets.DatasetDict(tables).save_to_disk(path)
    return path
