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
    from attnbench.spec import Grid
    from attnbench.training.checkpoint import Checkpoint

SHEETS = ("gradcam.png", "gradcam.svg", "anchors.png", "anchors.svg")
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
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("explain"),
    plugin: options.Plugin = None,
) -> None:
    """Draw what trained classifiers look at (Grad-CAM), side by side, and measure it.

    With boxes, such as those of a COCO folder, two numbers say how much of a map lies inside of
    them, beside a Gaussian in the middle of the picture. A model with learned anchors gets a second
    sheet: where its anchors gather, how much each receives, and the attention that they imply.
    """  # fmt: skip
    from attnbench.cli.show.explain import print_scores
    from attnbench.cli.show.progress import status
    from attnbench.cli.show.reproduce import print_anchor_use
    from attnbench.cli.show.screen import Screen

    screen = Screen(stderr=True)
    try_file(*(out / name for name in SHEETS), replaced=True)
    with status(screen, "loading torch"):
        from attnbench.explain.anchor_use import layers_with_anchors
        from attnbench.explain.class_sheet import draw_class_maps

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
    with status(screen, "drawing"):
        written = draw_class_maps(columns, show, out / "gradcam")
    print_scores(columns, Screen())
    if has_anchors:
        uses, more = _anchors(models[0], read[0], token, out, screen)
        written += more
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
    from attnbench.explain.trained import trained_classifier

    return trained_classifier(trained)


def _read(images: list[str], trained: list[Checkpoint], screen: Screen) -> list[Pictures]:
    """The pictures at the size of each model; equal sizes are read once."""
    from attnbench.cli.show.progress import status
    from attnbench.explain.pictures import read_pictures

    with status(screen, "reading images"):
        by_size = {
            size: read_pictures(images, size)
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

    questions = questions_for(pictures, trained.class_names, target)
    with steps(screen, f"explaining {label}") as shown:
        found = explain(
            model, trained.class_names, pictures, questions, layer=layer,
            on_step=lambda done, total: shown.update(done=done, total=total),
        )  # fmt: skip
    return Column(label=label, pictures=pictures, explained=found, questions=questions)


def _anchors(
    model: nn.Module, pictures: Pictures, token: str | None, out: Path, screen: Screen
) -> tuple[list[AnchorUse], list[Path]]:
    """How the anchors are used over the pictures, and the sheet of the first picture."""
    from attnbench.cli.show.progress import status
    from attnbench.data.augment import normalise
    from attnbench.explain.anchor_maps import anchor_maps
    from attnbench.explain.anchor_sheet import draw_anchors
    from attnbench.explain.anchor_use import anchor_use

    place = None if token is None else _token(token, "--token")
    with status(screen, "measuring the use of anchors"):
        maps = anchor_maps(model, normalise(pictures.pixels[:1]), place)
        uses = anchor_use(model, normalise(pictures.pixels[:USED]))
        return uses, draw_anchors(pictures.pixels[0], maps, uses, out / "anchors")
