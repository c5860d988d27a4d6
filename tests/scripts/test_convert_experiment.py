"""Parts of the conversion experiment; the whole is run by hand (see its header)."""

import argparse
import importlib.util
from pathlib import Path

import pytest
import torch

from attnbench import convert

SCRIPT = Path(__file__).parents[2] / "scripts" / "convert_experiment.py"


@pytest.fixture(scope="module")
def experiment():
    spec = importlib.util.spec_from_file_location("convert_experiment", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_swap_fits_the_model_and_dense_changes_nothing(experiment):
    model = experiment.build().eval()
    images = torch.randn(32, 3, 32, 32)
    outputs = {}
    for row, (attention, options, clusters) in experiment.SWAPS.items():
        given = {"data": [images]} if clusters else {}
        outputs[row] = convert(model, attention, **given, **options)(images)
    torch.testing.assert_close(outputs["dense"], model(images))
    assert all(output.shape == (32, 10) for output in outputs.values())


def test_the_table_holds_means_and_the_ends_of_the_last_accuracy(experiment, capsys):
    results = [{"dense": [0.9, 0.5, 0.6, 0.03]}, {"dense": [1.0, 0.7, 0.8, 0.03]}]
    experiment.show(results, argparse.Namespace(epochs=1, finetune=2))
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "| dense | 95.0% | 60.0% | 70.0% [60.0%, 80.0%] | 0.0300 |"
