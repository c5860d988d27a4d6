"""What a training would do, and which difference of scores it could resolve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attnbench.analysis.paired import power
from attnbench.analysis.paired.difference import Runs
from attnbench.analysis.paired.files import OutcomeFiles
from attnbench.analysis.paired.power import Noise
from attnbench.analysis.trained import trained_variants
from attnbench.cli.show.columns import Column
from attnbench.cli.show.recipe import recipe_lines
from attnbench.cli.show.screen import Screen
from attnbench.records import store
from attnbench.units import PRIMARY_SCORE, primary_score

if TYPE_CHECKING:
    from attnbench.experiments.experiment import Experiment

USUAL_SEEDS = (1, 3, 5)
"""Of each model, that are shown beside those of the plan."""


def print_plan(experiment: Experiment, out: Path, seeds: int, told: Screen) -> None:
    """Print the recipe as a file that `--config` reads, and then what it could resolve.

    Args:
        experiment: what would be trained.
        out: the results file, beside which earlier runs may be.
        seeds: of each model, as planned.
        told: for all but the recipe, so that the file can be kept.
    """
    screen = Screen()
    for line in recipe_lines(experiment.recipe):
        screen.say_whole(line)
    score, images = primary_score(experiment.task), len(experiment.data.val)
    if score is None or images < 2:
        return
    earlier = _earlier(experiment, out)
    noises = _noises(experiment.task, earlier)
    if not noises:
        told.say(
            f"{score.label} is no mean over images: which difference {images:,} of them resolve is "
            "known after two models were trained here; run this line again then",
            gap=True,
        )
        return
    told.say(
        f"differences of {score.label}, in points, that {images:,} held-out images resolve with "
        "80 % probability, if the two models have so many seeds each:",
        gap=True,
    )
    counts = sorted({*USUAL_SEEDS, seeds})
    heads = ("seeds", *map(str, counts))
    rows = [
        (text, *(f"{score.scale * power.resolvable(noise, images, n):.1f}" for n in counts))
        for text, noise in noises
    ]
    told.table([Column(head, "right" if head.isdecimal() else "left") for head in heads], rows)
    told.say(
        "one seed compares two networks, not two models; a difference below these is likely to "
        "end in `cannot tell`"
    )


def _noises(task: str, earlier: list[Runs]) -> list[tuple[str, Noise]]:
    """What the scores may be moved by, and where that is from."""
    seen = power.seen_in(earlier)
    if seen is not None:
        return [(f"as seen in the {len(earlier)} models trained here", seen)]
    if PRIMARY_SCORE[task] != "top1":
        return []
    between = f"seeds differ by {100 * power.SD_OF_SEEDS:.1f} points"
    return [
        (f"assumed: one alone is right on {100 * share:.0f} % of images, {between}",
         power.assumed(share))
        for share in power.DISCORDANT
    ]  # fmt: skip


def _earlier(experiment: Experiment, out: Path) -> list[Runs]:
    """The models that were judged on the same data, with their outcomes."""
    if not out.parent.is_dir():
        return []
    files = OutcomeFiles([out.parent])
    wanted = experiment.task, experiment.recipe.data
    found = trained_variants(store.read_many([out.parent]).models).values()
    runs = [one.on_images(files) for one in found if one.data == wanted]
    known = [
        one for one in runs if one is not None and one.each[0].images == len(experiment.data.val)
    ]
    return [one for one in known if one.samples == known[-1].samples]
