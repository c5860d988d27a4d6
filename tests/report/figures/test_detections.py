import pytest

from attnbench.records import BoxConfusion, BoxOutcome, PrecisionRecall
from attnbench.report.figures.detections import save_outcome


def outcome(classes, objects=7):
    names = [f"class {k}" for k in range(classes)]
    recalls = [i / 100 for i in range(101)]
    curve = {"recalls": recalls, "precisions": recalls[::-1], "scores": recalls[::-1]}
    return BoxOutcome(
        pictures=3,
        curves=[
            PrecisionRecall(name=name, objects=objects, ap50=0.5, **curve) for name in names
        ],
        confusion=BoxConfusion(
            class_names=names, counts=[[1] * (classes + 1)] * (classes + 1),
            least_score=0.25, least_overlap=0.5,
        ),
    )  # fmt: skip


@pytest.mark.parametrize("classes", [1, 45])
def test_both_figures_are_saved_and_equal_outcomes_give_equal_bytes(tmp_path, classes):
    saved = save_outcome(outcome(classes), tmp_path)
    assert [path.name for path in saved] == ["curves.png", "confusion.png"]
    before = [path.read_bytes() for path in saved]
    assert [path.read_bytes() for path in save_outcome(outcome(classes), tmp_path)] == before


def test_without_objects_there_are_no_curves(tmp_path):
    assert [path.name for path in save_outcome(outcome(2, objects=0), tmp_path)] == [
        "confusion.png"
    ]
