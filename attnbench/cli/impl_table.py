"""`attnbench list impls`: the implementations of each mechanism, and where each runs."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

HEAD_DIM = 64
NUM_ANCHORS = 30


def print_impls(console: Console, progress: Console) -> None:
    """A row for each mechanism and implementation, with "yes" or the reason against it."""
    with progress.status("loading torch"):
        rows = _rows()
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("mechanism", "impl", "summary", "cpu", "cuda"):
        table.add_column(column, no_wrap=column in ("mechanism", "impl"))
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print(
        f"here and now, for float32 and heads {HEAD_DIM} wide, without gradients; where gradients, "
        "another dtype or another width rule one out, the call says so",
        highlight=False,
    )


def _rows() -> list[tuple[str, ...]]:
    from attnbench.attention.factory import attention_class
    from attnbench.attention.impls import IMPLS
    from attnbench.registry import ATTENTIONS

    return [
        (
            name,
            impl,
            IMPLS[impl].summary if impl in IMPLS else "",
            _verdict(name, impl, "cpu"),
            _verdict(name, impl, "cuda"),
        )
        for name in ATTENTIONS.names()
        for impl in attention_class(name).impls
    ]


def _verdict(name: str, impl: str, device: str) -> str:
    """Whether the implementation runs on this device: yes, or why not."""
    import torch

    from attnbench.attention.factory import accepted_options, attention_class
    from attnbench.attention.impls import reason_against
    from attnbench.kernels.setting import Setting

    if device == "cuda" and not torch.cuda.is_available():
        return "no CUDA device"
    has_anchors = "num_anchors" in accepted_options(attention_class(name))
    setting = Setting(
        device=device,
        dtype=torch.float32,
        head_dim=HEAD_DIM,
        num_anchors=NUM_ANCHORS if has_anchors else 0,
    )
    return reason_against(impl, setting) or "yes"
