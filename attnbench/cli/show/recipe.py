"""A recipe as lines that `--config` reads back."""

from __future__ import annotations

from attnbench.spec import Recipe


def recipe_lines(recipe: Recipe) -> list[str]:
    """Each setting as a line of TOML, after a comment that says what belongs to the run."""
    from attnbench.training.recipe_file import as_toml

    height, width = recipe.img_size
    return [f"# {recipe.data}, {height} × {width} px, seed {recipe.seed}", *as_toml(recipe)]
