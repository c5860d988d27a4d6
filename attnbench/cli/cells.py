"""The options of `profile` and `sweep`: which cells to measure, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attnbench.cli import options
from attnbench.errors import UserError
from attnbench.spec import Protocol
from attnbench.spec.validation import within_size

if TYPE_CHECKING:
    from attnbench.spec import AnyWorkload, ModelWorkload, Workload

ATTENTIONS = "dense,window,sparse,anchor"
ANCHORS = "num_anchors"
"""The option that `--anchors` is short for."""
ANCHOR_COUNTS = "30"
IMG_SIZE = "224"
PATCH, DIM, HEADS, NUM_CLASSES = 16, "192", "3", 1000
CROSSED = ("dim", "num_heads", "dtype", "mode", "seed", "batch")
"""Fields of a workload that take several values in a sweep; the last varies fastest."""


def _default(help: str, default: object, **more: Any) -> Any:
    """An option whose default depends on others: the help says it, and None stands for it."""
    return typer.Option(help=f"{help} \\[default: {default}]", show_default=False, **more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The cells that the options ask for: of attention layers, or of whole models."""

    attention: Annotated[
        str | None, _default("Attentions to compare, separated by commas.", ATTENTIONS)
    ] = None
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "--models", show_default=False,
            help="Whole models instead, separated by commas (see `attnbench list models`).",
        ),
    ] = None  # fmt: skip
    n_tokens: Annotated[
        str | None,
        typer.Option(help="Token counts of the map, separated by commas.", show_default=False),
    ] = None
    resolution: Annotated[
        str | None,
        typer.Option(
            "--resolution", "--resolutions", "--img-size", show_default=False,
            help="Image sizes in pixels, as 224,384 or 512x2048. For models "
            f"\\[default: {IMG_SIZE}]",
        ),
    ] = None  # fmt: skip
    patch: Annotated[int | None, _default("Pixels along the side of a token's patch.", PATCH)] = (
        None
    )
    anchors: Annotated[
        str | None,
        _default(f"Anchor counts, separated by commas: short for --sweep {ANCHORS}=….",
                 ANCHOR_COUNTS),
    ] = None  # fmt: skip
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUES", show_default=False,
            help="Values of an option that a mechanism declares (`attnbench list`), as "
            "window_size=7,14; repeatable.",
        ),
    ] = None  # fmt: skip
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", show_default=False,
            help="Any other keyword of a mechanism or model, as qkv_bias=false; repeatable.",
        ),
    ] = None  # fmt: skip
    impl: Annotated[
        str | None,
        typer.Option(
            show_default=False,
            help="Implementations, separated by commas (see `attnbench list impls`), or best: all "
            "are measured and the fastest is shown. Default: reference (plain eager code for all), "
            "and sdpa (torch's fused code) or folded (anchors) where a mechanism has it.",
        ),
    ] = None  # fmt: skip
    dim: Annotated[str | None, _default("Width of the layer.", DIM, metavar="<int>")] = None
    heads: Annotated[
        str | None, _default("Attention heads; must divide --dim.", HEADS, metavar="<int>")
    ] = None
    num_classes: Annotated[int | None, _default("Classes of a model.", NUM_CLASSES)] = None
    batch: Annotated[str, typer.Option(help="Images in a batch.", metavar="<int>")] = "1"
    dtype: Annotated[str, typer.Option(help="float32, bfloat16 or float16.")] = "float32"
    mode: Annotated[
        str,
        typer.Option(help="forward, backward, forward+backward, or train (a whole training step)."),
    ] = "forward"
    seed: Annotated[str, typer.Option(help="Seeds weights and input.", metavar="<int>")] = "0"

    def workloads(self, *, n_tokens: str = "", resolution: str = "") -> list[AnyWorkload]:
        """The cells, those of one comparison together; loads torch.

        Args:
            n_tokens: sizes of layers where the options give none, …
            resolution: … or image sizes in their place.
        """
        if self.model is not None:
            return [*self._of_models()]
        if self.num_classes is not None:
            raise UserError("--num-classes goes with --model")
        if self.n_tokens is None and self.resolution is None:
            return [*self._of_layers(n_tokens or None, resolution or None)]
        return [*self._of_layers(self.n_tokens, self.resolution)]

    def refuse_several(self) -> None:
        """Refuse several values where cells are compared side by side."""
        given = (("batch", self.batch), ("dim", self.dim), ("heads", self.heads),
                 ("dtype", self.dtype), ("mode", self.mode), ("seed", self.seed))  # fmt: skip
        for flag, text in given:
            if len(options.names(text or "")) > 1:
                raise UserError(f"--{flag} takes one value here, got {text!r}; "
                                "`attnbench sweep` takes several")  # fmt: skip

    @property
    def wants_best(self) -> bool:
        """Whether to show only the fastest implementation; `best` goes with no other name."""
        from attnbench.benchmark.grid import BEST

        chosen = options.names(self.impl or "")
        if BEST in chosen and chosen != [BEST]:
            raise UserError(
                f"--impl best stands alone, since it measures every implementation; "
                f"got {self.impl!r}"
            )
        return BEST in chosen

    def _of_layers(self, n_tokens: str | None, resolution: str | None) -> list[Workload]:
        from attnbench.benchmark.grid import crossed, layer_workloads, refuse_indivisible

        chosen = _chosen(self.attention or ATTENTIONS, "--attention")
        grids = options.grids(n_tokens, resolution, PATCH if self.patch is None else self.patch)
        _ = self.wants_best  # refuses it beside other names
        impls = None if self.impl is None else options.names(self.impl)
        given = self._options()
        swept = self._swept(chosen, given)
        axes = self._axes(dim=self.dim or DIM, num_heads=self.heads or HEADS)
        refuse_indivisible(crossed(axes))
        return [
            workload
            for common in crossed(axes)
            for workload in layer_workloads(chosen, grids, swept, impls, options=given, **common)
        ]

    def _of_models(self) -> list[ModelWorkload]:
        from attnbench.benchmark.grid import crossed, model_workloads

        self._refuse_options_of_layers()
        chosen = _chosen(self.model or "", "--model")
        sizes = options.image_sizes(self.resolution or IMG_SIZE)
        num_classes = NUM_CLASSES if self.num_classes is None else self.num_classes
        given = self._options()
        return [
            workload
            for common in crossed(self._axes())
            for workload in model_workloads(
                chosen, sizes, num_classes=num_classes, options=given, **common
            )
        ]

    def _refuse_options_of_layers(self) -> None:
        of_layers = ("attention", "n_tokens", "patch", "anchors", "sweep", "impl", "dim", "heads")
        given = [one.name for one in fields(self) if one.name in of_layers]
        flags = [f"--{name.replace('_', '-')}" for name in given if getattr(self, name) is not None]
        if flags:
            raise UserError(
                f"{', '.join(flags)}: for attention layers, not for --model; a trunk takes its "
                "attention and the options inside as --option attention=NAME"
            )

    def _axes(self, **texts: str) -> dict[str, Sequence[Any]]:
        """The values of each crossed field, in the order of `CROSSED`."""
        texts |= {"batch": self.batch, "seed": self.seed, "dtype": self.dtype, "mode": self.mode}
        flags = {"num_heads": "--heads"}
        axes: dict[str, Sequence[Any]] = {}
        for name in CROSSED:
            if name in texts:
                flag = flags.get(name, f"--{name}")
                axes[name] = _axis(texts[name], flag, text_values=name in ("dtype", "mode"))
        return axes

    def _options(self) -> dict[str, Any]:
        """The values of `--option`, by keyword."""
        found = options.pairs(self.option, "--option")
        return {name: options.option_value(text, f"--option {name}")
                for name, text in found.items()}  # fmt: skip

    def _swept(self, chosen: Sequence[str], given: Mapping[str, Any]) -> dict[str, list[float]]:
        """The values of `--sweep` and `--anchors`, by option."""
        found = {name: options.numbers(text, f"--sweep {name}")
                 for name, text in options.pairs(self.sweep, "--sweep").items()}  # fmt: skip
        if self.anchors is not None and ANCHORS in found:
            raise UserError(f"--anchors is short for --sweep {ANCHORS}: give one of them")
        if _has_anchors(chosen) and (self.anchors is not None or ANCHORS not in {**found, **given}):
            counts = options.integers(self.anchors or ANCHOR_COUNTS, "--anchors")
            for count in counts:
                within_size(1, anchors=count)
            found[ANCHORS] = [*counts]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """How the cells are measured."""

    device: options.Device = "auto"
    precision: Annotated[
        float,
        typer.Option(help="Stop when each median is known within this share (95 % interval) …"),
    ] = 0.01
    time_budget: Annotated[
        float, typer.Option(help="… or when this many seconds a cell have gone into sampling.")
    ] = 2
    cache: Annotated[
        str,
        typer.Option(help="Caches before each sample: cold, warm, or auto (cold on a GPU only)."),
    ] = "auto"
    energy: Annotated[
        bool, typer.Option("--energy", help="Meter joules per call too; several seconds a cell.")
    ] = False

    def protocol(self, **others: Any) -> Protocol:
        """The protocol; values out of range are refused."""
        return Protocol(
            precision=self.precision,
            time_budget_s=self.time_budget,
            cache=self.cache,  # type: ignore[arg-type] # checked when it is made
            energy=self.energy,
            **others,
        )


def _chosen(text: str, flag: str) -> list[str]:
    chosen = options.names(text)
    if not chosen:
        listed = "attentions" if flag == "--attention" else "models"
        raise UserError(f"{flag} needs at least one name; `attnbench list {listed}` shows them")
    return chosen


def _axis(text: str, flag: str, *, text_values: bool) -> Sequence[Any]:
    values: Sequence[Any] = options.names(text) if text_values else options.integers(text, flag)
    if not values:
        raise UserError(f"{flag} needs a value, got {text!r}")
    return list(dict.fromkeys(values))


def _has_anchors(chosen: Sequence[str]) -> bool:
    """Whether one of the mechanisms declares anchors."""
    from attnbench import registry

    rows = [registry.ATTENTIONS.find(name) for name in chosen]
    return any(option.name == ANCHORS for row in rows for option in row.sweepable)
