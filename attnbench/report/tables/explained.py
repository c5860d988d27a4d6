"""What `attnbench explain` measured, as rows of text for terminal and page."""

from __future__ import annotations

from attnbench.records.explanation import Estimate, ExplainedModel, Explanation, InBoxes

CONTROL = "control: a Gaussian in the middle"
HEADS = ("model", "pictures", "pointing game", "energy inside", "pointing game beyond control",
         "energy beyond control")  # fmt: skip
NUMERIC = (False, True, True, True, True, True)
MEANING = (
    "Pointing game: share of the maps whose highest pixel is in a box. Energy: share of a map's "
    "sum that is. Intervals: 95 %, by bootstrap over the pictures."
)
USE_HEADS = ("layer", "anchors", "dead", "entropy of degrees", "effective rank of A")
USE_NUMERIC = (False, True, True, True, True)
USE_MEANING = "Entropy as a share of log m: 1 if all anchors receive equal weight."


def score_rows(found: Explanation) -> list[tuple[str, ...]]:
    """A row for each model with boxes, and for the control: one where all have the same."""
    rows: list[tuple[str, ...]] = []
    for model in found.models:
        if model.inside is not None and model.control is not None:
            rows.append((model.label, f"{model.inside.pictures:,}", *_cells(model.inside)))
            control = model.control
            rows.append((CONTROL, f"{control.pictures:,}", *_cells(control)[:2], "", ""))
    if len({row[1:] for row in rows[1::2]}) == 1:
        return [*rows[::2], rows[-1]]
    return rows


def use_rows(found: Explanation) -> list[tuple[str, ...]]:
    """A row for each layer with anchors."""
    return [
        (use.layer, f"{use.num_anchors:,}", f"{100 * use.dead_share:.1f} %",
         f"{use.degree_entropy:.3f}", f"{use.effective_rank:.1f}")
        for use in found.anchors
    ]  # fmt: skip


def looked_at(model: ExplainedModel) -> str:
    """Which maps were made, and how many of them say nothing."""
    reasons = [
        f"{count:,} because {why}"
        for count, why in (
            (model.nothing, "nothing was found"),
            (model.unreached, "no gradient of the answer reaches this layer"),
        )
        if count
    ]
    empty = f", {model.empty:,} of them empty" if model.empty else ""
    told = f" ({'; '.join(reasons)})" if reasons else ""
    return f"{model.label}: {model.maps:,} maps of layer {model.layer}{empty}{told}."


def _cells(scores: InBoxes) -> tuple[str, str, str, str]:
    return (
        _share(scores.pointing), _share(scores.energy), _points(scores.pointing_gain),
        _points(scores.energy_gain),
    )  # fmt: skip


def _share(one: Estimate) -> str:
    return f"{100 * one.value:.1f} % [{100 * one.low:.1f} – {100 * one.high:.1f}]"


def _points(one: Estimate) -> str:
    return f"{100 * one.value:+.1f} [{100 * one.low:+.1f}, {100 * one.high:+.1f}]"
