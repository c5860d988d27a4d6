"""What a checkpoint needs from elsewhere: plug-ins, and the images that it was trained on."""

from __future__ import annotations

from attnbench.data.names import readable
from attnbench.data.opening import is_here
from attnbench.errors import UserError
from attnbench.registry import ATTENTIONS, MODELS, TASKS, Registry
from attnbench.training.checkpoint import Checkpoint


def refuse_missing_names(checkpoint: Checkpoint) -> None:
    """Refuse a checkpoint whose model, attention or task no table here has.

    Raises:
        UserError: the message names the plug-in with which it was trained.
    """
    named = (
        (MODELS, checkpoint.model),
        (ATTENTIONS, checkpoint.attention),
        (TASKS, checkpoint.task),
    )
    for registry, name in named:
        if name and not _is_known(registry, name):
            raise UserError(
                f"the checkpoint uses the {registry.kind} {readable(name)!r}, which is not "
                f"registered here; {_advice(checkpoint)}"
            )


def data_of(checkpoint: Checkpoint, asked: str | None) -> str:
    """The data set to judge a checkpoint on: the one asked for, or that of its training.

    Raises:
        UserError: none is asked for, and that of the training is not here.
    """
    if asked is not None:
        return asked
    if not is_here(checkpoint.data):
        raise UserError(
            f"the checkpoint was trained on {readable(checkpoint.data)}, which is not here; say "
            "where it is with --data, or run from the folder where it was trained"
        )
    return checkpoint.data


def _is_known(registry: Registry, name: str) -> bool:
    try:
        registry.find(name)
    except UserError:
        return False
    return True


def _advice(checkpoint: Checkpoint) -> str:
    if not checkpoint.plugins:
        return "pass the plug-in that registers it with --plugin"
    flags = " ".join(f"--plugin {readable(source)}" for source in checkpoint.plugins)
    return f"pass {flags}, with which it was trained"
