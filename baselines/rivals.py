"""Other people's mechanisms, as rows of the registry. Loads no torch.

Those that open a family of their own have their file in `attnbench/attention/`.
"""

from attnbench.registry import Entry, SweepOption

MECHANISMS: tuple[Entry, ...] = (
    Entry(
        kind="attention",
        name="agent",
        target="baselines.agent:AgentAttention",
        family="latent",
        cost="O(n a²)",
        paper="Han et al. 2024, Agent Attention",
        link="https://arxiv.org/abs/2312.08874",
        summary="softmax(Q Gᵀ) softmax(G Kᵀ) V + conv(V), agents G = pooled Q",
        sweepable=(SweepOption(name="agents_side", default=7),),
    ),
    Entry(
        kind="attention",
        name="performer",
        target="baselines.performer:PerformerAttention",
        family="linear",
        cost="O(n m)",
        paper="Choromanski et al. 2021, Performer",
        link="https://arxiv.org/abs/2009.14794",
        summary="φ(Q) (φ(K)ᵀ V), rows divided by their sum; φ = m random exponentials",
        sweepable=(SweepOption(name="num_features", default=64),),
    ),
    Entry(
        kind="attention",
        name="nystrom",
        target="baselines.nystrom:NystromAttention",
        family="low-rank",
        cost="O(n m)",
        paper="Xiong et al. 2021, Nyströmformer",
        link="https://arxiv.org/abs/2102.03902",
        summary="softmax(Q K̃ᵀ) softmax(Q̃ K̃ᵀ)⁺ softmax(Q̃ Kᵀ) V, m landmarks Q̃ and K̃",
        sweepable=(SweepOption(name="num_landmarks", default=32),),
    ),
    Entry(
        kind="attention",
        name="pooled",
        target="baselines.pooled:PooledAttention",
        family="sparse",
        cost="O(n² / r²)",
        paper="Fan et al. 2021, MViT",
        link="https://arxiv.org/abs/2104.11227",
        summary="softmax(Q P(K)ᵀ) P(V) + Q, P = a strided depthwise convolution",
        sweepable=(SweepOption(name="stride", default=4),),
    ),
    Entry(
        kind="attention",
        name="focused-linear",
        target="baselines.focused_linear:FocusedLinearAttention",
        family="linear",
        cost="O(n d)",
        paper="Han et al. 2023, FLatten",
        link="https://arxiv.org/abs/2308.00442",
        summary="φ(Q) (φ(K)ᵀ V) / sum + conv(V), φ = relu³ at its length",
        sweepable=(SweepOption(name="power", default=3.0, least=1),),
    ),
    Entry(
        kind="attention",
        name="msla",
        target="baselines.msla:MultiScaleLinearAttention",
        family="linear",
        cost="O(n d)",
        paper="Cai et al. 2023, EfficientViT",
        link="https://arxiv.org/abs/2205.14756",
        summary="relu(Q) (relu(K)ᵀ V) / sum, of tokens and of their 5 × 5 surroundings",
    ),
)
