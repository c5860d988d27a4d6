"""What people write for a product is counted once for each multiply-add, forward and backward."""

import pytest

from attnbench.profiling.counting.macs import CountError

DENSE = 43_653_120
"""Four projections and two products of 196 tokens, 192 channels."""


@pytest.mark.parametrize("name", ["grouped", "grouped-broadcast"])
def test_grouped_queries_count_for_every_query_head(count, name):
    assert count(name, num_heads=6).numbers == (34_019_328, 3 * 34_019_328)


def test_queries_that_broadcast_over_the_batch_count_for_every_image(count):
    one, two = count("shared-queries"), count("shared-queries", batch=2)
    assert one.macs.products_macs == 196 * (4 * 192**2 + 4 * 16 * 192)
    assert two.numbers == tuple(2 * number for number in one.numbers)


def test_grouped_convolutions_count_their_groups_backward_too(count):
    assert count("convolutions").numbers == (7_639_296, 22_917_888)


def test_frozen_torch_attention_takes_no_short_cut(count):
    found = count("torch-frozen")
    assert (found.macs.products_macs, found.params) == (DENSE, 148_224)
    # No gradients of weights: those of the input and of the two products alone.
    assert found.macs.training_macs == DENSE + 28_901_376 + 2 * 14_751_744


def test_a_projection_under_two_names_has_its_weights_once_and_each_call(count):
    found = count("one-projection")
    assert (found.macs.products_macs, found.params) == (DENSE, 37_056)


def test_a_dense_einsum_may_have_its_ellipsis_anywhere(count):
    assert count("einsum-of-two").numbers == (DENSE, 3 * DENSE)


def test_an_einsum_of_three_is_refused_with_advice(count):
    with pytest.raises(CountError, match=r"three operands.* write as products of two"):
        count("einsum-of-three")


def test_gradients_of_frozen_weights_are_not_counted(count):
    assert count("low-rank").numbers == (44_857_344, 112_896_000)


@pytest.mark.parametrize(
    ("name", "batch", "macs"),
    [("low-rank", 2, 89_714_688), ("low-rank-merged", 1, 44_537_856),
     ("low-rank-merged", 2, 88_190_976)],
)  # fmt: skip
def test_weights_are_merged_once_a_call(count, name, batch, macs):
    assert count(name, batch=batch).macs.products_macs == macs


def test_a_complex_product_is_four_real_ones(count):
    macs = 4 * 196 * 192**2
    assert count("complex").numbers == (macs, 3 * macs)


@pytest.mark.parametrize("name", ["recomputed", "recomputed-in-training"])
def test_recomputed_work_stands_beside_the_rest(count, name):
    found = count(name)
    assert found.numbers == (DENSE, 130_959_360)
    assert found.macs.recomputed_macs == 7_375_872  # it stops early: the last product is not needed
    assert "training recomputes 7,375,872 MACs more" in found.notes[-1]


@pytest.mark.parametrize("name", ["recomputed-reentrant", "recomputed-reentrant-in-training"])
def test_reentrant_checkpoints_recompute_all_of_it(count, name):
    found = count(name)
    assert found.numbers == (DENSE, 130_959_360)
    assert found.macs.recomputed_macs == 14_751_744


def test_where_fvcore_cannot_trace_the_others_decide_and_the_record_says_so(count):
    note, _ = count("recomputed-reentrant").notes
    assert note.startswith("MACs by torch's counter and the closed form: fvcore")


def test_recurrent_layers_are_counted_step_by_step(count):
    found = count("recurrent", grid=(2, 3), dim=24)
    assert found.macs.products_macs == 6 * 8 * 24**2
    assert "fvcore has no formula for aten::lstm" in found.notes[0]
