"""`attnbench list impls`: implementations, where they run, and their mechanisms."""

from __future__ import annotations

from collections.abc import Sequence

from attnbench.cli.show.columns import Column
from attnbench.cli.show.progress import status
from attnbench.cli.show.screen import Screen
from attnbench.kernels.table import IMPLS

HEAD_DIM = 64


def print_impls(screen: Screen, progress: Screen) -> None:
    """Print implementations: summary, "yes" or the reason against each device, and mechanisms."""
    with status(progress, "loading torch"):
        import torch

        devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
        rows = _rows(devices)
    screen.table([Column(head) for head in ("impl", "summary", *devices, "mechanisms")], rows)
    screen.say(
        f"On this machine, for float32, head width {HEAD_DIM} and no gradients. A call that cannot "
        "run under other conditions gives the reason."
    )
    if "cuda" not in devices:
        screen.say("torch sees no CUDA device")


def _rows(devices: Sequence[str]) -> list[tuple[str, ...]]:
    """One row per implementation; mechanisms with different answers get separate rows."""
    from attnbench.attention.factory import attention_class
    from attnbench.registry import ATTENTIONS

    who: dict[tuple[str, ...], list[str]] = {}
    for name in ATTENTIONS.names():
        for impl in attention_class(name).impls:
            answers = (_verdict(name, impl, device) for device in devices)
            who.setdefault((impl, _summary(impl), *answers), []).append(name)
    return [(*answers, ", ".join(names)) for answers, names in who.items()]


def _summary(impl: str) -> str:
    """The summary in the table of implementations; "" for those of plug-ins."""
    row = IMPLS.get(impl)
    if row is None:
        return ""
    return f"{row.summary}; stores {row.materialises}" if row.materialises else row.summary


def _verdict(name: str, impl: str, device: str) -> str:
    """Whether the implementation runs on this device: "yes", or the reason why not."""
    import torch

    from attnbench.kernels.availability import reason_against
    from attnbench.kernels.conditions import CallConditions
    from attnbench.registry import ATTENTIONS

    conditions = CallConditions(
        device=device,
        dtype=torch.float32,
        head_dim=HEAD_DIM,
        options={option.name: option.default for option in ATTENTIONS.find(name).sweepable},
    )
    return reason_against(impl, conditions) or "yes"
