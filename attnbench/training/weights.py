"""Put the values of a checkpoint into a model and its optimizer, if they are of the same build."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from torch import Tensor, nn
from torch.amp import GradScaler
from torch.optim import Optimizer

from attnbench.errors import UserError
from attnbench.records.convert import as_type
from attnbench.training.checkpoint import Checkpoint
from attnbench.training.sharding import placed_as


def restored(checkpoint: Checkpoint, build: Callable[[], nn.Module]) -> nn.Module:
    """The trained model of a checkpoint.

    Args:
        checkpoint: the weights, and the options that `build` is to use.
        build: makes the model with fresh weights.

    Raises:
        UserError: the model cannot be built, or the weights are those of another one.
    """
    try:
        model = build()
    except UserError:
        raise
    except Exception as error:  # options of a wrong type make a model raise anything
        raise UserError(
            f"the model {checkpoint.model} cannot be built with the options of the checkpoint "
            f"({type(error).__name__}: {error}); train again"
        ) from error
    load_weights(model, checkpoint)
    return model


def load_weights(model: nn.Module, checkpoint: Checkpoint) -> None:
    """Load the weights that were scored into a model that was built with the same options.

    Raises:
        UserError: names, shapes or types differ.
    """
    fill(model, checkpoint.state.scored)


def fill(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Load a state dictionary whose names, shapes and types must be exactly the model's.

    Raises:
        UserError: they differ; the first parameter that differs is named.
    """
    difference = _first_difference(model.state_dict(), weights)
    if difference:
        raise UserError(
            f"the checkpoint belongs to another model: {difference}; build the model with the "
            "name, options and image size that the checkpoint was trained with"
        )
    own = model.state_dict()
    model.load_state_dict({name: placed_as(one, own[name]) for name, one in weights.items()})


def fill_optimizer(optimizer: Optimizer, state: Mapping[str, Any]) -> None:
    """Load an optimizer's state dictionary, which must fit its parameters.

    Raises:
        UserError: it does not; what differs first is named.
    """
    try:
        as_type(state, _Given)
        difference = _misfit(optimizer, state)
    except (KeyError, TypeError, ValueError) as error:
        difference = f"it has parts that are missing or of a wrong type ({error})"
    if difference:
        raise UserError(
            f"the checkpoint's optimizer does not fit the model: {difference}; train again"
        )
    optimizer.load_state_dict(dict(state))
    for parameter, moments in optimizer.state.items():
        moments.update({name: placed_as(value, parameter) for name, value in moments.items()})


def fill_scaler(scaler: GradScaler, state: Mapping[str, Any]) -> None:
    """Load a state dictionary into what scales the loss.

    Raises:
        UserError: it is none of this precision.
    """
    own = scaler.state_dict()
    if own.keys() != state.keys() or not all(_is_count(state[n], own[n]) for n in own):
        raise UserError(
            "the checkpoint's scale of the loss is missing or damaged, or it was trained in "
            "another precision; give its --autocast, or train again"
        )
    scaler.load_state_dict(dict(state))


def _is_count(value: object, like: object) -> bool:
    """Whether a value is a number from 0, of the type of another one."""
    return type(value) is type(like) and _is_finite(value) and value >= 0  # type: ignore[operator]


@dataclass(frozen=True)
class _Group:
    params: list[int]


@dataclass(frozen=True)
class _Given:
    """The types of an optimizer's state dictionary."""

    state: dict[int, dict[str, Tensor]]
    param_groups: list[_Group]


def _first_difference(own: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> str:
    for name, parameter in own.items():
        if name not in weights:
            return f"it has no parameter {name}"
        expected, got = tuple(parameter.shape), tuple(weights[name].shape)
        if expected != got:
            return f"parameter {name} should have shape {expected}, it has {got}"
        if (parameter.dtype, parameter.layout) != (weights[name].dtype, weights[name].layout):
            return f"parameter {name} should be {parameter.dtype}, it is {weights[name].dtype}"
    extra = next((name for name in weights if name not in own), None)
    return f"its parameter {extra} is not in the model" if extra else ""


def _misfit(optimizer: Optimizer, state: Mapping[str, Any]) -> str:
    """How groups, settings or moments of a state differ from what the optimizer takes; ""."""
    own, given = optimizer.param_groups, state["param_groups"]
    sizes = [[len(group["params"]) for group in groups] for groups in (own, given)]
    if sizes[0] != sizes[1]:
        return f"it has groups of {sizes[1]} parameters instead of {sizes[0]}"
    for mine, theirs in zip(own, given, strict=True):
        wrong = _wrong_setting(mine, theirs)
        if wrong:
            return f"its {wrong} is {theirs[wrong]!r}"
        for parameter, index in zip(mine["params"], theirs["params"], strict=True):
            # A parameter that never had a gradient has no moments.
            wrong = _wrong_moment(parameter, state["state"].get(index, {}))
            if wrong:
                return f"its {wrong} of parameter {index} has another shape or type"
    return ""


def _wrong_setting(own: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """The name of a number that is none, or of a switch that is turned.

    Which kernel updates the parameters (`fused`, `foreach`) may differ.
    """
    for name, value in own.items():
        if type(value) is bool and name != "fused" and given.get(name, value) is not value:
            return name
        numbers = value if isinstance(value, tuple) else (value,)
        if not all(type(number) is float for number in numbers):
            continue
        found = given[name]
        found = found if isinstance(found, (tuple, list)) else (found,)
        if len(found) != len(numbers) or not all(_is_finite(number) for number in found):
            return name
    return ""


def _wrong_moment(parameter: Tensor, moments: Mapping[str, Any]) -> str:
    """The name of a moment that is no tensor of the parameter's shape, or no one number."""
    shapes = {"step": (), "exp_avg": tuple(parameter.shape), "exp_avg_sq": tuple(parameter.shape)}
    if not moments:
        return ""
    for name, shape in shapes.items():
        value = moments[name]
        fits = isinstance(value, Tensor) and value.is_floating_point()
        if not fits or tuple(value.shape) != shape:
            return name
    return ""


def _is_finite(value: object) -> bool:
    return type(value) in (int, float) and isfinite(value)  # type: ignore[arg-type]
