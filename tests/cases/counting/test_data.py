"""Counts that shapes do not give: work that depends on values, late weights, packed weights."""

import pytest

from attnbench.benchmark import counts
from attnbench.benchmark.runner import profile
from attnbench.profiling.counting.macs import CountError
from attnbench.spec import Protocol

DENSE = 43_653_120
QUICK = Protocol(warmup_s=0, min_samples=6, precision=10, time_budget_s=0.1)


@pytest.mark.parametrize(
    ("name", "reader", "bound"),
    [("pruned", "nonzero", 36_427_776), ("masked", "a mask", 7_225_344)],
)
def test_work_that_depends_on_the_data_has_a_bound_and_a_mean(count, name, reader, bound):
    found = count(name)
    assert found.macs.products_macs == bound
    assert 0 < found.macs.average_macs == found.macs.performed_macs < bound
    assert found.macs.training_macs is None
    (note,) = found.notes
    assert note.startswith(f"the count depends on the data ({reader}): ")
    assert "on average over 4 random normal inputs" in note
    assert f"at most {bound:,} by the closed form; the latency holds for such inputs alone" in note


def test_an_exit_that_is_never_taken_still_depends_on_the_data(count):
    found = count("leaves-early")
    assert found.macs.average_macs == found.macs.products_macs == DENSE
    assert f"the count depends on the data (item): {DENSE:,} MACs for each of 4" in found.notes[0]


def test_a_closed_form_below_the_count_of_an_input_is_no_bound(count):
    with pytest.raises(CountError, match=r"disagree: torch's counter [\d,]+ for one of 4 inputs"):
        count("masked-boastful")


def test_reading_a_weight_makes_no_count_depend_on_the_data(count):
    found = count("reads-a-weight")
    assert found.numbers == (DENSE, 3 * DENSE)
    (note,) = found.notes
    assert note.startswith("counted with data, on the CPU: without data RuntimeError")


def test_what_is_too_large_to_be_counted_with_data_is_refused(count, monkeypatch):
    with pytest.raises(CountError, match=r"depends on the data.*at most 10,000,000,000, got"):
        count("pruned", grid=(80, 80))
    monkeypatch.setattr(counts, "MOST_ELEMENTS", 1000)
    with pytest.raises(
        CountError, match="at most 1,000, got 37,632 elements of input; measure fewer"
    ):
        count("pruned")


def test_a_cell_whose_count_depends_on_the_data_is_measured(count):
    (record,) = profile([count("pruned").workload], QUICK)
    assert record.status == "ok"
    assert record.latency is not None


@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [("lazy", 148_224, DENSE), ("lazy-by-hand", 192**2, 196 * 192**2)],
)
@pytest.mark.parametrize("mode", ["forward", "train"])
def test_weights_made_at_the_first_call_are_counted_and_measured(count, name, params, macs, mode):
    found = count(name, mode=mode)
    assert (found.params, *found.numbers) == (params, macs, 3 * macs)
    (record,) = profile([found.workload], QUICK)
    assert (record.status, record.reason) == ("ok", "")  # the twin has the same weights


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:.*quantize:UserWarning")
def test_packed_weights_are_parameters_and_their_products_are_counted(count):
    found = count("int8-packed")
    assert (found.params, *found.numbers) == (148_224, DENSE, None)
    text = "; ".join(found.notes)
    assert "quantised: params include 148,224 elements of packed tensors" in text
    assert "quantised: 28,901,376 of the MACs (linear_dynamic)" in text


def test_quantised_weights_in_buffers_are_no_silent_zero(count):
    found = count("int8-buffer", grid=(8, 8))
    assert (found.params, found.macs.products_macs) == (0, 64 * 192**2)
    assert "quantised: params leave out 36,864 elements of one byte in buffers" in found.notes
    assert f"quantised: {64 * 192**2:,} of the MACs (_int_mm)" in found.notes


def test_work_outside_of_torch_is_said(count):
    found = count("by-numpy")
    assert found.macs.products_macs == 196 * 192**2
    text = "; ".join(found.notes)
    assert "the count depends on the data (numpy)" in text
    assert "work on values that left torch is not counted" in text


def test_tokens_that_are_chosen_at_random_depend_on_the_data(count):
    found = count("random-tokens")
    assert 0 < found.macs.average_macs < found.macs.products_macs == 196 * 192**2


def test_a_sparse_product_is_refused_by_that_word(count):
    with pytest.raises(CountError, match="sparse_coo tensor: its work depends on the elements"):
        count("sparse-product")
