"""Equality of machines, and of conditions (machine and software)."""

from dataclasses import fields, replace

import pytest

from attnbench.records import Environment

HERE = Environment(
    device="cpu", device_name="Test CPU", threads=2, torch="2.15.0", cuda="", python="3.12",
    platform="Linux x86_64", attnbench="0.1.0", code="abc",
)  # fmt: skip
MACHINE = ("device", "device_name", "threads", "platform")
SOFTWARE = ("torch", "cuda", "float32_matmul", "wait_policy", "pinned", "allocator")
NEITHER = ("python", "attnbench", "code")


def changed(name):
    value = getattr(HERE, name)
    return replace(HERE, **{name: value + 1 if isinstance(value, int) else f"other {value}"})


def test_every_field_is_of_the_machine_of_the_software_or_of_neither():
    assert {field.name for field in fields(Environment)} == {*MACHINE, *SOFTWARE, *NEITHER}


@pytest.mark.parametrize("name", MACHINE)
def test_another_machine_has_other_conditions_too(name):
    assert changed(name).machine != HERE.machine
    assert changed(name).conditions != HERE.conditions


@pytest.mark.parametrize("name", SOFTWARE)
def test_other_software_on_the_same_machine_is_other_conditions(name):
    assert changed(name).machine == HERE.machine
    assert changed(name).conditions != HERE.conditions


@pytest.mark.parametrize("name", NEITHER)
def test_python_and_our_own_code_are_neither(name):
    assert changed(name).machine == HERE.machine
    assert changed(name).conditions == HERE.conditions


def test_the_label_counts_threads_on_the_cpu_only():
    assert HERE.label == "Test CPU, 2 threads, torch 2.15.0"
    assert replace(HERE, threads=1).label == "Test CPU, 1 thread, torch 2.15.0"
    assert "thread" not in replace(HERE, device="cuda").label


def test_the_label_names_what_the_user_set():
    usual = HERE.label
    for changes, text in (
        ({"float32_matmul": "high"}, "float32 products high"),
        ({"pinned": 1}, "pinned to 1 core"),
        ({"pinned": 2}, "pinned to 2 cores"),
        ({"allocator": "expandable_segments:True"}, "allocator expandable_segments:True"),
    ):
        assert replace(HERE, **changes).label == f"{usual}, {text}"
