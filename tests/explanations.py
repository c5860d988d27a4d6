"""What `attnbench explain` leaves, invented, for tests of its file and of the page."""

from __future__ import annotations

import base64
import io

from PIL import Image

from attnbench.records.explanation import (
    ClassMap,
    Estimate,
    ExplainedModel,
    Explanation,
    InBoxes,
    LayerUse,
    ShownPicture,
    TokenMaps,
)

CELLS = (2, 3)
COUNT = CELLS[0] * CELLS[1]
SIZE = (40, 60)


def explanation(name: str = "anchor", pictures: int = 2) -> Explanation:
    """Two models on some pictures; every text in it is `name`.

    The token in cell i pays most to cell i + 1, in the first layer; in the second one to itself.
    """
    models = tuple(
        ExplainedModel(
            label=name, layer=name, maps=9, empty=2, nothing=1, unreached=1,
            inside=inside(), control=inside(),
        ) for _ in range(2)
    )  # fmt: skip
    return Explanation(
        created="2026-01-02T00:00:00+00:00", data=name, boxes_are=name, shares_are=name,
        models=models, pictures=tuple(picture(name) for _ in range(pictures)),
        anchors=(
            LayerUse(
                layer=name, num_anchors=30, images=9, dead_share=0.5, degree_entropy=0.25,
                effective_rank=3.0,
            ),
        ),
    )  # fmt: skip


def inside() -> InBoxes:
    share = Estimate(value=0.5, low=0.25, high=0.75)
    gain = Estimate(value=0.125, low=-0.25, high=0.5)
    return InBoxes(pictures=8, pointing=share, energy=share, pointing_gain=gain, energy_gain=gain)


def picture(name: str) -> ShownPicture:
    content = io.BytesIO()
    Image.new("RGB", SIZE[::-1], (90, 20, 20)).save(content, "JPEG")
    map_ = ClassMap(
        text=name, cells=CELLS, values=encoded(range(0, 40 * COUNT, 40)),
        detected=(5.0, 5.0, 30.0, 30.0),
    )  # fmt: skip
    return ShownPicture(
        name=name, jpeg=encoded(content.getvalue()), size=SIZE, boxes=((1.0, 2.0, 20.0, 30.0),),
        maps=(map_, map_), tokens=(tokens(name, 1), tokens(name, 0)),
    )  # fmt: skip


def tokens(name: str, ahead: int) -> TokenMaps:
    values = [51] * COUNT**2
    for cell in range(COUNT):
        values[cell * COUNT + (cell + ahead) % COUNT] = 255
    return TokenMaps(
        layer=name, cells=CELLS, block=2, values=encoded(values),
        largest=tuple(0.5 - 0.05 * cell for cell in range(COUNT)),
    )  # fmt: skip


def encoded(content) -> str:
    return base64.b64encode(bytes(content)).decode()
