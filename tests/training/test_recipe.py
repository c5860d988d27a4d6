from dataclasses import replace

import pytest

from attnbench.data.images import ImageData
from attnbench.errors import UserError
from attnbench.training.recipe import DEFAULTS, recipe_for


def sized(data: ImageData, img_size: int, *, photographs: bool = True, name: str = "set"):
    return replace(data, img_size=(img_size, img_size), photographs=photographs, name=name)


def test_digits_are_never_flipped_and_photographs_are(data) -> None:
    assert not recipe_for(sized(data, 32, photographs=False, name="digits")).flip
    assert not recipe_for(sized(data, 32, photographs=False, name="letters")).flip
    assert not recipe_for(sized(data, 224, photographs=False, name="synthetic")).flip
    assert recipe_for(sized(data, 32)).flip
    assert recipe_for(sized(data, 224, name="synthetic")).flip


def test_crops_are_padded_by_a_share_of_the_size(data) -> None:
    assert recipe_for(sized(data, 32)).crop_padding == 4
    assert recipe_for(sized(data, 128)).crop_padding == 16
    assert recipe_for(sized(data, 32, photographs=False, name="digits")).crop_padding == 2


def test_the_range_of_scales_follows_from_the_kind_of_data(data) -> None:
    for task in ("detection", "segmentation"):
        assert recipe_for(replace(sized(data, 96), task=task)).scales is None
        low, high = recipe_for(replace(sized(data, 96, photographs=False), task=task)).scales
        assert 0.9 < low < 1 < high < 1.1


@pytest.mark.parametrize("scales", [(0, 1), (0.5, float("inf"))])
def test_scales_that_enlarge_nothing_are_refused(data, scales) -> None:
    with pytest.raises(UserError, match="scales"):
        recipe_for(data, scales=scales)


def test_small_and_large_photographs_have_recipes_of_their_own(data) -> None:
    for size, kind in ((64, "small photographs"), (65, "large photographs")):
        assert recipe_for(sized(data, size)).batch_size == DEFAULTS[kind].batch_size


def test_overrides_win_and_none_is_ignored(data) -> None:
    recipe = recipe_for(data, epochs=3, lr=None, seed=5, crop_padding=0, flip=False)
    assert (recipe.epochs, recipe.seed, recipe.crop_padding, recipe.flip) == (3, 5, 0, False)
    assert recipe.lr == DEFAULTS["small photographs"].lr
    assert (recipe.data, recipe.img_size) == ("noise", (9, 9))


def test_a_short_run_is_not_all_warmup_unless_asked_for(data) -> None:
    assert recipe_for(data, epochs=1).warmup_epochs == pytest.approx(0.2)
    assert recipe_for(data, epochs=1, warmup_epochs=1.0).warmup_epochs == 1.0


@pytest.mark.parametrize("padding", [9, 20])
def test_padding_that_cannot_be_reflected_is_refused(data, padding) -> None:
    with pytest.raises(UserError, match=f"below the image size 9, got {padding}"):
        recipe_for(data, crop_padding=padding)
