"""Sparsifiner, Combiner and ClusterFormer equal plain forms, alone, in DeiT and in training."""

import pytest
import torch
from model_counts import size_by_torch
from torch.nn import functional as F

from attnbench.attention.factory import attention_class, create_attention
from attnbench.errors import UserError
from attnbench.models.factory import create_model
from attnbench.spec import Recipe, Workload
from attnbench.tasks.classification.task import Classification
from attnbench.training.auxiliary import collected_losses

DIM, HEADS, WIDTH = 12, 2, 6


def layer(name, **options):
    torch.manual_seed(0)
    built = create_attention(name, DIM, HEADS, **options).double()
    for parameter in built.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return built


def heads_of(attention, x):
    return (t.unflatten(-1, (HEADS, WIDTH)).transpose(1, 2) for t in attention.qkv(x).chunk(3, -1))


def projected(attention, mixed):
    return attention.proj(mixed.transpose(1, 2).flatten(2))


@pytest.mark.parametrize(
    ("name", "params", "giga_macs"),
    # DeiT's parameters and those of the mechanism, with 1000 classes; products at 224 px.
    [
        ("sparsifiner-deit-t", 5_919_016, 1.342),
        ("sparsifiner-deit-s", 22_252_264, 4.775),
        ("sparsifiner-deit-b", 86_769_256, 17.916),
        ("combiner-deit-t", 5_708_200, 1.103),
        ("clusterformer-deit-t", 5_717_416 + 12 * (192**2 + 8 * 192), 1.135),
    ],
)
def test_a_model_has_the_published_size(name, params, giga_macs):
    assert size_by_torch(create_model, name) == (params, pytest.approx(giga_macs, abs=2e-3))


@pytest.mark.parametrize("num_prefix_tokens", [0, 2])
@pytest.mark.parametrize("grid", [(3, 5), (1, 4), (4, 1)])
def test_combiner_is_one_softmax_over_a_row_and_summaries(grid, num_prefix_tokens):
    p = num_prefix_tokens
    attention = layer("combiner", num_prefix_tokens=p)
    x = torch.randn(2, p + grid[0] * grid[1], DIM, dtype=torch.float64)
    query, key, value = heads_of(attention, x)
    query = query / WIDTH**0.5
    spans = [slice(p + r * grid[1], p + (r + 1) * grid[1]) for r in range(grid[0])]
    summary_keys = [key[:, :, span].amax(2) for span in spans]
    summary_values = [
        ((query[:, :, s].amax(2)[:, :, None] @ key[:, :, s].transpose(-2, -1)).softmax(-1)
         @ value[:, :, s])[:, :, 0]
        for s in spans
    ]  # fmt: skip
    mixed = (query @ key.transpose(-2, -1)).softmax(-1) @ value  # of the class tokens
    for n in range(p, x.shape[1]):
        row = (n - p) // grid[1]
        others = [r for r in range(grid[0]) if r != row]
        keys = [
            key[:, :, :p],
            key[:, :, spans[row]],
            *(summary_keys[r][:, :, None] for r in others),
        ]
        values = [
            value[:, :, :p], value[:, :, spans[row]],
            *(summary_values[r][:, :, None] for r in others),
        ]  # fmt: skip
        scores = query[:, :, n, None] @ torch.cat(keys, 2).transpose(-2, -1)
        mixed[:, :, n] = (scores.softmax(-1) @ torch.cat(values, 2))[:, :, 0]
    torch.testing.assert_close(attention(x, grid), projected(attention, mixed))


def test_sparsifiner_attends_to_the_largest_of_its_guess():
    attention = layer("sparsifiner", table_side=4, keep=0.3, num_prefix_tokens=1)
    x = torch.randn(2, 17, DIM, dtype=torch.float64)
    query, key, value = heads_of(attention, x)
    few = attention.compress(attention.down_k(key).transpose(-2, -1)).transpose(-2, -1)
    share = (attention.down_q(query) @ few.transpose(-2, -1) / HEADS**0.5).softmax(-1)
    assert share.shape[-1] == 2, "a sixth of the tokens, all of them kept"
    basis = attention.basis * (attention.basis.abs() >= 0.02)
    guess = share @ basis
    least = guess.sort(descending=True).values[..., 5, None]  # ⌈0.3 · 17⌉ are kept
    kept = guess >= least
    kept[:, :, 0] = True
    scores = (query @ key.transpose(-2, -1) / WIDTH**0.5).masked_fill(~kept, float("-inf"))
    torch.testing.assert_close(
        attention(x, (4, 4)), projected(attention, scores.softmax(-1) @ value)
    )


