"""Data sets of Hugging Face: which columns and parts are taken, and what is refused."""

import sys

import pytest

from attnbench.data.inspection import inspect_data
from attnbench.data.opening import open_data
from attnbench.errors import UserError

from .conftest import pictures_of, save

datasets = pytest.importorskip("datasets")


def test_a_folder_of_parquet_files_is_read(saved, tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    tables = datasets.load_from_disk(saved)
    for split, name in (("train", "train"), ("val", "validation")):
        tables[split].to_parquet(tmp_path / f"parquet/{name}.parquet")
    before = sorted((tmp_path / "parquet").iterdir())
    data = open_data(f"hf:{tmp_path / 'parquet'}", 9)
    assert (data.name, len(data.train), len(data.val)) == ("parquet", 15, 6)
    assert sorted((tmp_path / "parquet").iterdir()) == before
    (tmp_path / "parquet/train.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="datasets cannot open it"):
        open_data(f"hf:{tmp_path / 'parquet'}", 9)


def test_columns_are_found_by_their_type_or_chosen(folder, tmp_path):
    pictures = {split: pictures_of(folder, split) for split in ("train", "test")} | {
        "train": pictures_of(folder, "train"), "test": pictures_of(folder, "val")
    }  # fmt: skip
    place = save(tmp_path / "two", pictures, note=lambda rows: ["x"] * len(rows))
    tables = datasets.load_from_disk(place)
    coarse = datasets.ClassLabel(names=["land", "sea"])
    for split, table in tables.items():
        sea = [int(name == "eel") for name, _ in pictures[split]]
        tables[split] = table.add_column("coarse", sea).cast_column("coarse", coarse)
    tables.save_to_disk(tmp_path / "both")
    with pytest.raises(UserError, match=r"got .*kind \(ClassLabel\), note \(string\), coarse"):
        open_data(f"hf:{tmp_path / 'both'}", 9)
    data = open_data(f"hf:{tmp_path / 'both'}#coarse", 9)
    assert (data.name, data.class_names, data.held_out) == ("both", ("land", "sea"), "test")
    with pytest.raises(UserError, match="choose with #COLUMN"):
        open_data(f"hf:{place}#nothing", 9)


def test_pictures_without_labels_or_bytes_are_refused(folder, tmp_path):
    train, val = pictures_of(folder, "train"), pictures_of(folder, "val")
    place = save(tmp_path / "bad", {"train": [*train, (None, train[0][1])], "val": val})
    with pytest.raises(UserError, match=r"1 × picture without label: .*\(train/15\)"):
        open_data(f"hf:{place}", 9)
    place = save(tmp_path / "cut", {"train": train, "val": [*val, ("cat", val[0][1][:40])]})
    (found,) = inspect_data(f"hf:{place}").findings
    assert found.text == "1 × does not decode: replace or delete it (val/6)"


def test_a_table_without_parts_has_a_fifth_held_out(folder, tmp_path):
    place = save(tmp_path / "all", {"train": pictures_of(folder, "train")})
    data = open_data(f"hf:{place / 'train'}", 9)
    assert (len(data.train), len(data.val)) == (12, 3)


def test_without_the_package_the_extra_is_named(saved, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(UserError, match=r"not installed: pip install 'attnbench\[huggingface\]'"):
        open_data(f"hf:{saved}", 9)


@pytest.mark.parametrize("name", ["somebody/nothing", "nothing", "nothing:config", "./nothing", ""])
def test_what_is_not_there_is_one_line_without_a_network(name, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    with pytest.raises(UserError, match=r"^--data hf:.* cannot open it .*fetch it") as refused:
        open_data(f"hf:{name}", 9)
    assert "\n" not in str(refused.value)
