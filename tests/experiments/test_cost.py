from dataclasses import replace

import torch

from attnbench.benchmark.runner import open_record
from attnbench.experiments.cost import trained_cost, with_recomputing
from attnbench.profiling.counting.macs import count_macs
from attnbench.spec import Protocol

CPU = torch.device("cpu")


def test_what_is_timed_is_the_trained_module_in_evaluation_mode(experiment):
    made = experiment(options={"attention": "anchor"})
    model = made.build().train()
    model.stages[0].eval()  # a frozen part
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    calls = []
    model.register_forward_pre_hook(
        lambda module, _: calls.append(module.training) if module is model else None
    )
    record = trained_cost(model, made.workload, CPU)
    assert record.status == "ok"
    assert len(calls) > len(record.latency.samples_s)
    assert not any(calls)
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


def test_the_training_mode_is_restored_after_a_failure(experiment, monkeypatch):
    def fail(*args, built, **options):
        built[0].eval()
        raise KeyboardInterrupt

    monkeypatch.setattr("attnbench.experiments.cost.profile", fail)
    made = experiment()
    model = made.build().train()
    try:
        trained_cost(model, made.workload, CPU)
    except KeyboardInterrupt:
        assert all(module.training for module in model.modules())


def test_a_module_that_fails_is_a_record_with_the_reason(experiment):
    made = experiment()
    model = made.build()
    model.head = torch.nn.Linear(1, 1)
    record = trained_cost(model, made.workload, CPU)
    assert record.status == "failed"
    assert "mat1 and mat2" in record.reason


def test_missing_resident_memory_is_noted_with_the_reason(experiment):
    made = experiment()
    record = trained_cost(made.build(), made.workload, CPU)
    assert "no resident memory: not asked here" in record.notes


def test_what_training_computes_again_is_told_beside_its_macs(experiment):
    made = experiment()
    model, images = made.build().eval(), torch.zeros(1, 3, 16, 16)
    plain = count_macs(model, [images])
    cost = replace(open_record(made.workload, Protocol(), CPU), macs=plain)
    told = with_recomputing(cost, made.build)
    calls = []
    for stage in model.stages:
        for block in stage.blocks:
            block.register_forward_pre_hook(lambda module, given: calls.append((module, given)))
    model(images)
    # A block is computed again up to its last product, whose result no gradient needs.
    expected = sum(
        count_macs(block, given[:1], given[1:]).products_macs
        - given[0].shape[1] * block.mlp.fc2.weight.numel()
        for block, given in list(calls)
    )
    assert told.macs == replace(plain, recomputed_macs=expected)
    assert expected > 0
    assert any("training recomputes" in note for note in told.notes)
