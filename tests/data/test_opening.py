import shutil
import urllib.error
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from attnbench.data.images import ImageData, ImagesInMemory
from attnbench.data.opening import open_data
from attnbench.errors import UserError


def pixels_of(data: ImageData) -> tuple[torch.Tensor, torch.Tensor]:
    assert isinstance(data.train, ImagesInMemory)
    assert isinstance(data.val, ImagesInMemory)
    return data.train.images, data.val.images


class TestDigits:
    def test_are_1797_grey_images_in_ten_classes(self) -> None:
        data = open_data("digits")
        assert (len(data.train), len(data.val)) == (1437, 360)
        assert (data.num_classes, data.img_size, data.photographs) == (10, 32, False)
        images = torch.cat(pixels_of(data))
        assert images.shape == (1797, 3, 32, 32)
        assert torch.equal(images[:, 0], images[:, 2])

    def test_at_their_own_size_reach_from_black_to_white_in_17_levels(self) -> None:
        images = torch.cat(pixels_of(open_data("digits", 8)))
        assert images.min() == 0
        assert images.max() == 255
        assert len(images.unique()) == 17

    def test_a_square_may_be_given_by_both_sides(self) -> None:
        assert open_data("digits", (8, 8)).img_size == 8

    def test_split_is_stratified_and_independent_of_the_seed(self) -> None:
        first, other = open_data("digits", 8, seed=0), open_data("digits", 8, seed=1)
        for image, same in zip(pixels_of(first), pixels_of(other), strict=True):
            assert torch.equal(image, same)
        train, val = (torch.bincount(images.labels) for images in (first.train, first.val))
        share = val / (train + val)
        assert torch.all((share - 0.2).abs() < 0.01)


class TestSynthetic:
    def test_follows_from_its_seed(self) -> None:
        first, again, other = (open_data("synthetic", 9, seed=seed) for seed in (3, 3, 4))
        assert first.img_size == 9
        assert torch.equal(pixels_of(first)[0], pixels_of(again)[0])
        assert not torch.equal(pixels_of(first)[0], pixels_of(other)[0])


class TestCifar:
    def test_is_read_by_torchvision(self, monkeypatch) -> None:
        def fake(root: str, *, train: bool, download: bool) -> SimpleNamespace:
            data = np.zeros((4, 32, 32, 3), dtype=np.uint8)
            data[:, :, :, 1] = 9
            return SimpleNamespace(data=data, targets=[0, 1, 0, 1], classes=["cat", "dog"])

        monkeypatch.setattr("torchvision.datasets.CIFAR10", fake)
        data = open_data("cifar10", 17)
        assert (data.name, data.class_names, data.photographs) == ("cifar10", ("cat", "dog"), True)
        assert pixels_of(data)[0].shape == (4, 3, 17, 17)
        assert pixels_of(data)[0][0, :, 0, 0].tolist() == [0, 9, 0]

    @pytest.mark.parametrize("name", ["cifar10", "cifar100"])
    def test_without_files_and_network_says_what_to_do(self, name, monkeypatch, tmp_path) -> None:
        def unreachable(*args: object, **options: object) -> None:
            raise urllib.error.URLError("no route to host")

        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("torchvision.datasets.cifar.download_and_extract_archive", unreachable)
        with pytest.raises(UserError, match=rf"{name}.*no route.*unpack cifar.*folder") as error:
            open_data(name)
        assert "\n" not in str(error.value)


