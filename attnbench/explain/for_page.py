"""What was drawn and measured, in the form that the page of a report takes."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from datetime import datetime, timezone

from torch import Tensor, nn

from attnbench.data.augment import normalise
from attnbench.explain.anchor_use import AnchorUse
from attnbench.explain.class_sheet import Column, boxes_of, shares_of
from attnbench.explain.implied import Implied, implied_attention
from attnbench.records.explanation import (
    ClassMap,
    ExplainedModel,
    Explanation,
    LayerUse,
    ShownPicture,
    TokenMaps,
)

QUALITY, MOST_PIXELS = 85, 384
"""Of the JPEG, and of its longer side."""
MOST_PICTURES = 8
WITH_TOKENS = 2
"""Pictures whose tokens can be picked: each layer of each takes some fifty kilobytes."""


def for_page(
    columns: Sequence[Column],
    shown: Sequence[int],
    data: str,
    model: nn.Module,
    uses: Sequence[AnchorUse] = (),
) -> Explanation:
    """Put it together.

    Args:
        columns: the models.
        shown: the places of the pictures that are shown; the page takes the first of them.
        data: what the pictures are of.
        model: the first one.
        uses: how it uses its anchors; () for a model without any.
    """
    first = columns[0]
    with_tokens = shown[:WITH_TOKENS] if uses else ()
    return Explanation(
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        data=data,
        boxes_are=first.explained.boxes_are,
        shares_are=", or ".join(shares_of(columns)),
        models=tuple(map(_model, columns)),
        pictures=tuple(
            _picture(columns, place, model if place in with_tokens else None)
            for place in shown[:MOST_PICTURES]
        ),
        anchors=tuple(map(_use, uses)),
    )


def _model(column: Column) -> ExplainedModel:
    found = column.explained
    return ExplainedModel(
        label=column.label, layer=found.layer, maps=len(found.classes), empty=found.empty,
        nothing=found.nothing, unreached=found.unreached, inside=found.scores,
        control=found.control,
    )  # fmt: skip


def _use(use: AnchorUse) -> LayerUse:
    return LayerUse(
        layer=use.layer, num_anchors=use.num_anchors, images=use.images,
        dead_share=use.dead_share, degree_entropy=use.degree_entropy,
        effective_rank=use.effective_rank,
    )  # fmt: skip


def _picture(columns: Sequence[Column], place: int, anchored: nn.Module | None) -> ShownPicture:
    first = columns[0]
    pixels = first.pictures.pixels[place]
    boxes = boxes_of(first, place)
    numbers = boxes.tolist() if isinstance(boxes, Tensor) else boxes
    implied = implied_attention(anchored, normalise(pixels[None])) if anchored else []
    return ShownPicture(
        name=first.pictures.names[place], jpeg=_jpeg(pixels),
        size=(int(pixels.shape[1]), int(pixels.shape[2])),
        boxes=tuple((left, top, right, low) for left, top, right, low in numbers),
        maps=tuple(_map(column, place) for column in columns),
        tokens=tuple(map(_tokens, implied)),
    )  # fmt: skip


def _map(column: Column, place: int) -> ClassMap:
    found = column.explained
    cells = found.cells[place]
    low, high = float(cells.min()), float(cells.max())
    share = f"{100 * found.shares[place]:.0f} %"
    return ClassMap(
        text=f"{found.classes[place]}, {share}",
        cells=(int(cells.shape[0]), int(cells.shape[1])),
        values=_bytes((cells - low) / (high - low if high > low else 1)),
        detected=found.detected[place] if found.detected else (),
    )


def _tokens(implied: Implied) -> TokenMaps:
    largest = implied.attention.amax(1)
    return TokenMaps(
        layer=implied.layer, cells=implied.cells, block=implied.block,
        values=_bytes(implied.attention / largest[:, None]),
        largest=tuple(round(value, 5) for value in largest.tolist()),
    )  # fmt: skip


def _bytes(shares: Tensor) -> str:
    """Values from 0 to 1 as bytes, in base64."""
    return _encoded(bytes((255 * shares).round().clamp(0, 255).byte().flatten().tolist()))


def _jpeg(pixels: Tensor) -> str:
    """uint8 (3, height, width), in base64."""
    from PIL import Image

    file = io.BytesIO()
    picture = Image.fromarray(pixels.permute(1, 2, 0).numpy())
    picture.thumbnail((MOST_PIXELS, MOST_PIXELS))
    picture.save(file, "JPEG", quality=QUALITY)
    return _encoded(file.getvalue())


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
