from pathlib import Path

import pytest
import torch

from attnbench.data.folder import open_folder
from attnbench.data.images import ImageSet, ImagesInMemory

COUNT = 23


@pytest.fixture
def numbered() -> ImagesInMemory:
    """Images whose every pixel is their label is their row."""
    labels = torch.arange(COUNT)
    images = labels.to(torch.uint8)[:, None, None, None].expand(COUNT, 3, 5, 5).contiguous()
    return ImagesInMemory(images, labels)


def labels_of(images: ImageSet, batch_size: int, seed: int | None) -> list[int]:
    batches = images.batches(batch_size, seed=seed, device="cpu")
    return [label for _, labels in batches for label in labels.tolist()]


@pytest.mark.parametrize("batch_size", [1, 4, 23, 100])
def test_in_order_without_a_seed(numbered: ImagesInMemory, batch_size: int) -> None:
    assert labels_of(numbered, batch_size, None) == list(range(COUNT))


def test_a_seed_shuffles_every_image_once_and_repeats(numbered: ImagesInMemory) -> None:
    first, again, other = (labels_of(numbered, 4, seed) for seed in (1, 1, 2))
    assert sorted(first) == list(range(COUNT))
    assert first == again != other
    assert first != sorted(first)


def test_images_stay_with_their_labels_and_the_last_batch_is_kept(
    numbered: ImagesInMemory,
) -> None:
    sizes = []
    for images, labels in numbered.batches(5, seed=0, device="cpu"):
        assert images.dtype == torch.uint8
        assert labels.dtype == torch.int64
        assert torch.equal(images[:, 0, 0, 0].long(), labels)
        sizes.append(len(labels))
    assert sizes == [5, 5, 5, 5, 3]


def test_from_disk_is_the_same_as_from_memory(make_folder, monkeypatch) -> None:
    folder = make_folder(counts=(7, 2))
    in_memory = open_folder(folder, 9)
    monkeypatch.setattr("attnbench.data.images.MEMORY_LIMIT_BYTES", 0)
    on_disk = open_folder(folder, 9)
    assert type(in_memory.train) is not type(on_disk.train)
    for batch_size, seed in ((4, None), (4, 5), (50, 0)):
        pairs = zip(
            in_memory.train.batches(batch_size, seed=seed, device="cpu"),
            on_disk.train.batches(batch_size, seed=seed, device="cpu"),
            strict=True,
        )
        for (images, labels), (other_images, other_labels) in pairs:
            assert torch.equal(images, other_images)
            assert torch.equal(labels, other_labels)


def test_reading_from_disk_may_stop_early(make_folder, monkeypatch) -> None:
    monkeypatch.setattr("attnbench.data.images.MEMORY_LIMIT_BYTES", 0)
    images = open_folder(make_folder(), 8).train
    batches = images.batches(1, seed=None, device="cpu")
    next(batches)
    batches.close()


def test_a_corrupt_file_on_disk_is_named_when_it_is_reached(make_folder, monkeypatch) -> None:
    monkeypatch.setattr("attnbench.data.images.MEMORY_LIMIT_BYTES", 0)
    folder: Path = make_folder()
    (folder / "train" / "dog" / "3.png").write_bytes(b"not an image")
    images = open_folder(folder, 8).train
    with pytest.raises(ValueError, match=r"3\.png"):
        labels_of(images, 2, None)
