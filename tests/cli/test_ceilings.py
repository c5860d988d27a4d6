"""`attnbench ceilings` end to end, on small matrices."""

import pytest

from attnbench.profiling.machine import ceilings
from attnbench.records import store
from attnbench.spec import Protocol


@pytest.fixture
def run(attnbench, monkeypatch):
    """Runs `attnbench ceilings`; returns exit code, standard output and standard error."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(ceilings, "MATMUL_SIDES", {"cpu": (16, 32)})
    monkeypatch.setattr(ceilings, "COPY_BYTES", (1024, 4096))
    quick = Protocol(warmup_s=0, min_samples=6, precision=10, time_budget_s=0.1)
    monkeypatch.setattr(ceilings, "PROTOCOL", quick)
    return lambda *arguments: attnbench("ceilings", "--device", "cpu", *arguments)


@pytest.fixture
def stored(tmp_path):
    return lambda: store.read(tmp_path / "results/runs/ceilings.jsonl").ceilings


def test_the_limits_are_printed_and_stored(run, stored):
    code, out, err = run()
    assert (code, err) == (0, "")
    found = stored()
    assert [(c.operation, c.size) for c in found] == [
        ("matmul", 16), ("matmul", 32), ("copy", 1024), ("copy", 4096), ("launch", 100),
    ]  # fmt: skip
    assert {c.dtype for c in found} == {"float32"}
    for text in ("Limits for float32", "32³", "4.00 KiB", "100 in a row", "GMACs/s", "GiB/s"):
        assert text in out
    assert "…" not in out
    assert max(map(len, out.splitlines()[:-1])) <= 80  # the last line ends with a path


def test_what_is_known_of_this_machine_is_not_measured_again(run, stored):
    run()
    code, out, _ = run("--dtype", "float32,bfloat16")
    assert code == 0
    assert "float32: already measured at" in out
    assert "Limits for float32" in out  # shown all the same
    assert [c.dtype for c in stored()] == ["float32"] * 5 + ["bfloat16"] * 5
    run("--force")
    assert len(stored()) == 15


def test_what_was_interrupted_is_measured_whole(run, stored, tmp_path):
    run()
    file = tmp_path / "results/runs/ceilings.jsonl"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    _, out, _ = run()
    assert "already measured" not in out
    assert len(stored()) == 4 + 5


def test_a_dtype_that_cannot_be_is_told_and_the_others_go_on(run, stored, monkeypatch):
    matmul = ceilings._matmul

    def refuse(left, right):
        if str(left.dtype) == "torch.float16":
            raise NotImplementedError("mm is not implemented for 'Half'\nand so on")
        return matmul(left, right)

    monkeypatch.setattr(ceilings, "_matmul", refuse)
    code, out, _ = run("--dtype", "float16,float32")
    assert code == 0
    assert "float16: not measured on cpu: mm is not implemented for 'Half'\n" in out
    assert {c.dtype for c in stored()} == {"float32"}
    code, out, _ = run("--dtype", "float16", "--out", "other.jsonl")
    assert code == 0
    assert "Stored in" not in out


@pytest.mark.parametrize("text", ["float31", "float32,int8", ","])
def test_an_unknown_dtype_is_refused(run, text, tmp_path):
    code, _, err = run("--dtype", text)
    assert code == 2
    bad = text.strip(",").rpartition(",")[2]
    assert f"--dtype must be one of float32, bfloat16, float16; got {bad!r}" in err
    assert list(tmp_path.iterdir()) == []


def test_a_missing_gpu_is_the_users_to_know(run, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    code, _, err = run("--device", "cuda")
    assert code == 2
    assert "sees no CUDA GPU here" in err
