"""`torch.compile` compiles every trunk as one graph."""

import pytest
import torch

from attnbench import create_model


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("name", ["anchorformer-t", "deit-t"])
def test_in_one_graph_with_gradients(name):
    model = create_model(name, num_classes=10, img_size=64)
    for stage in getattr(model, "stages", [model]):  # each stage with its first block
        del stage.blocks[1:]
    x = torch.randn(2, 3, 64, 64)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x), model(x), rtol=1e-4, atol=1e-5)
    compiled(x).square().sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
