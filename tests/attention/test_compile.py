"""`torch.compile` compiles every mechanism as one graph, with equal results."""

import pytest
import torch
from our_mechanisms import OURS

from attnbench.attention.factory import attention_class, create_attention

pytestmark = pytest.mark.usefixtures("compiler")
SMALL = {
    "window": {"window_size": 4, "shift": True},
    "sparse": {"sr_ratio": 2},
    "focal": {"window_size": 3},
    "cswin": {"stripe_width": 4},
    "biformer": {"regions": 3},
}
IMPLS = ("reference", "sdpa", "folded", "chunked", "decomposed")
CASES = [
    (entry.name, impl)
    for entry in OURS
    for impl in (*IMPLS, *(["sdpa-flash"] if entry.name == "dense" else []))
    if impl in attention_class(entry.name).impls
]
ONE_SIZE = {
    "identity", "mean", "anchor-untied", "inducing", "linear", "xca", "axial", "performer",
    "nystrom", "pooled", "focused-linear", "msla",
}  # fmt: skip
"""They keep and resize nothing by the size of the map, so the first test tells all."""


def build(name, impl):
    return create_attention(name, 24, 3, impl=impl, **SMALL.get(name, {}))


def backend_for(name, impl):
    """The graph is cut into operators and has a backward one; once a mechanism is enough."""
    plain_twin = impl == "reference" and (name, "sdpa") in CASES
    return "eager" if plain_twin else "aot_eager"


@pytest.mark.parametrize(("name", "impl"), CASES)
def test_in_one_graph_with_gradients(name, impl):
    layer = build(name, impl)
    x, again = (torch.randn(2, 48, 24).requires_grad_() for _ in range(2))
    again.data = x.data
    compiled = torch.compile(layer, fullgraph=True, backend=backend_for(name, impl))
    expected, came = layer(x, (6, 8)), compiled(again, (6, 8))
    torch.testing.assert_close(came, expected, rtol=1e-5, atol=1e-6)
    expected.square().sum().backward()
    came.square().sum().backward()
    torch.testing.assert_close(again.grad, x.grad, rtol=1e-4, atol=1e-6)


def test_inside_of_compiled_code_no_other_device_stands_in_for_a_gpu():
    """The operator would walk over blocks on a CPU, which is another implementation."""
    compiled = torch.compile(build("anchor", "triton"), fullgraph=True, backend="aot_eager")
    with pytest.raises(Exception, match="impl 'triton' needs cuda, got cpu"):
        compiled(torch.randn(2, 48, 24), (6, 8))


@pytest.mark.parametrize(("name", "impl"), [case for case in CASES if case[0] not in ONE_SIZE])
def test_in_one_graph_for_inference_at_another_size(name, impl):
    """Each size compiled for itself: with sizes left open, windows take the compiler minutes."""
    layer = build(name, impl).eval()
    compiled = torch.compile(layer, fullgraph=True, dynamic=False, backend="eager")
    with torch.inference_mode():
        layer(torch.randn(2, 48, 24), (6, 8))  # what it keeps is of this size
        x = torch.randn(1, 35, 24)
        torch.testing.assert_close(compiled(x, (5, 7)), layer(x, (5, 7)), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the compiler, about itself
def test_by_torch_s_own_compiler():
    layer = build("window", "sdpa").eval()
    x = torch.randn(2, 48, 24)
    with torch.inference_mode():
        came = torch.compile(layer, fullgraph=True)(x, (6, 8))
        torch.testing.assert_close(came, layer(x, (6, 8)), rtol=1e-5, atol=1e-6)
