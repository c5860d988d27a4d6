"""The table of implementations: a row for each `impl=` name. Loads no torch.

`attnbench.impls` says what a row means.
"""

from attnbench.impls import ANY_KERNEL, Impl

_ALL = ("float32", "bfloat16", "float16")
_HALVES = ("bfloat16", "float16")
_SOFTMAX = "attnbench.kernels.softmax"
_ANCHOR = "attnbench.kernels.anchor"

IMPLS: dict[str, Impl] = {
    row.name: row
    for row in (
        Impl(
            name="reference",
            summary="plain eager code, the oracle",
            fused=False,
            materialises="every intermediate",
            default=True,
        ),
        Impl(
            name="sdpa",
            summary="torch's fused attention, kernel of its choice",
            fused=True,
            default=True,
            sdpa_kernel=ANY_KERNEL,
        ),
        Impl(
            name="sdpa-flash",
            summary="its flash kernel alone",
            fused=True,
            devices=("cpu", "cuda"),
            sdpa_kernel="flash",
            reason=f"{_SOFTMAX}.sdpa:flash_reason",
        ),
        Impl(
            name="sdpa-efficient",
            summary="its memory-efficient kernel alone",
            fused=True,
            devices=("cuda",),
            dtypes=_ALL,
            sdpa_kernel="efficient",
            reason=f"{_SOFTMAX}.sdpa:efficient_reason",
        ),
        Impl(
            name="sdpa-cudnn",
            summary="its cuDNN kernel alone",
            fused=True,
            devices=("cuda",),
            dtypes=_HALVES,
            sdpa_kernel="cudnn",
            reason=f"{_SOFTMAX}.sdpa:cudnn_reason",
        ),
        Impl(
            name="sdpa-math",
            summary="its unfused path alone",
            fused=False,
            materialises="n × n scores",
            sdpa_kernel="math",
        ),
        Impl(
            name="xformers",
            summary="xformers' fused attention",
            fused=True,
            devices=("cuda",),
            dtypes=_ALL,
            reason=f"{_SOFTMAX}.xformers:xformers_reason",
        ),
        Impl(
            name="flex",
            summary="torch's FlexAttention, compiled",
            fused=True,
            devices=("cpu", "cuda"),
            dtypes=_ALL,
            compiled=True,
            reason=f"{_SOFTMAX}.flex:flex_reason",
        ),
        Impl(
            name="folded",
            summary="anchor layer that never forms keys and values",
            fused=False,
            materialises="n × m assignment",
            default=True,
        ),
        Impl(
            name="decomposed",
            summary="relative positions by rows and columns apart",
            fused=False,
            materialises="n × n scores",
            default=True,
        ),
        Impl(
            name="chunked",
            summary="anchor operator in blocks of tokens, for the caches of a CPU",
            fused=True,
            devices=("cpu",),
            reason=f"{_ANCHOR}.operator:reason_against_chunked",
        ),
        Impl(
            name="triton",
            summary="anchor operator in two streaming passes on a GPU",
            fused=True,
            devices=("cuda",),
            dtypes=_ALL,
            reason=f"{_ANCHOR}.operator:reason_against_triton",
        ),
    )
}
