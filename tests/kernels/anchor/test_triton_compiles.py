"""The Triton kernels are compiled for GPUs that are not there: Triton brings all it takes.

Shared memory is counted then: more than the smallest of the GPUs has, and a launch would fail.
"""

import pytest

from attnbench.kernels.anchor.triton_support import padded, tiling

triton = pytest.importorskip("triton")
from triton import language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from attnbench.kernels.anchor import triton_backward as triton_anchor_backward
from attnbench.kernels.anchor import triton_forward as triton_anchor_forward

SHARED_BYTES = {80: 99 * 1024, 90: 227 * 1024}
"""Of a block of threads: for 8.x the least of that family, 8.6 and 8.9."""
TYPES = {"fp16": (tl.float16, 2), "bf16": (tl.bfloat16, 2), "fp32": (tl.float32, 4)}
IN_DTYPE = {"key", "value", "grad_out", "anchors", "out", "grad_key", "grad_value"}
IN_FLOAT32 = {
    "means", "inverse", "sums", "masses", "collected_grad", "degree_grad", "anchor_grads",
}  # fmt: skip
KERNELS = {
    "whole": (triton_anchor_forward._whole, False),
    "collect": (triton_anchor_forward._collect, False),
    "finish": (triton_anchor_forward._finish, False),
    "distribute": (triton_anchor_forward._distribute, False),
    "whole gradients": (triton_anchor_backward._whole_gradients, True),
    "collect gradients": (triton_anchor_forward._collect, True),
    "finish gradients": (triton_anchor_backward._finish_gradients, True),
    "differentiate": (triton_anchor_backward._differentiate, True),
}


def sizes(tiles, num_anchors, head_dim, dtype):
    return {
        "ANCHORS": num_anchors, "PADDED": padded(num_anchors), "HEAD_DIM": head_dim,
        "PADDED_DIM": padded(head_dim), "CHUNK": tiles.chunk, "BLOCK": tiles.block,
        "DTYPE": dtype, "OPERANDS": dtype, "HEADS": 6, "LEAST": 1e-12, "TURN": 32,
    }  # fmt: skip


def compiled(kernel, tiles, name, constants, capability):
    """The kernel as a launch with contiguous channels and aligned tensors has it compiled."""
    signature, known, aligned = {}, {}, {}
    for place, argument in enumerate(kernel.arg_names):
        if argument in constants or argument.endswith("_channel"):
            signature[argument] = "constexpr"
            known[place,] = constants.get(argument, 1)
        elif argument in IN_DTYPE | IN_FLOAT32:
            signature[argument] = f"*{name}" if argument in IN_DTYPE else "*fp32"
            aligned[place,] = [["tt.divisibility", 16]]
        else:
            signature[argument] = "fp32" if argument in ("scale", "factor") else "i32"
    source = ASTSource(fn=kernel, signature=signature, constexprs=known, attrs=aligned)
    options = {
        "num_warps": tiles.warps, "num_stages": tiles.stages, "enable_fp_fusion": True,
    }  # fmt: skip
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)


def check(kernel, name, num_anchors, head_dim, capability):
    function, backward = KERNELS[kernel]
    dtype, itemsize = TYPES[name]
    tiles = tiling(padded(num_anchors), padded(head_dim), itemsize, backward=backward)
    if "whole" in kernel and tiles.chunk < padded(head_dim):
        return  # never launched so
    constants = sizes(tiles, num_anchors, head_dim, dtype)
    binary = compiled(function, tiles, name, constants, capability)
    assert binary.asm["cubin"]
    assert binary.metadata.shared <= SHARED_BYTES[capability]


@pytest.fixture(autouse=True)
def own_cache(monkeypatch, tmp_path):
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))


@pytest.mark.parametrize("kernel", ["whole", "finish"])
def test_compiles_for_hopper(kernel):
    check(kernel, "bf16", 30, 64, 90)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "num_anchors", "head_dim", "capability"),
    # The largest where memory is least, in both widths of a number; the others in one, in turn.
    [
        ("bf16", 30, 64, 80), ("fp32", 30, 100, 90), ("fp32", 100, 64, 80),
        ("bf16", 256, 128, 80), ("fp32", 256, 128, 80), ("bf16", 256, 128, 90),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel_fits(kernel, name, num_anchors, head_dim, capability):
    check(kernel, name, num_anchors, head_dim, capability)