class TestFolder:
    def test_labels_follow_the_sorted_class_names(self, make_folder) -> None:
        data = open_data(str(make_folder(classes=("eel", "cat"))), 8)
        assert (data.name, data.class_names, data.photographs) == ("pets", ("cat", "eel"), True)
        images, labels = next(data.train.batches(99, seed=None, device="cpu"))
        assert labels.tolist() == [0] * 5 + [1] * 5
        # The maker wrote eel as class 0, cat as class 1: red is 50 times that.
        assert images[:, 0, 0, 0].tolist() == [50] * 5 + [0] * 5
        assert images[:, 1, 0, 0].tolist() == [0, 10, 20, 30, 40] * 2

    @pytest.mark.parametrize(
        ("shape", "size"), [((20, 14), 14), ((9, 31), 9), ((300, 260), 224), ((5, 20), 8)]
    )
    def test_default_size_is_the_short_side_from_8_to_224(self, make_folder, shape, size) -> None:
        data = open_data(str(make_folder(classes=("a", "b"), counts=(1, 1), shape=shape)))
        assert data.img_size == size
        assert pixels_of(data)[0].shape == (2, 3, size, size)

    def test_resizes_the_short_side_and_crops_the_centre(self, make_folder) -> None:
        folder = make_folder()
        stripes = np.zeros((10, 30, 3), dtype=np.uint8)
        stripes[:, 10:20] = 255
        Image.fromarray(stripes).save(folder / "train" / "cat" / "0.png")
        image = pixels_of(open_data(str(folder), 10))[0][0]
        assert torch.all(image == 255)

    def test_grey_and_transparent_images_become_three_channels(self, make_folder) -> None:
        folder = make_folder()
        Image.new("L", (9, 9), 77).save(folder / "train" / "cat" / "0.png")
        Image.new("RGBA", (9, 9), (1, 2, 3, 0)).save(folder / "train" / "cat" / "1.png")
        images = pixels_of(open_data(str(folder), 9))[0]
        assert images[0, :, 0, 0].tolist() == [77, 77, 77]
        assert images[1, :, 0, 0].tolist() == [255, 255, 255]

    def test_reports_progress_up_to_the_number_of_images(self, make_folder) -> None:
        folder = make_folder(classes=("a", "b"), counts=(70, 3), shape=(8, 8))
        seen: list[tuple[int, int]] = []
        open_data(str(folder), on_progress=lambda done, total: seen.append((done, total)))
        once = [(64, 146), (128, 146), (146, 146)]
        assert seen == once * 2  # the headers, then the pixels

    def test_held_out_images_alone(self, make_folder) -> None:
        folder = make_folder()
        shutil.rmtree(folder / "train")
        data = open_data(str(folder), 8, train=False)
        assert (len(data.train), len(data.val)) == (0, 6)
        assert data.class_names == ("cat", "dog", "eel")


class TestBadInput:
    """Every message is one line and says what to do."""

    @staticmethod
    def refused(data: object, match: str, img_size: int | tuple[int, int] | None = None) -> None:
        with pytest.raises(UserError, match=match) as error:
            open_data(str(data), img_size)
        assert "\n" not in str(error.value)

    def test_missing_folder(self, tmp_path) -> None:
        self.refused(tmp_path / "nowhere", r"expected a folder with train/ and val/, got nothing")

    def test_a_file_for_a_folder(self, tmp_path) -> None:
        file = tmp_path / "images.zip"
        file.write_bytes(b"PK")
        self.refused(file, "got a file")

    def test_unknown_name_gives_the_nearest(self) -> None:
        self.refused("cifar1O", "did you mean cifar10.*nor is there a folder")

    @pytest.mark.parametrize("split", ["train", "val"])
    def test_folder_without_a_split(self, make_folder, split) -> None:
        folder = make_folder()
        shutil.rmtree(folder / split)
        self.refused(folder, f"expected the folders train/ and val/.*got no {split}/")

    def test_single_class(self, make_folder) -> None:
        self.refused(make_folder(classes=("cat",)), "at least 2 classes.*got 1")

    def test_images_without_class_folders(self, make_folder) -> None:
        folder = make_folder()
        for name in ("cat", "dog", "eel"):
            shutil.rmtree(folder / "train" / name)
        self.refused(folder, "at least 2 classes.*got 0")

    def test_class_without_training_images(self, make_folder) -> None:
        folder = make_folder()
        for file in (folder / "train" / "dog").iterdir():
            file.unlink()
        self.refused(folder, r"train/dog: expected images .*got none")

    def test_no_held_out_images(self, make_folder) -> None:
        self.refused(make_folder(counts=(2, 0)), r"val: expected images .*got none")

    def test_classes_that_differ(self, make_folder) -> None:
        folder = make_folder()
        (folder / "val" / "dog").rename(folder / "val" / "fox")
        self.refused(folder, "same classes.*only in train/: dog; only in val/: fox")

    @pytest.mark.parametrize("content", [b"", b"no image", None])
    @pytest.mark.parametrize("row", [0, 3])
    def test_corrupt_image_is_named(self, make_folder, content, row) -> None:
        folder = make_folder(shape=(40, 40))
        file = folder / "train" / "cat" / f"{row}.png"
        torn = file.read_bytes()[:-30]
        file.write_bytes(torn if content is None else content)
        self.refused(folder, rf"got 1 × does not decode: replace .*train/cat/{row}\.png")

    @pytest.mark.parametrize("data", ["digits", "synthetic", "cifar10"])
    @pytest.mark.parametrize("img_size", [7, 0, -1])
    def test_size_below_eight(self, data, img_size) -> None:
        self.refused(data, f"--img-size must be at least 8, got {img_size}", img_size)

    def test_a_size_that_is_not_square(self) -> None:
        self.refused("digits", "read as squares; got 32 × 40 pixels", (32, 40))

    def test_a_name_that_no_system_takes_is_shortened(self) -> None:
        self.refused("x" * 5000, r"xxx… \(5,000 characters\).*got nothing there")
        self.refused("/a\0b", r"/a\\x00b: expected a folder")
