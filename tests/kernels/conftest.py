"""Inputs as a layer hands them over, and Triton's kernels where they can run.

On a GPU they are compiled, on the CPU interpreted.

Triton reads TRITON_INTERPRET when a kernel is decorated, and some of its own functions are
decorated when Triton is imported, which any other test of this process may have done. So kernels
are interpreted in a process of their own, where the variable is set from the start.
"""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

import pytest
import torch


@pytest.fixture
def heads_of():
    """Makes keys and values as views of one projection, and anchors; float64 unless told."""

    def make(batch, heads, tokens, head_dim, anchors, sets=1, dtype=torch.float64):
        both = torch.randn(batch, tokens, 2 * heads * head_dim, dtype=dtype)
        key, value = (
            half.unflatten(-1, (heads, head_dim)).transpose(1, 2) for half in both.chunk(2, -1)
        )
        return key, value, torch.randn(sets, anchors, head_dim, dtype=dtype)

    return make


@pytest.fixture(scope="session")
def interpreted():
    """Calls an importable function in a process that interprets kernels: `(function, *args)`."""
    triton = pytest.importorskip("triton")
    numpy = pytest.importorskip("numpy")
    if (
        triton.__version__.startswith("3.6")
        and numpy.lib.NumpyVersion(numpy.__version__) >= "2.4.0"
    ):
        pytest.skip("the interpreter of Triton 3.6 cannot loop with numpy 2.4 or newer")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TRITON_INTERPRET", "1")
            assert pool.submit(int, "1").result() == 1  # the process starts, and takes it along
        yield lambda function, *args: pool.submit(function, *args).result()


@pytest.fixture(params=["interpreted", pytest.param("cuda", marks=pytest.mark.gpu)])
def run(request):
    """Calls a launcher with tensors of the CPU; what comes back is on the CPU again."""
    if request.param == "cuda":
        return _on_cuda
    return request.getfixturevalue("interpreted")


def _on_cuda(function, *args):
    moved = (_to_cuda(arg) if isinstance(arg, torch.Tensor) else arg for arg in args)
    return tuple(result.cpu() for result in function(*moved))


def _to_cuda(tensor):
    """The same view of the same storage, as `.cuda()` would make expanded tensors whole."""
    storage = torch.empty(0, dtype=tensor.dtype).set_(tensor.untyped_storage())
    return storage.cuda().as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())