@pytest.mark.parametrize(
    ("name", "options"), [("sparsifiner", {"keep": 1.0}), ("clusterformer", {"num_clusters": 1})]
)
def test_without_a_choice_it_is_dense(name, options):
    attention = layer(name, **options)
    dense = create_attention("dense", DIM, HEADS).double()
    dense.load_state_dict(attention.state_dict(), strict=False)
    x = torch.randn(2, 15, DIM, dtype=torch.float64)
    torch.testing.assert_close(attention(x, (3, 5)), dense(x, (3, 5)))


@pytest.mark.parametrize(("tokens", "clusters"), [(15, 4), (16, 4), (7, 6), (5, 9)])
def test_clusters_are_blocks_of_sorted_tokens(tokens, clusters):
    attention = layer("clusterformer", num_clusters=clusters)
    x = torch.randn(1, tokens, DIM, dtype=torch.float64)
    seeking = attention.centroids @ attention.to_token.weight.T
    moved = (seeking @ x[0].T / DIM**0.5).softmax(-1) @ x[0]
    cluster = F.cosine_similarity(moved[:, None], x, dim=-1).argmax(0)
    order = sorted(range(tokens), key=lambda n: (int(cluster[n]), n))
    width = -(-tokens // clusters)
    blocks = [order[start : start + width] for start in range(0, tokens, width)]
    query, key, value = heads_of(attention, x)
    mixed = torch.empty_like(value)
    for index, block in enumerate(blocks):
        seen = sorted({*block, *blocks[(index + 1) % len(blocks)]})
        scores = query[:, :, block] @ key[:, :, seen].transpose(-2, -1) / WIDTH**0.5
        mixed[:, :, block] = scores.softmax(-1) @ value[:, :, seen]
    torch.testing.assert_close(attention(x, (1, tokens)), projected(attention, mixed))


def test_losses_are_collected_in_training_alone():
    model = create_model("clusterformer-deit-t", 5, 32)
    del model.blocks[2:]
    images = torch.randn(2, 3, 32, 32)
    with collected_losses(model) as auxiliary:
        logits = model(images)
    model(images)
    assert len(auxiliary) == len(model.blocks)
    assert all(block.attn.auxiliary_losses is None for block in model.blocks)
    loss = Classification().loss(
        model, logits, torch.tensor([1, 2]), Recipe(data="", img_size=(32, 32), epochs=1)
    )
    loss.backward(retain_graph=True)
    centroids = model.blocks[0].attn.centroids
    assert centroids.grad is None, "the order of the tokens has no gradient"
    sum(auxiliary).backward()
    assert centroids.grad.abs().sum() > 0


def test_its_losses_teach_sparsifiner_what_dense_attention_sees():
    attention = layer("sparsifiner", table_side=4).float()
    x = torch.randn(4, 16, DIM)
    guessing = [*attention.down_q.parameters(), *attention.down_k.parameters(),
                *attention.compress.parameters(), attention.basis]  # fmt: skip
    optimizer = torch.optim.Adam(guessing, lr=0.03)
    seen = []
    for _ in range(40):
        with collected_losses(attention) as auxiliary:
            attention(x, (4, 4))
        optimizer.zero_grad()
        auxiliary[0].backward()
        optimizer.step()
        seen.append(auxiliary[0].item())
    assert seen[-1] < seen[0] / 3


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"keep": 0.0}, "keep must be above 0 and at most 1, got 0.0"),
        ({"table_side": 0}, "table_side must be at least 1, got 0"),
    ],
)
def test_options_out_of_range_are_refused_by_name(options, reason):
    with pytest.raises(UserError, match=reason):
        create_attention("sparsifiner", DIM, HEADS, **options)


def test_more_clusters_than_tokens_are_refused_before_any_work():
    workload = Workload(attention="clusterformer", grid=(4, 4), options={"num_clusters": 17})
    reason = attention_class("clusterformer").unsupported(workload)
    assert reason == "num_clusters must be at most the 16 tokens, got 17"
