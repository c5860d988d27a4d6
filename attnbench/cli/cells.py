"""The options that `profile` and `sweep` share: which cells to measure, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attnbench.bounds import shortened
from attnbench.cli import options
from attnbench.errors import UserError
from attnbench.spec import CACHES, DTYPES, MODES, Protocol
from attnbench.spec.validation import flag_of

if TYPE_CHECKING:
    from attnbench.spec import AnyWorkload, ModelWorkload, Workload

ATTENTIONS = "dense,window,sparse,anchor"
ANCHORS = "num_anchors"
"""The option that `--anchors` is short for."""
ANCHOR_COUNTS = "30"
IMG_SIZE = "224"
PATCH, DIM, HEADS, NUM_CLASSES = 16, "192", "3", 1000
CROSSED = ("dim", "num_heads", "dtype", "mode", "seed", "batch")
"""Workload fields that take several values in a sweep; the last varies fastest."""


def _default(help: str, default: object) -> dict[str, Any]:
    """The help of an option whose default is None: it shows the default that applies then."""
    return {"help": f"{help} \\[default: {default}]", "show_default": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """Options that choose the cells: attention layers or whole models."""

    attention: Annotated[
        str | None,
        typer.Option(**_default("Attentions to compare, separated by commas.", ATTENTIONS)),
    ] = None
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "--models", show_default=False,
            help="Measure whole models instead, separated by commas (see `attnbench list models`).",
        ),
    ] = None  # fmt: skip
    n_tokens: Annotated[
        str | None,
        options.number_list("n_tokens", "Token counts, separated by commas.", show_default=False),
    ] = None
    resolution: Annotated[
        str | None,
        options.checked(
            options.image_sizes,
            "Image sizes in pixels, such as 224,384 or 512x2048. For models "
            f"\\[default: {IMG_SIZE}]",
            "--resolution", "--resolutions", "--img-size", show_default=False,
        ),
    ] = None  # fmt: skip
    patch: Annotated[
        int | None,
        options.number("patch", **_default("Side of a patch (one token) in pixels.", PATCH)),
    ] = None
    anchors: Annotated[
        str | None,
        options.number_list(
            "anchors",
            **_default(f"Anchor counts: short for --sweep {ANCHORS}=….", ANCHOR_COUNTS),
        ),
    ] = None
    sweep: Annotated[
        list[str] | None,
        options.checked(
            options.check_sweep,
            "Values of a mechanism's sweepable option (see `attnbench list`), such as "
            "window_size=7,14; repeatable.",
            metavar="NAME=VALUES", show_default=False,
        ),
    ] = None  # fmt: skip
    option: Annotated[
        list[str] | None,
        options.checked(
            options.check_option,
            "Any other option of a mechanism or model, such as qkv_bias=false; repeatable.",
            metavar="NAME=VALUE", show_default=False,
        ),
    ] = None  # fmt: skip
    impl: Annotated[
        str | None,
        typer.Option(
            show_default=False,
            help="Implementations, separated by commas (see `attnbench list impls`), or best: "
            "measure all and show the fastest. Default: reference (plain eager code), and sdpa "
            "(torch's fused code) or folded (anchors) if the mechanism has it.",
        ),
    ] = None  # fmt: skip
    dim: Annotated[str | None, options.number_list("dim", **_default("Embedding width.", DIM))] = (
        None
    )
    heads: Annotated[
        str | None,
        options.number_list("heads", **_default("Attention heads; must divide --dim.", HEADS)),
    ] = None
    num_classes: Annotated[
        int | None,
        options.number("num_classes", **_default("Classes of a model's head.", NUM_CLASSES)),
    ] = None
    batch: Annotated[str, options.number_list("batch", "Images per batch.")] = "1"
    dtype: Annotated[str, options.choice_list(DTYPES, "float32, bfloat16 or float16.")] = "float32"
    mode: Annotated[
        str,
        options.choice_list(
            MODES, "forward, backward, forward+backward, or train (a full training step)."
        ),
    ] = "forward"
    seed: Annotated[str, options.number_list("seed", "Seed of weights and input.")] = "0"

    def workloads(self, *, n_tokens: str = "", resolution: str = "") -> list[AnyWorkload]:
        """The workloads, grouped by comparison; loads torch.

        Args:
            n_tokens: default token counts for layers.
            resolution: default image sizes for layers, instead of token counts.
        """
        if self.model is not None:
            return [*self._of_models()]
        if self.num_classes is not None:
            raise UserError("--num-classes needs --model; attention layers have no classes")
        if self.n_tokens is None and self.resolution is None:
            return [*self._of_layers(n_tokens or None, resolution or None)]
        return [*self._of_layers(self.n_tokens, self.resolution)]

    def refuse_several(self) -> None:
        """Refuse several values of one option: a profile compares cells under one set."""
        given = (("batch", self.batch), ("dim", self.dim), ("heads", self.heads),
                 ("dtype", self.dtype), ("mode", self.mode), ("seed", self.seed))  # fmt: skip
        for flag, text in given:
            if len(options.names(text or "")) > 1:
                raise UserError(f"--{flag} takes one value here, got {shortened(text)}; "
                                "`attnbench sweep` takes several")  # fmt: skip

    @property
    def wants_best(self) -> bool:
        """Whether to show only the fastest implementation.

        Raises:
            UserError: `best` is combined with other names.
        """
        from attnbench.benchmark.grid import BEST

        chosen = options.names(self.impl or "")
        if BEST in chosen and chosen != [BEST]:
            raise UserError(
                f"--impl best measures every implementation and takes no other name; "
                f"got {shortened(self.impl)}"
            )
        return BEST in chosen

    def _of_layers(self, n_tokens: str | None, resolution: str | None) -> list[Workload]:
        from attnbench.benchmark.grid import crossed, layer_workloads, refuse_indivisible

        chosen = _chosen(self.attention or ATTENTIONS, "--attention")
        grids = options.grids(n_tokens, resolution, PATCH if self.patch is None else self.patch)
        _ = self.wants_best  # raises if combined with other names
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
                f"{', '.join(flags)}: only for attention layers, got --model; give a trunk its "
                "attention and options by --option, such as --option attention=NAME"
            )

    def _axes(self, **texts: str) -> dict[str, Sequence[Any]]:
        """The values of each crossed field, in the order of `CROSSED`."""
        texts |= {"batch": self.batch, "seed": self.seed, "dtype": self.dtype, "mode": self.mode}
        quantities = {"num_heads": "heads"}
        axes: dict[str, Sequence[Any]] = {}
        for name in CROSSED:
            if name in texts:
                quantity = quantities.get(name, name)
                axes[name] = _axis(texts[name], quantity, text_values=name in ("dtype", "mode"))
        return axes

    def _options(self) -> dict[str, Any]:
        """The values of `--option`, by keyword."""
        return options.option_values(self.option)

    def _swept(self, chosen: Sequence[str], given: Mapping[str, Any]) -> dict[str, list[float]]:
        """The values of `--sweep` and `--anchors`, by option."""
        found = options.swept_values(self.sweep)
        if self.anchors is not None and ANCHORS in found:
            raise UserError(f"--anchors is short for --sweep {ANCHORS}; give only one of them")
        if _has_anchors(chosen) and (self.anchors is not None or ANCHORS not in {**found, **given}):
            found[ANCHORS] = [
                *options.integers(self.anchors or ANCHOR_COUNTS, "--anchors", "anchors")
            ]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """Options that choose how the cells are measured."""

    device: options.Device = "auto"
    precision: Annotated[
        float,
        options.number(
            "precision", "Stop when each 95 % interval is within this share of its median."
        ),
    ] = 0.01
    time_budget: Annotated[
        float,
        options.number(
            "time_budget", "Stop after this many seconds of sampling per cell at the latest."
        ),
    ] = 2
    cache: Annotated[
        str,
        options.choice_list(
            CACHES, "Cache before each sample: cold, warm, or auto (cold on GPUs only)."
        ),
    ] = "auto"
    energy: Annotated[
        bool, typer.Option("--energy", help="Also measure joules per call; seconds per cell.")
    ] = False

    def protocol(self, **others: Any) -> Protocol:
        """The protocol.

        Raises:
            UserError: a value is out of range.
        """
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
        raise UserError(
            f"{flag} needs at least one name, got {shortened(text)}; see `attnbench list {listed}`"
        )
    return chosen


def _axis(text: str, name: str, *, text_values: bool) -> Sequence[Any]:
    flag = flag_of(name)
    values: Sequence[Any] = (
        options.names(text) if text_values else options.integers(text, flag, name)
    )
    if not values:
        raise UserError(f"{flag} needs a value, got {shortened(text)}")
    return list(dict.fromkeys(values))


def _has_anchors(chosen: Sequence[str]) -> bool:
    """Whether one of the mechanisms has anchors."""
    from attnbench import registry

    rows = [registry.ATTENTIONS.find(name) for name in chosen]
    return any(option.name == ANCHORS for row in rows for option in row.sweepable)
