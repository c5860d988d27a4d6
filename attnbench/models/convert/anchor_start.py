"""Starts the anchors of a converted layer at cluster centres of the old layer's queries.

AnchorFormer (https://arxiv.org/abs/2505.16463) takes some of the queries as its basic anchors
(section 3.2). Here k-means clusters the queries that the unconverted model computes on a few
images: per head, or of all heads together if the heads share their anchors. A token is then
assigned by how much each cluster of queries attends to it.

Centres of queries give outputs slightly nearer to the original layer's than centres of keys: on a
DeiT of 4 blocks trained on digits, with 30 anchors, the relative error of the first layer is 0.72
against 0.77. Both errors are large, because the swap drops more than a start can restore:
`dense-shared-qk`, which has no anchors, is at 1.08. The accuracy is lost right after the swap.
After a few epochs of fine-tuning, random anchors (the start without data) did no worse, over two
seeds; see `scripts/convert_experiment.py`. If tokens form groups that attend to themselves,
centres are right at once (`tests/models/convert/test_anchor_start.py`).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from attnbench.attention.anchor import AnchorAttention
from attnbench.attention.base import Attention, split_heads
from attnbench.errors import UserError
from attnbench.models.convert.layer_weights import projection
from attnbench.models.convert.timm_attention import Parts

FEW_BATCHES = 4
"""At most this many batches are read."""
TOKENS_A_BATCH = 1024
"""Tokens of each batch that are kept for each layer, drawn at random with a fixed seed."""


def start_anchors(
    model: nn.Module,
    attentions: Mapping[str, nn.Module],
    parts: Mapping[str, Parts],
    layers: Mapping[str, Attention],
    batches: Iterable[Any],
) -> None:
    """Set the anchors of each new layer; on the meta device there is nothing to set.

    Args:
        model: with the old attentions in place.
        attentions: the old attentions, by name.
        parts: their parts, by the same names.
        layers: the new attentions, by the same names.
        batches: of images; see `tokens_seen`.

    Raises:
        UserError: data has no image batches, or too few tokens.
    """
    new = {name: layer for name, layer in layers.items() if isinstance(layer, AnchorAttention)}
    if any(layer.anchors.is_meta for layer in new.values()):
        return
    seen = tokens_seen(model, attentions, batches)
    for name, layer in new.items():
        with torch.no_grad():
            layer.anchors.copy_(_centres(layer, parts[name], seen[name]))


def _centres(
    layer: AnchorAttention, parts: Parts, tokens: Float[Tensor, "points dim"]
) -> Float[Tensor, "sets anchors head_dim"]:
    """Cluster centres of the queries, for each head or for all of them together."""
    queries = split_heads(projection(parts, "q")(tokens[None]), parts.num_heads)[0]
    sets = queries if len(layer.anchors) > 1 else queries.flatten(0, 1)[None]
    return torch.stack([cluster_centres(points, layer.num_anchors) for points in sets])


def tokens_seen(
    model: nn.Module, layers: Mapping[str, nn.Module], batches: Iterable[Any]
) -> dict[str, Float[Tensor, "points dim"]]:
    """A sample of the tokens that enter each layer when the model is called on the images.

    Args:
        model: run in evaluation mode without gradients; its own mode is restored.
        layers: by name.
        batches: of images as the model takes them, or of (images, labels) as loaders give them.

    Raises:
        UserError: there are no batches, or they are no images.
    """
    kept: dict[str, list[Tensor]] = {name: [] for name in layers}
    parameter = next(model.parameters())
    with _watching(layers, kept), _evaluating(model):
        for batch in islice(batches, FEW_BATCHES):
            model(_images_of(batch).to(parameter.device, parameter.dtype))
    if not all(kept.values()):
        raise UserError("data must be an iterable of image batches; got one without any")
    return {name: torch.cat(samples) for name, samples in kept.items()}


def _images_of(batch: Any) -> Tensor:
    images = batch[0] if isinstance(batch, Sequence) and len(batch) else batch
    if not isinstance(images, Tensor) or images.ndim != 4:
        got = f"shape {tuple(images.shape)}" if isinstance(images, Tensor) else type(images)
        raise UserError(
            "data must be an iterable of image batches (batch, channels, height, width), or of "
            f"(images, labels); got a batch of {got}"
        )
    return images


@contextmanager
def _watching(layers: Mapping[str, nn.Module], kept: dict[str, list[Tensor]]) -> Iterator[None]:
    """Sample the inputs of the layers while they are called."""
    generator = torch.Generator().manual_seed(0)

    def keep(name: str, tokens: Tensor) -> None:
        points = tokens.detach().flatten(0, 1)  # (batch × tokens, dim)
        chosen = torch.randperm(len(points), generator=generator)[:TOKENS_A_BATCH]
        kept[name].append(points[chosen.to(points.device)])

    handles = [
        layer.register_forward_pre_hook(lambda _, inputs, name=name: keep(name, inputs[0]))
        for name, layer in layers.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; each module's own mode is restored."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes.items():
            module.training = training


def cluster_centres(points: Float[Tensor, "points dim"], count: int) -> Float[Tensor, "count dim"]:
    """Centres by k-means with a fixed seed.

    Raises:
        UserError: there are fewer points than centres.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    if len(points) < count:
        raise UserError(
            f"{count} anchors need as many tokens to start from, data gave {len(points)}; give "
            "more images, or fewer anchors"
        )
    means = KMeans(n_clusters=count, n_init=1, random_state=0)
    with warnings.catch_warnings():
        # With fewer distinct points than centres some anchors coincide, which is harmless.
        warnings.simplefilter("ignore", ConvergenceWarning)
        means.fit(points.double().cpu().numpy())
    return torch.from_numpy(means.cluster_centers_).to(points)
