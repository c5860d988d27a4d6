"""Operators of torch that are known to be free of multiply-accumulates.

Names are those of `operators.family_of`. Elementwise operators and views are left out here: torch
itself marks them as such.
"""

from __future__ import annotations

NORMS = frozenset({"layer_norm", "batch_norm", "group_norm", "instance_norm"})
"""fvcore counts these at 4-5 operations an element; they are no MACs and are listed apart."""

INTERPOLATIONS = frozenset(
    {"adaptive_avg_pool2d", "grid_sampler", "upsample_bilinear2d", "upsample_nearest2d"}
)
"""fvcore counts these at 1-4 operations an element; they are no matrix products."""

_REDUCTIONS = """
    all amax amin aminmax any argmax argmin cosine_similarity count_nonzero cummax cummin cumprod
    cumsum diff dist linalg_vector_norm log_softmax logcumsumexp logsumexp masked_softmax mean
    median mode nanmean nanmedian nansum norm norm_except_dim pairwise_distance prod safe_softmax
    softmax softmin std std_mean sum sum_to_size trace trapezoid var var_mean weight_norm
    weight_norm_interface
"""
_ORDER = """
    argsort bincount bucketize histc isin kthvalue msort multinomial searchsorted sort topk
    quantile unique unique2 unique_consecutive unique_dim
"""
_INDEXING = """
    argwhere diagonal_scatter embedding embedding_dense gather index index_add
    index_copy index_fill index_put index_put_impl index_reduce index_select masked_scatter
    masked_select nonzero nonzero_static put scatter scatter_add scatter_reduce select_scatter
    slice_scatter take take_along_dim
"""
_MAKING = """
    arange bernoulli blackman_window empty empty_like empty_permuted
    empty_strided exponential eye fill full full_like hamming_window hann_window kaiser_window
    linspace logspace new_empty new_empty_strided new_full new_ones new_zeros normal
    normal_functional one_hot ones ones_like poisson rand rand_like randint randint_like randn
    randn_like random randperm scalar_tensor tensor tril_indices triu_indices uniform vander zero
    zeros zeros_like
"""
_COPIES = """
    as_strided_scatter block_diag cat channel_shuffle clone col2im column_stack complex concat
    concatenate constant_pad_nd copy diag diag_embed diagflat dstack flip fliplr flipud fold hstack
    im2col lift_fresh lift_fresh_copy meshgrid pad pixel_shuffle pixel_unshuffle polar
    reflection_pad1d reflection_pad2d reflection_pad3d repeat repeat_interleave replication_pad1d
    replication_pad2d replication_pad3d resize roll rot90 set stack tile to_copy tril triu
    unfold vstack
"""
_LAYERS = """
    adaptive_avg_pool1d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d
    adaptive_max_pool3d alpha_dropout avg_pool1d avg_pool2d avg_pool3d batch_norm_legit
    batch_norm_legit_functional batch_norm_legit_no_training batch_norm_impl_index cross
    cross_entropy_loss dropout feature_alpha_dropout feature_dropout fractional_max_pool2d
    fractional_max_pool3d fused_dropout fused_rms_norm glu
    grid_sampler_2d grid_sampler_3d hardswish kl_div l1_loss linalg_cross log_sigmoid
    log_sigmoid_forward max_pool1d max_pool1d_with_indices max_pool2d max_pool2d_with_indices
    max_pool3d max_pool3d_with_indices max_unpool2d max_unpool3d mse_loss nll_loss nll_loss_forward
    prelu prelu_kernel renorm rms_norm rrelu_with_noise rrelu_with_noise_functional smooth_l1_loss
    thnn_fused_gru_cell thnn_fused_lstm_cell upsample_bicubic2d upsample_bicubic2d_aa
    upsample_bilinear2d_aa upsample_lanczos2d_aa upsample_linear1d upsample_nearest1d
    upsample_nearest3d upsample_nearest_exact1d upsample_nearest_exact2d upsample_nearest_exact3d
    upsample_trilinear3d
"""
_LAYOUTS = """
    coalesce to_dense to_sparse to_sparse_bsc to_sparse_bsr to_sparse_csc to_sparse_csr
"""
_OUTER_PRODUCTS = "addr ger outer kron cartesian_prod"
"""Each element of the result is one product; nothing is accumulated."""
_NUMBERS = """
    allclose assert_async conj_physical dequantize empty_affine_quantized
    empty_per_channel_affine_quantized equal fake_quantize_per_channel_affine
    fake_quantize_per_channel_affine_cachemask fake_quantize_per_tensor_affine
    fake_quantize_per_tensor_affine_cachemask
    fake_quantize_per_tensor_affine_cachemask_tensor_qparams choose_qparams_per_tensor
    functional_assert_async has_same_storage_numel int_repr is_all_true is_any_true is_same_size
    isclose item linalg_check_errors local_scalar_dense q_per_channel_scales
    q_per_channel_zero_points quantize_per_channel quantize_per_tensor quantize_per_tensor_dynamic
"""
"""Reading, rounding and comparing of numbers."""

WITHOUT_MACS = (
    NORMS
    | INTERPOLATIONS
    | frozenset(
        f"{_REDUCTIONS} {_ORDER} {_INDEXING} {_MAKING} {_COPIES} {_LAYERS} {_OUTER_PRODUCTS} "
        f"{_NUMBERS} {_LAYOUTS}".split()
    )
)
"""Reductions, copies, indexing: they take time but no multiply-accumulates."""
