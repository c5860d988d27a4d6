import pytest
import torch
from torch.nn import functional as F

from attnbench.data.global_random import drawing_from, drawn_seed
from attnbench.spec import Recipe
from attnbench.tasks.classification.mixing import Mixed, cross_entropy, erase, mix
from attnbench.tasks.classification.task import Classification

BOTH = {"mixup": 0.8, "cutmix": 1.0}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images_of(batch):
    return torch.randn(batch, 3, 8, 6, generator=generator(5))


@pytest.mark.parametrize("alphas", [{"mixup": 0.8, "cutmix": 0}, {"mixup": 0, "cutmix": 1.0}, BOTH])
def test_the_mixing_and_its_loss_are_timms(alphas):
    from timm.data import Mixup
    from timm.loss import SoftTargetCrossEntropy

    labels, logits = torch.tensor([0, 3, 1, 3, 2, 0]), torch.randn(6, 4, generator=generator(1))
    for seed in range(5):
        theirs = Mixup(alphas["mixup"], alphas["cutmix"], label_smoothing=0.1, num_classes=4)
        with drawing_from(drawn_seed(generator(seed))):
            expected, soft = theirs(images_of(6), labels)
        mixed, targets = mix(images_of(6), labels, generator(seed), **alphas)
        assert torch.equal(mixed, expected)
        loss = cross_entropy(logits, targets, 0.1)
        torch.testing.assert_close(loss, SoftTargetCrossEntropy()(logits, soft))


def test_whole_labels_are_torchs_cross_entropy():
    logits, labels = torch.randn(5, 4), torch.tensor([0, 3, 1, 3, 2])
    expected = F.cross_entropy(logits, labels, label_smoothing=0.2)
    assert torch.equal(cross_entropy(logits, labels, 0.2), expected)
    alone = Mixed(labels, labels.flip(0), torch.ones(5))
    torch.testing.assert_close(cross_entropy(logits, alone, 0.2), expected)


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_a_batch_of_any_size_is_mixed_but_for_an_image_that_is_left_over(batch):
    labels = torch.arange(batch)
    mixed, targets = mix(images_of(batch), labels, generator(2), mixup=0.8, cutmix=0)
    even = batch // 2 * 2
    assert torch.equal(mixed[even:], images_of(batch)[even:])
    assert torch.equal(targets.others[even:], labels[even:])
    assert torch.equal(targets.others[:even], labels[:even].flip(0))
    assert (targets.shares[:even] < 1).all()
    assert (targets.shares[even:] == 1).all()


def test_erasing_puts_noise_into_that_share_of_images():
    for probability, least, most in ((0.0, 0, 0), (0.5, 20, 44), (1.0, 64, 64)):
        erased = erase(torch.full((64, 3, 8, 6), 9.0), generator(), probability)
        assert least <= (erased != 9.0).any(3).any(2).any(1).sum() <= most


def test_everything_together_depends_on_the_generator_alone():
    recipe = Recipe(
        data="noise", img_size=(8, 6), epochs=1, crop_padding=2, flip=True, erasing=0.5, **BOTH
    )
    transform = Classification().transforms(recipe, train=True)
    pixels = torch.randint(256, (7, 3, 8, 6), dtype=torch.uint8, generator=generator(3))
    labels = torch.arange(7)

    def once(seed):
        torch.rand(seed + 1)  # what others draw is no matter
        images, targets = transform(pixels, labels, generator(seed))
        return images, *targets

    first, again, other = once(1), once(1), once(2)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])
