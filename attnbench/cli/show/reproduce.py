"""Print the tables of `attnbench reproduce`: the paper's values above those counted here."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.cli.show.columns import Column, number
from attnbench.cli.show.screen import Screen
from attnbench.explain.anchor_use import AnchorUse
from attnbench.models.presets import DEIT
from attnbench.reproduce.row import Row
from attnbench.reproduce.saving_checks import printed_fall, side_of_printed_saving
from attnbench.units import METRICS, format_percent

NONE = "–"
ABOVE = "paper · publ."
TRUNK = (
    "One plain trunk at 224 px, mean pooling. Each row is one implementation, with its own GMACs "
    "and latency; saved: multiply-accumulates against dense."
)
BOUNDS = (
    "Folded: the same anchor layer in an order that never forms keys and values. The most that can "
    "be saved: by an attention that keeps keys, values and output projection, and by any at all."
)
DENSE = (
    "GMACs are those of the picture below the name. The column of the paper mixes conventions: "
    "G FLOPs are two operations for each multiply-accumulate, G MACs one; both are compared in "
    "GMACs. Scores are compared with those of the system's own source;"
)
READING = {
    "table1": "GMACs at the native input size. Folded: the same layer, its products in another "
    "order. Top-1 is on ImageNet-1k; no model was trained on it here.",
    "table2": f"{DENSE} no detector was trained on COCO here.",
    "table3": f"{DENSE} no model was trained on ADE20K here.",
    "table4": TRUNK,
    "table5": TRUNK,
    "fig5": f"Saved: multiply-accumulates against the row before. {BOUNDS}",
}
RULE = (
    "Verdict: holds if every printed number that can be tested rounds to ours, or to that of its "
    "own source; below it stand those that do not."
)

DENSE_TABLES = ("table2", "table3")
FIRST, FIRST_OF_TRUNK = "row\nsystem here", "row\nmechanism here\nimplementation"
Columns = list[tuple[str, list[str]]]


def print_rows(what: str, rows: Sequence[Row], screen: Screen) -> None:
    """Print a table with its explanation, the models trained here, and notes."""
    for trunk in dict.fromkeys(row.trunk for row in rows):
        if trunk:
            screen.say((trunk, "bold"), gap=True)
        within = [row for row in rows if row.trunk == trunk]
        columns = _ablation if trunk else _dense if what in DENSE_TABLES else _counts
        _print_table(columns(within), screen)
    screen.say(f"{RULE} {READING[what]}")
    if what in ("table1", "table4", "fig5"):
        screen.say(reached_text(), gap=True)
    _print_trained(rows, screen)
    _print_notes(rows, screen)


def reached_text() -> str:
    """From which image size on anchors save what table 1 prints for DeiT and AnchorFormer."""
    sizes = [
        f"{size.upper()} {printed_fall(size, 'flops_G').value:.1f} % from "
        f"{side_of_printed_saving(size, 'reference')} px "
        f"({side_of_printed_saving(size, 'folded')} px folded)"
        for size in DEIT
    ]
    return (
        f"With 30 anchors, the printed savings over DeiT would be reached on larger images: "
        f"{', '.join(sizes)}. See docs/savings.md."
    )


def _print_table(columns: Columns, screen: Screen) -> None:
    """Print a table whose columns, except the verdict, never wrap."""
    heads = [
        Column(head, whole=head != "verdict")
        if head in (FIRST, FIRST_OF_TRUNK, "verdict")
        else number(head)
        for head, _ in columns
    ]
    screen.table(heads, list(zip(*(cells for _, cells in columns), strict=True)))


def _counts(rows: Sequence[Row]) -> Columns:
    """Columns of table 1 and figure 5."""
    columns: Columns = [
        (FIRST, [f"{row.row}\n{row.system}" for row in rows]),
        (f"M params\n{ABOVE}\nhere", [_params(row) for row in rows]),
        (f"GMACs\n{ABOVE}\nhere", [_macs(row) for row in rows]),
    ]
    if any(row.saving is not None for row in rows):
        columns.append(("saved\npaper\nhere\nfolded", [_saved(row) for row in rows]))
        columns.append(("at most\nK, V kept\nno attn.", [_most(row) for row in rows]))
    elif any(row.reported_top1 is not None for row in rows):
        columns.append((f"top-1, %\n{ABOVE}", [_accuracies(row) for row in rows]))
    return [*columns, ("verdict", [_verdict(row) for row in rows])]


def _dense(rows: Sequence[Row]) -> Columns:
    """Columns of tables 2 and 3."""
    backbones = any(row.backbone_macs for row in rows)
    below = "here\nprinted as" + ("\nbackbone" if backbones else "")
    return [
        (FIRST, [_named(row) for row in rows]),
        (f"M params\n{ABOVE}\nhere", [_params(row) for row in rows]),
        (f"GMACs\n{ABOVE}\n{below}", [_macs_of_picture(row) for row in rows]),
        (f"score, %\n{ABOVE}", [_scores(row) for row in rows]),
        ("verdict", [_verdict(row) for row in rows]),
    ]


def _named(row: Row) -> str:
    """Its name, and what is counted for it; a head stands on a line above its backbone."""
    return "\n".join(filter(None, (row.row, row.system.replace(":", ":\n", 1), row.picture)))


def _macs_of_picture(row: Row) -> str:
    """GMACs, then the number that the paper prints with its unit, then those of the backbone."""
    counted = f"{_printed(row.reported_macs, 1e9)} · {_printed(row.published_macs, 1e9)}"
    lines = [counted, _scaled(row.macs, 1e9)]
    if row.reported_macs is not None and row.operations is not None:
        unit = "G FLOPs" if row.operations == 2 else "G MACs"
        lines.append(f"{_printed(row.operations * row.reported_macs, 1e9)} {unit}")
    return "\n".join([*lines, *([_scaled(row.backbone_macs, 1e9)] if row.backbone_macs else [])])


def _ablation(rows: Sequence[Row]) -> Columns:
    """Columns of tables 4 and 5."""
    return [
        (FIRST_OF_TRUNK, [f"{row.row}\n{_mechanism(row)}" for row in rows]),
        ("M params\npaper\nhere", [_over(row.reported_params, row.params, 1e6) for row in rows]),
        ("GMACs\npaper\nhere", [_over(row.reported_macs, row.macs, 1e9) for row in rows]),
        ("saved", [f"\n{_share(row.saving)}" for row in rows]),
        ("layer\nlatency", [f"\n{_latency(row)}" for row in rows]),
        ("top-1\npaper", [_share(row.reported_top1, 2) for row in rows]),
        ("verdict", [_verdict(row) for row in rows]),
    ]


def _params(row: Row) -> str:
    printed = f"{_printed(row.reported_params, 1e6)} · {_printed(row.published_params, 1e6)}"
    return f"{printed}\n{_scaled(row.params, 1e6)}"


def _macs(row: Row) -> str:
    printed = f"{_printed(row.reported_macs, 1e9)} · {_printed(row.published_macs, 1e9)}"
    elsewhere = ""
    if row.macs_at_224 not in (None, row.macs):
        elsewhere = f"\n({_scaled(row.macs_at_224, 1e9)} at 224)"
    if row.folded_macs is not None:
        elsewhere += f"\n{_scaled(row.folded_macs, 1e9)} folded"
    return f"{printed}\n{_scaled(row.macs, 1e9)}{elsewhere}"


def _over(printed: float | None, counted: float | None, unit: float) -> str:
    return f"{_printed(printed, unit)}\n{_scaled(counted, unit)}"


def _scaled(value: float | None, unit: float) -> str:
    """A counted value: three decimals below ten, four digits above."""
    if value is None:
        return NONE
    return f"{value / unit:.3f}" if value < 10 * unit else f"{value / unit:.4g}"


def _printed(value: float | None, unit: float) -> str:
    """A value with the digits of its publication."""
    return NONE if value is None else f"{value / unit:.6g}"


def _share(value: float | None, decimals: int = 1) -> str:
    return NONE if value is None else f"{100 * value:.{decimals}f} %"


def _accuracies(row: Row) -> str:
    values = (row.reported_top1, row.published_top1)
    return " · ".join(NONE if v is None else f"{100 * v:.4g}" for v in values)


def _scores(row: Row) -> str:
    return " · ".join(_printed(v, 1e-2) for v in (row.reported_score, row.published_score))


def _saved(row: Row) -> str:
    if row.saving is None and row.reported_saving is None:
        return ""
    shares = (row.reported_saving, row.saving, row.folded_saving)
    return "\n".join(_share(share) for share in shares)


def _most(row: Row) -> str:
    if row.bound_removed is None:
        return ""
    return f"{_share(row.bound_kept)}\n{_share(row.bound_removed)}"


def _verdict(row: Row) -> str:
    return f"{row.verdict}:\n{row.beyond}" if row.beyond else row.verdict


def _of(row: Row) -> str:
    return row.system + (f", m = {row.num_anchors}" if row.num_anchors else "")


def _mechanism(row: Row) -> str:
    return "\n".join(filter(None, (_of(row), row.impl)))


def _latency(row: Row) -> str:
    return NONE if row.latency_s is None else METRICS["latency_s"].format(row.latency_s)


def _print_trained(rows: Sequence[Row], screen: Screen) -> None:
    found = [row for row in rows if row.trained]
    if not found:
        screen.say("The stored records hold no trained model of these rows.")
        return
    screen.say(
        "Scores of models trained here, on other data; do not compare them with the paper's:",
        gap=True,
    )
    for text in dict.fromkeys(f"  {_of(row)}: {row.trained}" for row in found):
        screen.say(text)


def _print_notes(rows: Sequence[Row], screen: Screen) -> None:
    timed = next((row.latency_of for row in rows if row.latency_of), "")
    if timed:
        screen.say(f"Latency, where it was measured well enough: {timed}.", gap=True)
    noted = dict.fromkeys(f"  {row.row}: {row.note}" for row in rows if row.note)
    if noted:
        screen.say("Notes:", gap=True)
    for note in noted:
        screen.say(note)


def print_anchor_use(uses: Sequence[AnchorUse], of: str, screen: Screen) -> None:
    """Print how each layer uses its anchors."""
    screen.say(f"Anchor use of {of}, {uses[0].images} images:", gap=True)
    heads = ("anchors", "dead", "entropy of\ndegrees", "effective\nrank of A")
    rows = [
        (use.layer, str(use.num_anchors), format_percent(use.dead_share),
         f"{use.degree_entropy:.3f}", f"{use.effective_rank:.1f}")
        for use in uses
    ]  # fmt: skip
    screen.table([Column("layer"), *map(number, heads)], rows)
    screen.say("Entropy as a share of log m: 1 if all anchors receive equal weight.")
