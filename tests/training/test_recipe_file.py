from dataclasses import replace

import pytest

from attnbench.cli.recipe import RecipeOptions
from attnbench.cli.show.recipe import recipe_lines
from attnbench.errors import UserError
from attnbench.training.presets import PRESETS
from attnbench.training.recipe import recipe_for
from attnbench.training.recipe_file import over, read_recipe


@pytest.fixture
def written(tmp_path):
    def write(text, name="recipe.toml"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_what_is_printed_is_read_back_as_the_same_recipe(data, written) -> None:
    for name, preset in PRESETS.items():
        of_task = replace(data, task=preset.task or "classification")
        recipe = recipe_for(of_task, name, seed=3, weight_decay=1e-5)
        file = written("\n".join(recipe_lines(recipe)))
        options = RecipeOptions(config=file)
        assert recipe_for(of_task, seed=3, **options.overrides(gpu=False)) == recipe


def test_flags_go_before_the_file_and_the_file_before_the_preset(data, written) -> None:
    file = written("recipe = 'cifar'\nepochs = 9\nmixup = 0.3\nlr = 1")
    options = RecipeOptions(config=file, mixup=0.0, crop_scale="0.5,1")
    recipe = recipe_for(data, seed=1, **options.overrides(gpu=False))
    assert (recipe.epochs, recipe.mixup, recipe.lr, recipe.seed) == (9, 0.0, 1.0, 1)
    assert (recipe.crop_scale, recipe.cutmix) == ((0.5, 1.0), 1.0)
    assert recipe_for(data, **options.overrides(gpu=True)).autocast == "bfloat16"
    assert over({"a": 1, "b": 2}, {"a": None, "b": 3}) == {"a": 1, "b": 3}


def test_yaml_says_the_same(written) -> None:
    text = "recipe: deit\nlr: 1e-3\ncrop_scale: [0.1, 1]\nflip: false\nrand_augment: rand-m9\n"
    expected = {
        "recipe": "deit", "lr": 1e-3, "crop_scale": (0.1, 1.0), "flip": False,
        "rand_augment": "rand-m9",
    }  # fmt: skip
    assert read_recipe(written(text, "recipe.yaml")) == expected
    assert read_recipe(written("", "empty.yml")) == {}


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("mixupp = 1", "a.toml", "expected entries of a recipe, got .mixupp.; near .*mixup"),
        ("seed = 1", "a.toml", "got 'seed'"),
        ("mixup = 'much'", "a.toml", "wrong type .*mixup"),
        ("epochs = 1.5", "a.toml", "wrong type .*epochs"),
        ("lr = ", "a.toml", "expected a recipe in TOML"),
        ("a: [", "a.yaml", "expected a recipe in YAML"),
        ("- 1", "a.yaml", "expected entries such as epochs"),
        ("lr: " + "[" * 5000, "a.yaml", "5,004 characters with lists"),
        ("#" * 9000, "a.yaml", "9,000 characters"),
        ("", "a.json", r"called \.toml, \.yaml or \.yml"),
        ("1: 2", "a.yaml", "got 1; near are"),
    ],
)  # fmt: skip
def test_what_is_no_recipe_is_refused_in_a_line(written, text, name, message) -> None:
    with pytest.raises(UserError, match=message) as refused:
        read_recipe(written(text, name))
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*none\.toml"):
        read_recipe(tmp_path / "none.toml")
