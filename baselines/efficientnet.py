"""EfficientNet-B0 to B5: the reference without attention, made of convolutions.

The published input size grows with the model (224 to 456 px), and the printed multiply-accumulates
with it. Names with `tf_` have the authors' weights. For them timm pads as TensorFlow does, which
changes neither parameters nor multiply-accumulates.
"""

from baselines.system import Source, timm_systems

SYSTEMS = timm_systems(
    {f"timm-efficientnet-b{size}": f"tf_efficientnet_b{size}.in1k" for size in range(6)},
    family="convolution",
    source=Source(
        paper="Tan and Le 2019, EfficientNet",
        link="https://arxiv.org/abs/1905.11946",
        code="https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet",
        licence="Apache-2.0",
    ),
)
