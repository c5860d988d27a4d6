"""What was measured and how it is stored: records, the conditions of their numbers, the file."""

from attnbench.records.box_outcome import BoxConfusion, BoxOutcome, PrecisionRecall
from attnbench.records.cell_key import cell_key
from attnbench.records.costs import Energy, Macs, Memory, coverage
from attnbench.records.environment import Environment
from attnbench.records.machine_lines import Ceiling, Checkup, Finding, Floor
from attnbench.records.outcome_file import OutcomeFile
from attnbench.records.record import (
    COST_RECORDS,
    CostRecord,
    EpochRecord,
    LayerRecord,
    ModelRecord,
    Record,
    RecordKind,
    Status,
    is_settled,
    now,
    of_type,
)
from attnbench.records.scores import Progress, Scores

__all__ = [
    "COST_RECORDS",
    "BoxConfusion",
    "BoxOutcome",
    "Ceiling",
    "Checkup",
    "CostRecord",
    "Energy",
    "Environment",
    "EpochRecord",
    "Finding",
    "Floor",
    "LayerRecord",
    "Macs",
    "Memory",
    "ModelRecord",
    "OutcomeFile",
    "PrecisionRecall",
    "Progress",
    "Record",
    "RecordKind",
    "Scores",
    "Status",
    "cell_key",
    "coverage",
    "is_settled",
    "now",
    "of_type",
]
