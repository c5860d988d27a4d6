"""Grids of cells: attentions or models, crossed with sizes, swept options and implementations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

from attnbench.bounds import SIZE, Bounds
from attnbench.errors import UserError
from attnbench.impls import default_impls
from attnbench.registry import ATTENTIONS, MODELS, SweepOption
from attnbench.spec import Grid, ModelWorkload, Workload, describe

FAMILIES = ("dense", "window", "sparse", "anchor")
"""The four families of the paper's comparison; each is also the name of a mechanism."""

BEST = "best"
"""In place of implementations: all that a mechanism has, of which the fastest counts."""

BUILT_IN = ("impl", "num_prefix_tokens")
"""Keywords of every mechanism that are no options of a cell: `impl` is a field of its own, and a
layer is measured on a map, without class tokens."""

Sweep = Mapping[str, Sequence[float]]
"""Values of swept options, by name."""


def layer_workloads(
    attentions: Sequence[str],
    grids: Sequence[Grid],
    sweep: Sweep | None = None,
    impls: Sequence[str] | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    **common: Any,
) -> list[Workload]:
    """One workload per cell, grid by grid.

    Args:
        attentions: registered names.
        grids: token grids.
        sweep: values of options by name. Each mechanism is crossed with those that it declares.
        impls: implementations. Each gives a cell, runnable or not. None takes the default ones
            that a mechanism has, `[BEST]` all that it has.
        options: keywords with one value each; a mechanism takes those that it has.
        common: other fields of `Workload`, the same for all.

    Raises:
        UserError: an attention is not registered; none of them has an implementation or an option
            that was asked for; a value is out of range.
    """
    rows = [ATTENTIONS.find(name) for name in attentions]
    sweep, options = sweep or {}, options or {}
    declared = {row.name: {option.name: option for option in row.sweepable} for row in rows}
    _refuse_unknown_sweeps(sweep, declared)
    _refuse_twice(sweep, options)
    _refuse_unknown_options(options, {name: _keywords(name) for name in attentions})
    _refuse_unknown_impls(impls or (), attentions)
    _refuse_wrong_values(options, attentions, **common)
    return [
        Workload(attention=name, grid=grid, impl=impl, options={**given, **swept}, **common)
        for grid in grids
        for name in attentions
        for given in [_only(options, _keywords(name))]
        for swept in crossed(_only(sweep, declared[name]))
        for impl in _impls(name, impls)
    ]


def model_workloads(
    models: Sequence[str],
    img_sizes: Sequence[tuple[int, int]],
    *,
    num_classes: int = 1000,
    options: Mapping[str, Any] | None = None,
    **common: Any,
) -> list[ModelWorkload]:
    """One workload per model and image size, size by size.

    Args:
        models: registered names.
        img_sizes: (height, width) in pixels.
        num_classes: width of the head.
        options: keywords of the model, or of the attention inside a trunk of ours.
        common: other fields of `ModelWorkload`, the same for all.

    Raises:
        UserError: a model is not registered, or does not take an option.
    """
    from attnbench.models.factory import create_model
    from attnbench.models.options import attention_inside

    placed = {name: _options_of_model(name, options or {}) for name in models}
    for name, given in placed.items():
        if given:
            build = partial(create_model, name, num_classes, img_sizes[0], **given)
            _refuse_unbuildable(name, given, build)
    return [
        ModelWorkload(
            model=name,
            attention=attention_inside(name, placed[name]),
            img_size=img_size,
            num_classes=num_classes,
            options=placed[name],
            **common,
        )
        for img_size in img_sizes
        for name in models
    ]


