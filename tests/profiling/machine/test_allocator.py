"""The allocator's settings, as a record names them."""

import pytest
import torch

from attnbench.profiling.machine.allocator import allocator_settings
from attnbench.profiling.machine.environment import describe_environment

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(
    ("variables", "settings"),
    [
        ({}, ""),
        ({"PYTORCH_CUDA_ALLOC_CONF": "expandable_segments:True"}, "expandable_segments:True"),
        ({"PYTORCH_ALLOC_CONF": "b:2 , a:1"}, "a:1, b:2"),
        ({"PYTORCH_CUDA_ALLOC_CONF": ""}, ""),
        ({"PYTORCH_NO_CUDA_MEMORY_CACHING": "1"}, "no caching"),
        ({"MALLOC_ARENA_MAX": "2"}, ""),  # of the host
    ],
)
def test_on_a_gpu_they_are_those_of_torch(variables, settings):
    assert allocator_settings(CUDA, variables) == settings


@pytest.mark.parametrize(
    ("variables", "settings"),
    [
        ({"PATH": "/bin", "PYTORCH_CUDA_ALLOC_CONF": "a:1"}, ""),
        ({"MALLOC_ARENA_MAX": "2", "MALLOC_CONF": "x"}, "MALLOC_ARENA_MAX=2; MALLOC_CONF=x"),
        ({"LD_PRELOAD": "/a/libjemalloc.so.2:/b/libfoo.so"}, "LD_PRELOAD=libjemalloc.so.2"),
        ({"LD_PRELOAD": "/b/libfoo.so"}, ""),
        (
            {"GLIBC_TUNABLES": "glibc.malloc.arena_max=1:glibc.rtld.nns=2"},
            "GLIBC_TUNABLES=glibc.malloc.arena_max=1",
        ),
        ({"THP_MEM_ALLOC_ENABLE": "1"}, "THP_MEM_ALLOC_ENABLE=1"),
    ],
)
def test_on_a_cpu_they_are_those_of_the_c_library_and_its_substitutes(variables, settings):
    assert allocator_settings(CPU, variables) == settings


def test_numbers_under_other_settings_are_of_other_conditions(monkeypatch):
    plain = describe_environment(CPU)
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    changed = describe_environment(CPU)
    assert changed.allocator == "MALLOC_ARENA_MAX=1"
    assert changed.conditions != plain.conditions
