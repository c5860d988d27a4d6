"""What augmentation makes of a set depends on the seed alone."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from attnbench.data.augmented import Augmented, repeated, to_train_on
from attnbench.data.folder import open_folder
from attnbench.data.global_random import drawing_from
from attnbench.data.images import ImagesInMemory, batches_of
from attnbench.data.picture_augment import PictureAugment, seed_of
from attnbench.errors import UserError
from attnbench.spec import Recipe

COUNT = 11
AUGMENT = PictureAugment((9, 7), (0.2, 1.0), "rand-m9-mstd0.5-inc1")


@pytest.fixture
def images() -> ImagesInMemory:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(256, (COUNT, 3, 12, 12), dtype=torch.uint8, generator=generator)
    return ImagesInMemory(pixels, torch.arange(COUNT))


def all_of(images, seed=3, first=0):
    """The batches of a pass: images and labels."""
    return list(images.batches(4, seed=seed, device="cpu", first=first))


def equal(first, second):
    return len(first) == len(second) and all(
        torch.equal(one, other)
        for a, b in zip(first, second, strict=True)
        for one, other in zip(a, b, strict=True)
    )


def draws():
    """One number from each generator that all code shares; what was drawn is put back."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    found = random.random(), np.random.rand(), torch.rand(()).item()
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])
    return found


def test_neither_the_number_of_processes_nor_the_pass_before_changes_a_pixel(images):
    alone, two = (Augmented(images, AUGMENT, workers=workers) for workers in (0, 2))
    before = draws()
    expected, other = all_of(alone), all_of(alone, seed=4)
    assert draws() == before
    assert [pixels.shape[1:] for pixels, _ in expected] == [(3, 9, 7)] * 3
    assert not equal(expected, other)
    for seed, wanted in ((4, other), (3, expected), (3, expected)):
        assert equal(all_of(two, seed), wanted)
    two.batches(4, seed=3, device="cpu").close()  # a pass that is given up harms none after it
    part = two.batches(4, seed=4, device="cpu")
    next(part)
    part.close()
    assert equal(all_of(two, first=2), expected[2:])
    assert draws() == before


def test_labels_are_in_the_order_of_the_plain_set(images):
    plain = images.batches(4, seed=3, device="cpu")
    batches = all_of(Augmented(images, AUGMENT, workers=0))
    assert [b[1].tolist() for b in plain] == [b[1].tolist() for b in batches]


@pytest.mark.parametrize("repeats", [1, 2, 3, 20])
@pytest.mark.parametrize("batch_size", [1, 4, 10, 11])
def test_repeats_keep_the_batches_and_show_fewer_images(repeats, batch_size):
    plain = batches_of(COUNT, batch_size, 1)
    batches = repeated(plain, repeats)
    assert [len(batch) for batch in batches] == [len(batch) for batch in plain]
    counts = torch.cat(list(batches)).unique(return_counts=True)[1].tolist()
    assert max(counts) <= repeats
    assert len(counts) == -(-COUNT // repeats)
    assert not repeated([], repeats)


def test_copies_of_an_image_are_augmented_each_in_its_own_way(images):
    alike = torch.stack(
        [AUGMENT(images.picture(0, whole=True), seed_of(1, place)) for place in range(4)]
    )
    assert len(alike.unique(dim=0)) == 4


@pytest.mark.parametrize("strength", ["rand-m0-n8-p1-inc1", "rand-m30-n8-p1-inc1-mmax30"])
def test_every_operation_of_rand_augment_works_at_any_strength(images, strength):
    augment = PictureAugment((12, 12), None, strength)
    for seed in range(60):
        assert augment(images.picture(seed % COUNT, whole=True), seed).shape == (3, 12, 12)


def test_whole_files_are_cropped_and_a_broken_one_is_named(make_folder, monkeypatch):
    monkeypatch.setattr("attnbench.data.images.MEMORY_LIMIT_BYTES", 0)
    folder: Path = make_folder(counts=(4, 1))
    on_disk = Augmented(open_folder(folder, 9).train, AUGMENT, workers=1)
    assert sum(len(labels) for _, labels in all_of(on_disk)) == 12
    (folder / "train" / "dog" / "3.png").write_bytes(b"not an image")
    with pytest.raises(UserError, match=r"3\.png"):
        all_of(on_disk)


def test_a_set_without_single_pictures_is_refused_only_where_they_are_needed(images):
    recipe = Recipe(data="noise", img_size=(9, 7), epochs=1)
    assert to_train_on(images, recipe) is images
    for asked in ({"repeats": 2}, {"rand_augment": "rand-m9"}, {"crop_scale": (0.5, 1.0)}):
        assert isinstance(to_train_on(images, replace(recipe, **asked)), Augmented)
        with pytest.raises(UserError, match=r"--rand-augment .* got object"):
            to_train_on(object(), replace(recipe, **asked))


def test_seeded_draws_depend_on_the_seed_and_leave_no_trace():
    before = draws()
    with drawing_from(2**32 - 1):
        first = draws()
    with drawing_from(2**32 - 1):
        assert draws() == first != before
    assert draws() == before
