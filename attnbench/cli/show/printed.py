"""What the paper prints, as points for the report's page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attnbench.report.page.data.printed import Printed

TABLES = (
    ("table1", "classification", "ImageNet, table 1 of the paper", "model", "top1"),
    ("table2", "detection", "COCO, table 2 of the paper", "model", "mAP"),
    ("table3", "segmentation", "ADE20K, table 3 of the paper", "backbone", "mIoU"),
)
"""Table, task, what it is about, and the columns of name and score."""
OURS = "AnchorFormer"


def printed_points() -> list[Printed]:
    """Every row of the paper's tables with a score.

    Raises:
        UserError: the tables are not there, or damaged.
    """
    from attnbench.report.page.data.printed import Printed
    from attnbench.reproduce.paper import scaled, table

    found = []
    for source, task, about, name, column in TABLES:
        for row in table(source):
            score = scaled(row[column], 0.01)
            if score is not None:
                method = row.get("method", "")
                found.append(
                    Printed(
                        task=task, about=about, name=f"{row[name]} {method}".strip(),
                        ours=row[name].startswith(OURS), score=score,
                        params=scaled(row["params_M"], 1e6),
                        operations=scaled(row["flops_G"], 1e9),
                    )
                )  # fmt: skip
    return found
