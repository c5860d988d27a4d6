"""The mechanisms compared: one file and one row in this table each.

Rows name their classes by import string, so that listing them loads no torch.
"""

from attnbench.registry import Entry, SweepOption

MECHANISMS: tuple[Entry, ...] = (
    Entry(
        kind="attention",
        name="dense",
        target="attnbench.attention.dense:DenseAttention",
        family="dense",
        cost="O(n²)",
        paper="Vaswani et al. 2017, Attention Is All You Need",
        link="https://arxiv.org/abs/1706.03762",
        summary="softmax attention of every token to every token; the yardstick",
    ),
    Entry(
        kind="attention",
        name="dense-shared-qk",
        target="attnbench.attention.dense:SharedQKAttention",
        family="dense",
        cost="O(n²)",
        summary="dense with queries and keys from one projection; the control for `anchor`",
    ),
    Entry(
        kind="attention",
        name="window",
        target="attnbench.attention.window:WindowAttention",
        family="window",
        cost="O(n w²)",
        paper="Liu et al. 2021, Swin Transformer",
        link="https://arxiv.org/abs/2103.14030",
        summary="softmax attention inside (shifted) windows of w × w tokens",
        sweepable=(SweepOption(name="window_size", default=7),),
    ),
    Entry(
        kind="attention",
        name="sparse",
        target="attnbench.attention.sparse:SpatialReductionAttention",
        family="sparse",
        cost="O(n² / r²)",
        paper="Wang et al. 2021, Pyramid Vision Transformer",
        link="https://arxiv.org/abs/2102.12122",
        summary="every token attends to a map reduced r × r by a strided convolution",
        sweepable=(SweepOption(name="sr_ratio", default=8),),
    ),
    Entry(
        kind="attention",
        name="anchor",
        target="attnbench.attention.anchor:AnchorAttention",
        family="anchor",
        cost="O(n m)",
        paper="AnchorFormer 2025, section 3.3",
        link="https://arxiv.org/abs/2505.16463",
        summary="a Markov step token → m learned anchors → token",
        sweepable=(SweepOption(name="num_anchors", default=30),),
    ),
    Entry(
        kind="attention",
        name="anchor-select",
        target="attnbench.attention.anchor_select:AnchorSelectAttention",
        family="anchor",
        cost="O(n m)",
        paper="AnchorFormer 2025, section 3.2",
        link="https://arxiv.org/abs/2505.16463",
        summary="the same step with m of the queries as anchors",
        sweepable=(
            SweepOption(name="num_anchors", default=30),
            SweepOption(name="refine", default=0, least=0),
        ),
    ),
    Entry(
        kind="attention",
        name="manhattan",
        target="attnbench.attention.manhattan:ManhattanAttention",
        family="manhattan",
        cost="O(n²)",
        paper="Fan et al. 2024, RMT",
        link="https://arxiv.org/abs/2309.11523",
        summary="dense with scores that fall with the distance on the grid",
    ),
    Entry(
        kind="attention",
        name="manhattan-decomposed",
        target="attnbench.attention.manhattan:DecomposedManhattanAttention",
        family="manhattan",
        cost="O(n √n)",
        paper="Fan et al. 2024, RMT",
        link="https://arxiv.org/abs/2309.11523",
        summary="the same along each row, then along each column",
    ),
)
