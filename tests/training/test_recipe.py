from dataclasses import replace

import pytest

from attnbench.cli.recipe import RECIPES
from attnbench.data.images import ImageData
from attnbench.errors import UserError
from attnbench.training.presets import PRESETS
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


def test_quick_is_the_default_and_sets_nothing(data) -> None:
    assert recipe_for(data, "quick") == recipe_for(data)
    assert tuple(PRESETS) == RECIPES


@pytest.mark.parametrize("name", PRESETS)
def test_a_named_recipe_is_for_its_task_alone(data, name) -> None:
    found = PRESETS[name]
    for task in DEFAULTS.keys() & {"detection", "segmentation"} | {"classification"}:
        of_task = replace(sized(data, 64), task=task)
        if found.task not in ("", task):
            with pytest.raises(UserError, match=f"--recipe {name} is for {found.task}, .* quick"):
                recipe_for(of_task, name)
            continue
        recipe = recipe_for(of_task, name, epochs=7)
        settings = {**found.settings, "epochs": 7}
        settings.pop("warmup_epochs", None)
        assert {key: getattr(recipe, key) for key in settings} == settings
        assert recipe.warmup_epochs <= 1.41
    assert not recipe_for(replace(sized(data, 64), photographs=False, task=found.task or
                          "classification"), name).flip  # fmt: skip


def test_the_rate_of_a_named_recipe_follows_the_batch_unless_it_is_given(data) -> None:
    assert recipe_for(data, "deit").lr == 1e-3
    halved = recipe_for(data, "deit", batch_size=512)
    assert (halved.lr, halved.min_lr) == (5e-4, 5e-6)
    assert recipe_for(data, "deit", batch_size=512, lr=2e-3).lr == 2e-3
    assert recipe_for(data, batch_size=7).lr == recipe_for(data).lr


def test_settings_of_classes_are_refused_where_there_are_boxes(data) -> None:
    boxes = replace(sized(data, 64), task="detection")
    for name, value in (
        ("mixup", 0.1), ("erasing", 0.1), ("repeats", 2), ("crop_scale", (0.1, 1.0)),
    ):  # fmt: skip
        with pytest.raises(UserError, match=rf"--{name.replace('_', '-')} is for classification"):
            recipe_for(boxes, **{name: value})
    assert recipe_for(boxes, mixup=0.0).mixup == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rand_augment": "rand-m9-x"}, "--rand-augment: expected a text such as rand-m9"),
        ({"rand_augment": "auto"}, "--rand-augment"),
        ({"crop_scale": (0.0, 1.0)}, "--crop-scale: expected a number above 0"),
        ({"crop_scale": (1.0, 0.5)}, "--crop-scale: expected the lower first, got 1,0.5"),
        ({"min_lr": 1.0}, "--min-lr: expected at most the peak"),
        ({"drop_path": 1.0}, "--drop-path: expected a number from 0 to 0.95"),
        ({"ema_decay": 1.0}, "--ema-decay"),
        ({"layer_decay": 0.0}, "--layer-decay"),
        ({"accumulate": 0}, "--accumulate"),
        ({"teacher": "timm:resnet18"}, "--distillation and --teacher belong together"),
        ({"distillation": "hard"}, "--distillation and --teacher belong together"),
        ({"distillation": "half", "teacher": "x"}, "--distillation must be one of none, soft"),
        ({"autocast": "float8"}, "--autocast must be one of none, bfloat16, float16"),
    ],
)  # fmt: skip
def test_settings_out_of_range_are_refused(data, settings, message) -> None:
    with pytest.raises(UserError, match=message):
        recipe_for(data, **settings)


def test_a_preset_that_does_not_exist_is_refused(data) -> None:
    with pytest.raises(UserError, match="--recipe must be one of quick, deit"):
        recipe_for(data, "imagenet")
