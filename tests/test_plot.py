"""Frames from files, and the figures of a notebook on axes."""

import warnings

import matplotlib as mpl
import matplotlib.pyplot
import pytest

import attnbench
from attnbench.errors import UserError
from attnbench.records import store

mpl.use("Agg")


@pytest.fixture
def stored(tmp_path, layer, model):
    """Two implementations at three sizes, and two trained models."""
    path = tmp_path / "records.jsonl"
    for attention in ("dense", "anchor"):
        for side in (4, 8, 16):
            store.append(path, layer(attention, grid=(side, side), seconds=1e-3 * side))
    for name, top1 in (("vit-t", 0.4), ("pyramid-t", 0.6)):
        store.append(path, model(name, top1=top1))
    return path


def test_a_frame_has_a_row_for_each_cell(stored):
    assert len(attnbench.load(stored, kind="layers")) == 6
    assert sorted(attnbench.load([str(stored)], "models")["model"]) == ["pyramid-t", "vit-t"]


def test_the_kind_must_be_said_where_there_are_several(stored):
    with pytest.raises(UserError, match='got layers and models; choose with kind="layers"'):
        attnbench.load(stored)
    with pytest.raises(UserError, match="kind: expected layers, models or epochs, got 'cells'"):
        attnbench.load(stored, "cells")


def test_what_cannot_be_read_is_warned_of(stored):
    with stored.open("a") as file:
        file.write('{"schema": 3, "ki\n')
    with pytest.warns(UserWarning, match=r"records\.jsonl"):
        assert len(attnbench.load(stored, "layers")) == 6


def test_scaling_is_drawn_on_the_axes_given(stored):
    _, ax = mpl.pyplot.subplots()
    assert attnbench.plot.scaling(attnbench.load(stored, "layers"), ax) is ax
    assert ax.get_xlabel() == "tokens"
    labels = {text.get_text() for text in ax.get_legend().get_texts()}
    assert len(labels) == 2
    mpl.pyplot.close("all")


@pytest.mark.parametrize("cost", ["macs", "params"])
def test_a_frontier_names_its_models(stored, cost):
    ax = attnbench.plot.frontier(attnbench.load(stored, "models"), cost=cost)
    texts = " ".join(text.get_text() for text in ax.texts)
    assert "pyramid-t" in texts
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ax.get_figure().canvas.draw()
    mpl.pyplot.close("all")


def test_frames_of_the_other_kind_are_refused(stored):
    layers, models = attnbench.load(stored, "layers"), attnbench.load(stored, "models")
    with pytest.raises(UserError, match="expected a frame of models"):
        attnbench.plot.frontier(layers)
    with pytest.raises(UserError, match="expected a frame of layers"):
        attnbench.plot.scaling(models)
    with pytest.raises(UserError, match="metric: expected one of"):
        attnbench.plot.scaling(layers, metric="top1")
    with pytest.raises(UserError, match="--cost must be one of"):
        attnbench.plot.frontier(models, cost="heat")


def test_unlike_conditions_share_no_axes(stored, layer, model, gpu):
    store.append(stored, layer("dense", grid=(4, 4), env=gpu))
    with pytest.raises(UserError, match="expected layers under equal conditions, got 2"):
        attnbench.plot.scaling(attnbench.load(stored, "layers"))
    with pytest.raises(UserError, match="expected trained models with a score"):
        attnbench.plot.frontier(attnbench.load(stored, "models").iloc[:0])