def crossed(axes: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of one value per axis; the last axis varies fastest."""
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


def refuse_indivisible(combinations: Iterable[Mapping[str, Any]]) -> None:
    """Refuse combinations of `dim` and `num_heads` that give no whole head, all of them by name."""
    pairs = dict.fromkeys((one["dim"], one["num_heads"]) for one in combinations)
    bad = [f"{dim} is no multiple of {heads}" for dim, heads in pairs if heads > 0 and dim % heads]
    if bad:
        raise UserError(f"--heads must divide --dim: {'; '.join(bad)}")


def _refuse_unknown_sweeps(sweep: Sweep, declared: Mapping[str, Mapping[str, SweepOption]]) -> None:
    for name, values in sweep.items():
        having = [options[name] for options in declared.values() if name in options]
        if not having:
            known = ", ".join(
                f"{option} ({attention})" for attention, own in declared.items() for option in own
            )
            raise UserError(
                f"--sweep {name}: none of {', '.join(declared)} declares it; "
                f"they declare {known or 'no option to sweep'}"
            )
        for option, value in product(having, values):
            _refuse_out_of_range(option, value)


def _refuse_out_of_range(option: SweepOption, value: float) -> None:
    flag = f"--sweep {option.name}"
    bounds = Bounds(option.least, SIZE, whole=isinstance(option.default, int))
    if not bounds.hold(value):
        raise UserError(f"{flag}: {bounds.fault(value)}")


def _refuse_twice(sweep: Sweep, options: Mapping[str, Any]) -> None:
    for name in options:
        if name in sweep:
            raise UserError(f"--option {name} and --sweep {name}: give one of them")


def _refuse_unknown_options(options: Mapping[str, Any], known: Mapping[str, Sequence[str]]) -> None:
    for name in options:
        if not any(name in keywords for keywords in known.values()):
            all_known = ", ".join(dict.fromkeys(word for words in known.values() for word in words))
            raise UserError(
                f"--option {name}: none of {', '.join(known)} has it; they have {all_known}"
            )


def _refuse_wrong_values(
    options: Mapping[str, Any],
    attentions: Sequence[str],
    **common: Any,
) -> None:
    from attnbench.attention.factory import create_attention

    for name in attentions:
        given = _only(options, _keywords(name))
        layer = Workload(attention=name, grid=(1, 1), options=given, **common)
        if given:
            build = partial(create_attention, name, layer.dim, layer.num_heads, **given)
            _refuse_unbuildable(name, given, build)


def _refuse_unknown_impls(impls: Sequence[str], attentions: Sequence[str]) -> None:
    from attnbench.attention.factory import attention_class

    known = dict.fromkeys(impl for name in attentions for impl in attention_class(name).impls)
    for impl in impls:
        if impl not in (BEST, *known):
            raise UserError(
                f"--impl: none of {', '.join(attentions)} has {impl!r}; they have "
                f"{', '.join(known)} (`attnbench list impls` says which run here)"
            )


def _keywords(attention: str) -> list[str]:
    """Options that a mechanism takes."""
    from attnbench.attention.factory import accepted_options, attention_class

    accepted = accepted_options(attention_class(attention))
    return [name for name in accepted if name not in BUILT_IN]


def _only(values: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    chosen = set(names)
    return {name: value for name, value in values.items() if name in chosen}


def _impls(name: str, asked: Sequence[str] | None) -> Sequence[str]:
    from attnbench.attention.factory import attention_class

    if asked is not None and list(asked) != [BEST]:
        return asked
    known = attention_class(name).impls
    return known if asked is not None else [impl for impl in default_impls() if impl in known]


def _options_of_model(model: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options as `create_model` takes them: those of the attention inside a trunk apart."""
    from attnbench.models.options import INSIDE, attention_inside, keywords_of, takes_any_keyword

    own = set(keywords_of(model))
    if takes_any_keyword(model) or INSIDE not in own:
        return dict(options)
    attention = attention_inside(model, options)
    inside = _only(options, set(options) - own)
    known = {model: sorted(own - {INSIDE} - set(MODELS.find(model).options))}
    if attention:
        known[attention] = _keywords(attention)
    _refuse_unknown_options(inside, known)
    given = _only(options, own)
    return {**given, INSIDE: inside} if inside else given


def _refuse_unbuildable(name: str, options: Mapping[str, Any], build: Callable[[], object]) -> None:
    """Build once without memory, since only the constructor knows which values it takes."""
    import torch

    try:
        with torch.device("meta"):
            build()
    except UserError:
        raise
    except Exception as error:
        raise UserError(
            f"--option: building {name} with {describe(options)} failed with "
            f"{type(error).__name__}: {error}"
        ) from error
