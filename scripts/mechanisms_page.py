"""Draw the records of all mechanisms into docs/mechanisms.md: its tables and its figure.

    python scripts/mechanisms_page.py FILE...              (results files or folders)
    python scripts/mechanisms_page.py --page PAGE FILE...  (another page than docs/mechanisms.md)

The text of the page is written by hand. What stands between two of its marks, such as
`<!-- costs -->` and `<!-- end of costs -->`, is replaced; the figure is written beside the page.
`scripts/evidence_mechanisms.sh` makes the records.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd
from draw_mechanisms import draw
from mechanisms_tables import Layers, trained
from page_marks import filled

from attnbench.analysis.compare.score_changes import score_change
from attnbench.analysis.compare.score_text import difference_text
from attnbench.analysis.frame.frames import Frames, build
from attnbench.analysis.paired.files import OutcomeFiles
from attnbench.analysis.trained import trained_variants
from attnbench.errors import UserError
from attnbench.files.writing import replacing
from attnbench.records import ModelRecord, of_type, store
from attnbench.records.store import Contents
from attnbench.report.tables.markdown import in_markdown

PAGE = Path(__file__).parent.parent / "docs" / "mechanisms.md"
TRUNK = "pyramid-t"
BASELINE = "dense"
FIGURE = "Latency of each mechanism at each size, and top-1 of the trunk with it"


def main() -> None:
    """Read the records, and write page and figure."""
    parser = argparse.ArgumentParser(description="Draw the records of all mechanisms.")
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--page", type=Path, default=PAGE)
    chosen = parser.parse_args()
    try:
        write_page(chosen.page, store.read_many(chosen.files), OutcomeFiles(chosen.files))
    except UserError as error:
        sys.exit(str(error))


def write_page(page: Path, contents: Contents, outcomes: OutcomeFiles | None = None) -> None:
    """Fill the marked parts of a page, and write the figure beside it.

    Args:
        page: the page.
        contents: what the results files hold.
        outcomes: reads what the models did on each image; None compares scores alone.

    Raises:
        UserError: the records are of several machines or recipes, or a mark is missing.
    """
    frames = build(contents.records, contents.ceilings)
    layers, models = Layers(frames.layers), _models(frames, contents)
    text = page.read_text()
    for mark, lines in {
        "conditions": [_conditions(layers, models, frames)],
        "figure": [f"![{FIGURE}]({page.with_suffix('.png').name})"],
        "costs": layers.costs(),
        "memory and training": layers.memory_and_training(),
        "trained": trained(models, _to_dense(contents, outcomes)),
    }.items():
        text = filled(text, mark, lines)
    draw(layers, models, page.with_suffix(".png"))
    with replacing(page) as new:
        new.write_text(text)


def _models(frames: Frames, contents: Contents) -> pd.DataFrame:
    """The trained models of the trunk, with the number of images that they were scored on."""
    counts = {
        one.key: one.scores.count for one in of_type(contents.records, ModelRecord) if one.scores
    }
    models = frames.models[frames.models["model"] == TRUNK]
    recipes = models[["data", "epochs", "seed", "recipe_lr", "recipe_batch_size"]]
    if len(recipes.drop_duplicates()) > 1:
        raise UserError("expected trainings under one recipe; pass the files of one queue")
    return models.assign(scored=models["key"].map(counts))


def _to_dense(contents: Contents, outcomes: OutcomeFiles | None) -> dict[str, str]:
    """By attention, the difference of its trunk's top-1 to the one with dense attention."""
    inside = {
        one.records[0].workload.attention: one
        for one in trained_variants(contents.records).values()
        if one.records[0].workload.model == TRUNK
    }
    dense = inside.pop(BASELINE, None)
    if dense is None:
        return {}
    return {
        name: difference_text(score_change(dense, one, outcomes)).removesuffix(" points")
        for name, one in inside.items()
    }


def _conditions(layers: Layers, models: pd.DataFrame, frames: Frames) -> str:
    where = layers.conditions
    text = (
        f"Layers: {frames.machines.machine(where.machine)}; {where.dtype}, batch {where.batch}, "
        f"width {where.dim}, {where.num_heads} heads."
    )
    if models.empty:
        return in_markdown(text)
    one = models.iloc[0]
    return in_markdown(
        f"{text} Trainings: {one['data']}, {one['recipe_img_size']} px, {one['epochs']} epochs of "
        f"batches of {one['recipe_batch_size']}, seed {one['seed']}; scored on "
        f"{one['scored']:,} held-out images."
    )


if __name__ == "__main__":
    main()
