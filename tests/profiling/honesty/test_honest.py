"""An honest layer is never accused, in any mode, dtype or implementation."""

from copy import deepcopy

import pytest
import torch
from our_mechanisms import OURS

from attnbench.attention.factory import attention_class, create_attention
from attnbench.profiling.honesty.output import Expected
from attnbench.profiling.honesty.verifier import Verifier
from attnbench.profiling.latency.modes import call_of
from attnbench.spec import MODES

from .honest_layers import DIM, LAYERS

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
SHAPE = (2, 6, DIM)
NOTED = {
    "AlwaysRandom", "BiasStart", "ConstantStart", "DropPath", "Dropout", "HoldsOnToItself",
    "LazyWeights", "Overflows", "OwnGenerator", "RandomInNumpy",
}  # fmt: skip


def verify(module, mode, dtype, shape=SHAPE, arguments=()):
    """What a cell goes through: a first call, some rounds, and the end; returns its notes."""
    module = module.to(dtype)
    pristine, x = deepcopy(module), torch.randn(shape).to(dtype)
    call = call_of(mode, module, x, arguments)
    verifier = Verifier(call, pristine, Expected(device=x.device, shape=shape, dtype=dtype))
    verifier.run_verified()
    verifier.begin(2)
    for verifier.round in (1, 2):
        verifier.prepare()
        call()
        verifier.inspect()
    verifier.finish()
    return verifier.notes


def test_there_are_thirty_of_them():
    assert len(LAYERS) >= 30


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
def test_an_honest_layer_passes(kind, mode):
    for dtype in DTYPES:
        notes = verify(kind(), mode, dtype)
        assert kind.__name__ in NOTED or notes == ()


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("AlwaysRandom", "beside a copy that drew the same ones"),
        ("OwnGenerator", "only within their spread"),
        ("ConstantStart", "one output for every input: it is 0"),
        ("Overflows", "% of the output is not finite"),
    ],
)
def test_what_is_odd_but_honest_is_noted(name, note):
    kind = next(kind for kind in LAYERS if kind.__name__ == name)
    assert any(note in one for one in verify(kind(), "forward", torch.float32))


def implementations():
    for entry in OURS:
        for impl in attention_class(entry.name).impls:
            if impl in (
                "reference",
                "sdpa",
                "folded",
                "chunked",
                "decomposed",
            ):  # the others need a GPU
                yield entry.name, impl


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("name", "impl"), list(implementations()))
def test_our_mechanisms_pass(name, impl, mode):
    for dtype in DTYPES[: {"forward": 3, "train": 2}.get(mode, 1)]:
        layer = create_attention(name, 24, 3, impl=impl)
        assert verify(layer, mode, dtype, (2, 63, 24), ((7, 9),)) == ()
