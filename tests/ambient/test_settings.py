"""Every setting of the process can be read, is named when it changes, and is put back."""

import gc
import os
import sys
import time
import tracemalloc

import pytest
import torch

from attnbench.ambient.functions import Functions
from attnbench.ambient.settings import Settings

CHANGES = {
    "torch.get_num_threads()": lambda: torch.set_num_threads(2),
    "flushing of denormals": lambda: torch.set_flush_denormal(True),
    "default dtype": lambda: torch.set_default_dtype(torch.float64),
    "default device": lambda: torch.set_default_device("meta"),
    "number of torch function modes": lambda: torch.device("meta").__enter__(),
    "torch.get_float32_matmul_precision()": lambda: torch.set_float32_matmul_precision("high"),
    "precision of cuda conv": lambda: setattr(torch.backends.cudnn.conv, "fp32_precision", "ieee"),
    "precision of mkldnn matmul": lambda: setattr(
        torch.backends.mkldnn.matmul, "fp32_precision", "bf16"
    ),
    "torch.backends.cudnn.benchmark ": lambda: setattr(torch.backends.cudnn, "benchmark", True),
    "torch.backends.mkldnn.enabled": lambda: setattr(torch.backends.mkldnn, "enabled", False),
    "allow_bf16_reduced": lambda: setattr(
        torch.backends.cuda.matmul, "allow_bf16_reduced_precision_reduction", False
    ),
    "flash kernel": lambda: torch.backends.cuda.enable_flash_sdp(False),
    "autograd from True": lambda: torch.set_grad_enabled(False),
    "search for anomalies": lambda: torch.autograd.set_detect_anomaly(True),
    "deterministic algorithms": lambda: torch.use_deterministic_algorithms(True, warn_only=True),
    "autocast on cpu from False": lambda: torch.set_autocast_enabled("cpu", True),
    "dtype of autocast on cpu": lambda: torch.set_autocast_dtype("cpu", torch.float16),
    "hooks of every module": lambda: torch.nn.modules.module.register_module_forward_hook(print),
    "gc.isenabled()": gc.disable,
    "gc.get_threshold()": lambda: gc.set_threshold(1, 1, 1),
    "sys.getswitchinterval()": lambda: sys.setswitchinterval(0.5),
    "the working folder": lambda: os.chdir(os.sep),
    "tracemalloc": tracemalloc.start,
    "variable OMP_NUM_THREADS": lambda: os.environ.update(OMP_NUM_THREADS="7"),
    "variable KMP_BLOCKTIME": lambda: os.environ.update(KMP_BLOCKTIME="0"),
    "the cores of this process": lambda: os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_named_and_put_back(name):
    if name == "the cores of this process" and len(os.sched_getaffinity(0)) == 1:
        pytest.skip("this process has one core")
    settings = Settings()
    CHANGES[name]()
    texts = settings.put_back()
    assert any(name in text for text in texts), texts
    assert settings.put_back() == []


def test_without_a_change_there_is_nothing_to_say():
    assert Settings().put_back() == []


@pytest.mark.parametrize(
    ("place", "name"),
    [(time, "perf_counter"), (gc, "collect"), (torch, "equal"), (torch.Tensor, "copy_"),
     (torch.Tensor, "shape"), (torch.cuda, "Event"), (torch.nn.Module, "__call__")],
)  # fmt: skip
def test_a_function_that_was_replaced_is_named_and_put_back(place, name):
    functions, was = Functions(), getattr(place, name)
    setattr(place, name, lambda *arguments: None)
    (text,) = functions.put_back()
    assert text.endswith(f".{name}")
    assert getattr(place, name) is was
    assert functions.put_back() == []
