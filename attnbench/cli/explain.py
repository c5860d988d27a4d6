"""`attnbench explain`: draw what trained models look at, and measure it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attnbench.bounds import shortened
from attnbench.cli import options
from attnbench.cli.grouped import grouped
from attnbench.cli.places import try_file
from attnbench.cli.threads import Threads
from attnbench.errors import UserError

if TYPE_CHECKING:
    from torch import nn

    from attnbench.cli.show.screen import Screen
    from attnbench.explain.anchor_use import AnchorUse
    from attnbench.explain.class_sheet import Column
    from attnbench.explain.pictures import Pictures
    from attnbench.records.explanation import Explanation
    from attnbench.spec import Grid
    from attnbench.training.checkpoint import Checkpoint

SHEETS = ("gradcam.png", "gradcam.svg", "anchors.png", "anchors.svg", "explain.json")
USED = 64
"""Pictures over which the use of anchors is measured, at most: all of A is held for them."""


def _token(text: str, flag: str) -> Grid:
    """Row and column of a token."""
    numbers = options.integers(text, flag, "count")
    if len(numbers) != 2:
        raise UserError(f"{flag} takes ROW,COLUMN, such as 3,5; got {shortened(text)}")
    return numbers[0], numbers[1]


Against = Annotated[
    list[Path] | None,
    typer.Option(help="Another checkpoint, shown beside; repeatable.", show_default=False),
]
Target = Annotated[
    str | None,
    typer.Option(
        metavar="CLASS",
        show_default=False,
        help="Class to explain. [default: that of the largest boxes, else the model's answer]",
    ),
]
Layer = Annotated[
    str | None,
    typer.Option(help="Layer to look at. [default: the last with a map]", show_default=False),
]
Token = Annotated[
    str | None,
    options.checked(
        _token,
        "Token whose attention by way of the anchors is drawn. [default: the middle]",
        metavar="ROW,COLUMN",
        show_default=False,
    ),
]


@grouped
def command(
    threads: Threads,
    checkpoint: Annotated[Path, typer.Argument(help="A `last.pt` written by `attnbench train`.")],
    images: Annotated[
        list[str],
        typer.Argument(
            help="Pictures and folders of pictures; or one data set, whose boxes give numbers. "
            "At most 1,000 are taken."
        ),
    ],
    against: Against = None,
    target: Target = None,
    layer: Layer = None,
    token: Token = None,
    show: Annotated[int, options.number("show", "Pictures to draw.")] = 6,
    out: Annotated[
        Path,
        typer.Option(help="Folder for the pictures; a report shows what is below the default."),
    ] = options.RUNS / "explain",
    plugin: options.Plugin = None,
) -> None:
    """Draw what trained models look at (Grad-CAM), side by side, and measure it.

    With boxes, such as those of a COCO folder, two numbers say how much of a map lies inside of
    them, beside a Gaussian in the middle of the picture. A model with learned anchors gets a second
    sheet: where its anchors gather, how much each receives, and the attention that they imply.
    `attnbench report` shows the newest of it on its page.
    """  # fmt: skip
    from attnbench.cli.show.explain import print_scores
    from attnbench.cli.show.progress import status
    from attnbench.cli.show.reproduce import print_anchor_use
    from attnbench.cli.show.screen import Screen

    screen = Screen(stderr=True)
    try_file(*(out / name for name in SHEETS), replaced=True)
    with status(screen, "loading torch"):
        from attnbench.explain.anchor_use import layers_with_anchors

        paths = [checkpoint, *(against or ())]
        trained = [_opened(path) for path in paths]
    threads.take(screen)
    models = [_model(one) for one in trained]
    has_anchors = bool(layers_with_anchors(models[0]))
    if token is not None and not has_anchors:
        raise _no_anchors(trained[0])
    read = _read(images, trained, screen)
    labels = _labels(trained, paths)
    columns = [
        _explained(label, one, model, pictures, target, layer, screen)
        for label, one, model, pictures in zip(labels, trained, models, read, strict=True)
    ]
    uses = _uses(models[0], read[0], screen) if has_anchors else []
    found, written = _left(columns, images, models[0], uses, token, show, out, screen)
    print_scores(found, Screen())
    if uses:
        print_anchor_use(uses, labels[0], Screen())
    print(f"\nWritten: {', '.join(map(str, written))}")


def _no_anchors(trained: Checkpoint) -> UserError:
    return UserError(
        f"--token is of models with learned anchors, and {trained.model} has none; leave it out"
    )


def _opened(path: Path) -> Checkpoint:
    from attnbench.experiments.needs import refuse_missing_names
    from attnbench.training.checkpoint import load

    trained = load(path)
    refuse_missing_names(trained)
    return trained


def _model(trained: Checkpoint) -> nn.Module:
    from attnbench.explain.answers import answerer_of
    from attnbench.explain.trained import trained_model

    answerer_of(trained.task)
    return trained_model(trained)


def _read(images: list[str], trained: list[Checkpoint], screen: Screen) -> list[Pictures]:
    """The pictures at the size of each model; equal sizes are read once."""
    from attnbench.cli.show.progress import status
    from attnbench.explain.pictures import read_pictures

    with status(screen, "reading images"):
        by_size = {
            size: read_pictures(images, size, trained[0].reading)
            for size in dict.fromkeys(one.img_size for one in trained)
        }
    return [by_size[one.img_size] for one in trained]


def _labels(trained: list[Checkpoint], paths: list[Path]) -> list[str]:
    """The model and its attention; for equal ones the folder of the run."""
    names = [", ".join(filter(None, (one.model, one.attention))) for one in trained]
    return [
        name if names.count(name) == 1 else path.parent.name
        for name, path in zip(names, paths, strict=True)
    ]


def _explained(
    label: str,
    trained: Checkpoint,
    model: nn.Module,
    pictures: Pictures,
    target: str | None,
    layer: str | None,
    screen: Screen,
) -> Column:
    from attnbench.cli.show.progress import steps
    from attnbench.explain.class_sheet import Column
    from attnbench.explain.explained import explain
    from attnbench.explain.questions import questions_for

    questions = questions_for(pictures, trained.class_names, target, trained.task)
    with steps(screen, f"explaining {label}") as shown:
        found = explain(
            model, trained.class_names, pictures, questions, task=trained.task, layer=layer,
            on_step=lambda done, total: shown.update(done=done, total=total),
        )  # fmt: skip
    return Column(label=label, pictures=pictures, explained=found)


def _uses(model: nn.Module, pictures: Pictures, screen: Screen) -> list[AnchorUse]:
    from attnbench.cli.show.progress import status
    from attnbench.data.augment import normalise
    from attnbench.explain.anchor_use import anchor_use

    with status(screen, "measuring the use of anchors"):
        return anchor_use(model, normalise(pictures.pixels[:USED]))


def _left(
    columns: list[Column],
    images: list[str],
    model: nn.Module,
    uses: list[AnchorUse],
    token: str | None,
    show: int,
    out: Path,
    screen: Screen,
) -> tuple[Explanation, list[Path]]:
    """Draw the sheets, of anchors that of the first picture, and leave all of it for the page."""
    from attnbench.cli.show.progress import status
    from attnbench.data.augment import normalise
    from attnbench.explain.anchor_maps import anchor_maps
    from attnbench.explain.anchor_sheet import draw_anchors
    from attnbench.explain.class_sheet import draw_class_maps, with_boxes_first
    from attnbench.explain.for_page import for_page
    from attnbench.records import explanation

    shown = with_boxes_first(columns[0])[:show]
    pixels = columns[0].pictures.pixels[shown[0]]
    place = None if token is None else _token(token, "--token")
    with status(screen, "drawing"):
        maps = anchor_maps(model, normalise(pixels[None]), place) if uses else []
        written = draw_class_maps(columns, shown, out / "gradcam")
        if uses:
            written += draw_anchors(pixels, maps, uses, out / "anchors")
        found = for_page(columns, shown, ", ".join(images), model, uses)
        explanation.write(out / explanation.FILE, found)
    return found, [*written, out / explanation.FILE]
