"""Train two models for one epoch, and read their scores and costs from the records.

Usage: `python examples/train_two.py results/runs digits 32` (folder, data set, side in pixels).
"""

import sys
from pathlib import Path

import torch

from attnbench.data.opening import open_data
from attnbench.experiments.experiment import Experiment
from attnbench.experiments.options import model_options
from attnbench.experiments.run import run
from attnbench.records import ModelRecord, of_type, store
from attnbench.training.recipe import recipe_for
from attnbench.units import format_giga_macs, format_seconds


def main(folder: str = "results/runs", source: str = "digits", img_size: str = "32") -> None:
    """Train with dense and with anchor attention, store the records, and read them again."""
    data, file = open_data(source, int(img_size)), Path(folder) / "two.jsonl"
    for attention in ("dense", "anchor"):
        experiment = Experiment(
            model="pyramid-t", data=data, source=source, recipe=recipe_for(data, epochs=1),
            device=torch.device("cpu"), folder=Path(folder) / "checkpoints",
            options=model_options("pyramid-t", data, attention),
        )  # fmt: skip
        run(experiment, on_record=lambda record: store.append(file, record))
    for found in of_type(store.read(file).records, ModelRecord):
        if found.scores is None or found.macs is None or found.latency is None:
            raise SystemExit(f"{found.workload.attention}: {found.status}, {found.reason}")
        gmacs = format_giga_macs(found.macs.products_macs)
        cost = f"{gmacs}MACs, {format_seconds(found.latency.median_s)} an image"
        print(f"{found.workload.attention}: top-1 {found.scores.values['top1']:.1%}, {cost}")


if __name__ == "__main__":
    main(*sys.argv[1:])
