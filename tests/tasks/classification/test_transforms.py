import torch

from attnbench.data.augment import normalise, random_crop, random_flip
from attnbench.spec import Recipe
from attnbench.tasks.classification.task import Classification

LABELS = torch.arange(32)


def images_of(batch: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(7)
    return torch.randint(256, (batch, 3, 10, 12), dtype=torch.uint8, generator=generator)


def transformed(images, *, train, seed=0, padding=2, flip=True):
    recipe = Recipe(data="noise", img_size=(10, 12), epochs=1, crop_padding=padding, flip=flip)
    transform = Classification().transforms(recipe, train=train)
    outputs, labels = transform(images, LABELS, torch.Generator().manual_seed(seed))
    assert labels is LABELS
    return outputs


def test_evaluation_only_normalises():
    images = images_of(32)
    assert torch.equal(transformed(images, train=False), normalise(images))


def test_training_without_crop_and_flip_only_normalises():
    images = images_of(32)
    out = transformed(images, train=True, padding=0, flip=False)
    assert torch.equal(out, normalise(images))


def test_training_crops_then_flips_then_normalises():
    images, generator = images_of(32), torch.Generator().manual_seed(3)
    expected = normalise(random_flip(random_crop(images, 2, generator), generator))
    assert torch.equal(transformed(images, train=True, seed=3), expected)


def test_seeds_differ():
    images = images_of(32)
    first, other = (transformed(images, train=True, seed=seed) for seed in (3, 4))
    assert not torch.equal(first, other)
