"""Curves of a run for other programs: a CSV file, TensorBoard, Weights & Biases, MLflow.

The programs are reached through their own packages, which a user installs. In the CSV file and in
TensorBoard a run that goes on is one curve: what was logged after the checkpoint is replaced.
Weights & Biases goes on with its run of that name; MLflow begins another of the same name.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from attnbench.errors import UserError
from attnbench.files.reading import read_text, shown
from attnbench.files.writing import replace_text

NEEDS = {"csv": "csv", "tensorboard": "tensorboard", "wandb": "wandb", "mlflow": "mlflow"}
"""The kinds of logs, and the package that each needs."""
PROJECT = "attnbench"
"""What the runs belong to in programs that sort them."""
HEAD = ("step", "epoch", "name", "value")


class Log(Protocol):
    """One place that values are written to."""

    def write(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """Add values by name, such as {"train/loss": 0.3}; `step` counts over the whole run."""
        ...

    def close(self) -> None:
        """End, for better or worse."""
        ...


def require(names: Sequence[str]) -> None:
    """Refuse logs whose package is not installed, before any work.

    Raises:
        UserError: the package is named.
    """
    for name in names:
        if find_spec(NEEDS[name]) is None:
            raise UserError(
                f"--log {name} needs the package {NEEDS[name]}, which is not installed; run "
                f"`pip install {NEEDS[name]}`, or use --log csv"
            )


def open_log(name: str, folder: Path, settings: Mapping[str, Any], steps: int) -> Log:
    """A log of a run.

    Args:
        name: a key of `NEEDS`.
        folder: of the run; its name is the run's.
        settings: what is shown beside the curves.
        steps: of the checkpoint that the run goes on from; what was logged after it is replaced.

    Raises:
        UserError: the package is missing, or the file cannot be written.
    """
    require([name])
    if name == "csv":
        return CsvLog(folder / "log.csv", steps)
    if name == "tensorboard":
        return TensorBoardLog(folder / "tensorboard", steps)
    return (WandbLog if name == "wandb" else MlflowLog)(folder, settings)


class CsvLog:
    """A row for each value: step, epoch, name, value."""

    def __init__(self, path: Path, steps: int) -> None:
        """Keep the rows up to a step."""
        self._path = path
        rows = _rows(path) if path.exists() else []
        text = io.StringIO()
        csv.writer(text).writerows([HEAD, *(row for row in rows if int(row[0]) <= steps)])
        try:
            replace_text(path, text.getvalue())
            self._file = path.open("a", newline="", encoding="utf-8")
        except OSError as error:
            raise _unwritable(path, error) from error

    def write(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """See `Log.write`."""
        try:
            csv.writer(self._file).writerows([step, epoch, name, v] for name, v in values.items())
            self._file.flush()
        except OSError as error:
            raise _unwritable(self._path, error) from error

    def close(self) -> None:
        """See `Log.close`."""
        self._file.close()


def _rows(path: Path) -> list[list[str]]:
    """The whole rows of a log; the last one may be torn."""
    rows = list(csv.reader(io.StringIO(read_text(path))))
    return [row for row in rows if len(row) == len(HEAD) and row[0].isdecimal()]


def _unwritable(path: Path, error: OSError) -> UserError:
    return UserError(f"cannot write the log {shown(path)}: {error.strerror}; free some space")


class TensorBoardLog:
    """Events in a folder, for `tensorboard --logdir`."""

    def __init__(self, folder: Path, steps: int) -> None:
        writer = import_module("torch.utils.tensorboard").SummaryWriter
        self._writer = writer(str(folder), purge_step=steps + 1 if steps else None)

    def write(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """See `Log.write`."""
        for name, value in {**values, "epoch": epoch}.items():
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """See `Log.close`."""
        self._writer.close()


class WandbLog:
    """A run of Weights & Biases, with the name of ours as its id."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._run = import_module("wandb").init(
            project=PROJECT, id=folder.name, name=folder.name, dir=str(folder), resume="allow",
            config=dict(settings),
        )  # fmt: skip

    def write(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """See `Log.write`."""
        self._run.log({**values, "epoch": epoch}, step=step)

    def close(self) -> None:
        """See `Log.close`."""
        self._run.finish()


class MlflowLog:
    """A run of MLflow, in the store that its environment variables name."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._mlflow = import_module("mlflow")
        self._mlflow.set_experiment(PROJECT)
        self._mlflow.start_run(run_name=folder.name)
        self._mlflow.log_params(dict(settings))

    def write(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """See `Log.write`."""
        self._mlflow.log_metrics({**values, "epoch": epoch}, step=step)

    def close(self) -> None:
        """See `Log.close`."""
        self._mlflow.end_run()
