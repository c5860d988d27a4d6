"""A result file has the scores of the evaluation that wrote it, to the last bit."""

from dataclasses import replace

import pytest
import torch
from box_pictures import NAMES, random_pairs, scored

from attnbench.data.images import ImageData
from attnbench.data.labelled_folder import squashed
from attnbench.data.labelled_images import LabelledInMemory, LabelledOnDisk
from attnbench.data.targets import Numbers
from attnbench.experiments.outcome import folder_of, name_of_results, save_results
from attnbench.experiments.predictions import score_file
from attnbench.tasks.detection.entries import entries_in
from attnbench.tasks.detection.metric import BoxScores
from attnbench.tasks.detection.pictures import picture_of

SIZE = (48, 36)


def data_of(targets, class_names=NAMES, numbers=None, *, on_disk=False):
    pixels = torch.zeros(len(targets), 3, *SIZE, dtype=torch.uint8)
    targets = [squashed(one, SIZE) for one in targets]
    val = LabelledInMemory(pixels, targets)
    if on_disk:
        val = LabelledOnDisk(len(targets), lambda row: (pixels[row], targets[row]))
    return ImageData(
        name="zoo", train=val, val=val, class_names=class_names, img_size=SIZE, photographs=True,
        task="detection", numbers=numbers,
    )  # fmt: skip


def scores_of(metric):
    return metric.compute(), metric.compute_by_class(), metric.compute_intervals()


@pytest.mark.parametrize("numbered", [False, True])
@pytest.mark.parametrize("on_disk", [False, True])
def test_the_scores_of_a_file_are_those_of_its_evaluation(tmp_path, numbered, on_disk):
    pairs = list(random_pairs(70, seed=4))
    targets = [target for _, target in pairs]
    images = {target.picture: 7 * row for row, target in enumerate(targets)}
    numbers = Numbers(images=images, categories=(3, 90, 7)) if numbered else None
    data = data_of(targets, numbers=numbers, on_disk=on_disk)
    metric = BoxScores(NAMES)
    for pixels, batch in data.val.batches(9, seed=None, device="cpu"):
        metric.update([found for found, _ in pairs[: len(pixels)]], batch)
        pairs = pairs[len(pixels) :]
    path = save_results(metric, data, tmp_path)
    steps, shown = [], []
    again, _ = score_file(
        path, entries_in(path), data, on_step=lambda *done: steps.append(done),
        on_batch=lambda pixels, batch, found: shown.extend(zip(batch, found, strict=True)),
    )  # fmt: skip
    assert scores_of(again) == scores_of(metric)
    assert steps[-1] == (4, 4)
    by_name = {one.name: one for one in metric.pictures}
    assert [one.picture for one, _ in shown] == [one.picture for one in targets]
    for one, found in shown:
        assert picture_of(found, one).found.tolist() == by_name[one.picture].found.tolist()


def test_classes_that_the_data_set_lacks_are_left_out(tmp_path):
    """A model knows a class more than the data set, in another order."""
    pairs = list(random_pairs(9, seed=5, empty=(2,)))  # no cat is there, some are found
    metric = scored(pairs, BoxScores(NAMES))
    fewer = ("bee", "ant")
    path = save_results(metric, data_of([one for _, one in pairs], fewer), tmp_path)
    assert {entry.category_name for entry in entries_in(path)} == set(fewer)
    swapped = [replace(target, labels=1 - target.labels) for _, target in pairs]
    again, _ = score_file(path, entries_in(path), data_of(swapped, fewer))
    assert again.compute() == pytest.approx(metric.compute())


@pytest.mark.parametrize("size", [(7, 1000), (31, 33), (640, 480)])
def test_scores_do_not_depend_on_the_size_that_a_model_sees(size):
    for found, target in random_pairs(5, seed=6):
        whole = picture_of(found, target)
        assert picture_of(found, squashed(target, size)).boxes.tolist() == whole.boxes.tolist()


def test_each_part_of_each_data_set_has_a_folder(tmp_path):
    folder = folder_of(tmp_path, "a run/of x", data_of([]))
    assert folder == tmp_path / "a-run-of-x" / "zoo-val"


def test_result_files_of_one_name_have_folders_of_their_own(tmp_path):
    data, long = data_of([]), "x" * 200
    files = [tmp_path / place / f"{name}.json" for place in "ab" for name in ("results", long)]
    folders = [folder_of(tmp_path, name_of_results(file), data) for file in files]
    assert len(set(folders)) == 4
    assert folders[0] == folder_of(tmp_path, name_of_results(files[0]), data)
    assert folders[0].parent.name.startswith("results-")
