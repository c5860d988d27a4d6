from pathlib import Path

import pytest
import torch

from attnbench.data.folder import open_folder
from attnbench.data.images import ImageSet, ImagesInMemory, num_batches

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


@pytest.mark.parametrize("batch_size", [1, 2, 4, 11, 22, 23, 100])
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


def test_a_file_that_breaks_during_training_is_named(make_folder, monkeypatch) -> None:
    monkeypatch.setattr("attnbench.data.images.MEMORY_LIMIT_BYTES", 0)
    folder: Path = make_folder()
    images = open_folder(folder, 8).train
    (folder / "train" / "dog" / "3.png").write_bytes(b"not an image")
    with pytest.raises(ValueError, match=r"3\.png"):
        labels_of(images, 2, None)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 7, 64])
def test_no_batch_has_a_single_image_unless_all_have(batch_size) -> None:
    for count in (0, 1, 2, 3, 4, 7, 8, 9, 63, 64, 65, 66, 128, 129):
        pixels = torch.zeros(count, 3, 1, 1, dtype=torch.uint8)
        numbered = ImagesInMemory(pixels, torch.arange(count))
        sizes = [len(labels) for _, labels in numbered.batches(batch_size, seed=None, device="cpu")]
        assert len(sizes) == num_batches(count, batch_size)
        assert sum(sizes) == count
        assert all(size == batch_size for size in sizes[:-1])
        assert all(size <= batch_size + 1 for size in sizes)
        if batch_size > 1 and count > 1:
            assert min(sizes) > 1
