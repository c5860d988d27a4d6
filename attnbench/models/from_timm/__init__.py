"""Every model of timm by name: `timm:NAME` (https://github.com/huggingface/pytorch-image-models).

timm (Apache-2.0) is imported when a name of it is asked for, and never downloads weights.
"""
