"""The recorded conditions, and requests for missing devices."""

import pytest
import torch

from attnbench.errors import UserError
from attnbench.profiling.machine.environment import choose_device, describe_environment


def test_every_field_but_cuda_is_filled_on_the_cpu():
    environment = describe_environment(torch.device("cpu"))
    assert environment.device == "cpu"
    assert environment.cuda == ""
    assert environment.device_name
    assert environment.torch == torch.__version__
    assert environment.threads == torch.get_num_threads()


def test_the_code_that_is_measured_belongs_to_the_environment():
    assert describe_environment(torch.device("cpu"), "abc").code == "abc"


@pytest.mark.parametrize(
    "name", ["tpu", "mps", "cuda:x", "", "cpu:9", "cpu:0", "meta", "cuda:-1", "x" * 999]
)
def test_other_devices_are_refused(name):
    with pytest.raises(UserError, match="--device must be auto, cpu or cuda"):
        choose_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_without_a_gpu_is_refused_and_auto_is_the_cpu():
    with pytest.raises(UserError, match="sees no CUDA GPU here; use --device cpu"):
        choose_device("cuda")
    assert choose_device("auto").type == "cpu"
