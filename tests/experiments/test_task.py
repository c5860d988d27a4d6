import pytest

from attnbench.errors import UserError
from attnbench.experiments.task import asked_for


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (("anchorformer-t",), ("anchorformer-t", "classification", "digits")),
        (("picodet-s",), ("picodet-s", "detection", "digit-scenes")),
        (
            ("pyramid-seg-t", None, "segmentation", "here"),
            ("pyramid-seg-t", "segmentation", "here"),
        ),
        (("pyramid-t", "picodet"), ("picodet:pyramid-t", "detection", "digit-scenes")),
    ],
)
def test_the_model_decides_the_task_and_the_task_the_data(asked, expected):
    assert asked_for(*asked) == expected


def test_a_model_of_another_task_is_refused_with_the_heads_that_there_are():
    with pytest.raises(UserError, match=r"made for classification, --task is segmentation.*--head"):
        asked_for("pyramid-t", task="segmentation")
    with pytest.raises(UserError, match=r"made for detection, --task is classification$"):
        asked_for("picodet-s", task="classification")
    with pytest.raises(UserError, match="did you mean picodet-s"):
        asked_for("picodet-ss")
