"""Print more facts about each latency, one paragraph per cell: a table would be too wide."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch

from attnbench.analysis.limits.launches import launches_text
from attnbench.analysis.limits.roofline import Ceilings, Placement
from attnbench.analysis.naming import name_of
from attnbench.analysis.quotable import POOR
from attnbench.analysis.remeasure import advice, cell_of, model_command
from attnbench.cli.show.screen import Screen
from attnbench.records import Ceiling, CostRecord, LayerRecord, Memory, ModelRecord
from attnbench.records.latency import Latency
from attnbench.records.median import percentile
from attnbench.spec import AnyWorkload, Workload
from attnbench.units import format_bytes, format_count, format_joules, format_rate, format_seconds

SHARES = (0.5, 0.9, 0.99)


def print_details(
    records: Sequence[CostRecord], screen: Screen, ceilings: Iterable[Ceiling] = ()
) -> None:
    """Print percentiles, throughput, first call, host, kernel, cache, memory, energy and limit.

    Args:
        records: the cells; those without a latency are left out.
        screen: where to print.
        ceilings: the measured limits of this machine, if any.
    """
    screen.say(("in detail", "bold"), gap=True)
    limits = Ceilings(ceilings)
    for record in records:
        if record.latency is not None:
            facts = [*facts_of(record), *_limit(record, limits)]
            screen.say(f"{name_of(record.workload)}: {'; '.join(facts)}")
    if not any(_limit(record, limits) for record in records):
        screen.say("run `attnbench ceilings` once to see how close each comes to its limit")


def _limit(record: CostRecord, limits: Ceilings) -> list[str]:
    """The share of the machine's limit and the bottleneck; empty if unknown."""
    found = limits.place(record)
    if found.poor:
        return [f"share of the limit: {POOR} ({_run_for(found.poor, record)})"]
    bound = _bound_text(record, found)
    if found.percent_of_limit is None:
        return [bound] if bound else []
    share = f"{found.percent_of_limit:.0%} of the limit of this machine"
    return [share, bound] if bound else [share]


def _bound_text(record: CostRecord, found: Placement) -> str:
    if found.bound_by in ("", "unexplained"):
        return ""
    if found.bound_by == "launch" and record.operators and found.launch_each_s is not None:
        return f"launch-bound: {launches_text(record.operators, found.launch_each_s)}"
    return f"bound by {found.bound_by}"


def _run_for(poor: str, record: CostRecord) -> str:
    """What to run where the cell's latency, or a limit of its machine, is graded C."""
    if poor == "limit":
        return f"run `attnbench ceilings --dtype {record.workload.dtype} --force`"
    if isinstance(record, ModelRecord):
        return f"run `{model_command(record)}`"
    return advice([cell_of(record)]) if isinstance(record, LayerRecord) else "graded C"


def facts_of(record: CostRecord) -> list[str]:
    """The facts about a cell with a latency, one text each."""
    assert record.latency is not None
    facts = [_spread(record.latency), _throughput(record), _host(record.latency)]
    if record.first_call_s is not None:
        facts.append(f"first call {format_seconds(record.first_call_s)}")
    facts.append(f"{format_count(record.operators)} operators" if record.operators else "")
    facts.append(record.latency.cache and f"{record.latency.cache} cache")
    facts.append(record.backend and f"kernel {record.backend}")
    facts += _memory(record.memory) if record.memory else []
    if record.code_path:
        facts.append(f"code path of {record.code_path}")
    facts.append(_energy(record))
    return [fact for fact in facts if fact]


def _spread(latency: Latency) -> str:
    values = [
        f"p{100 * share:.0f} {format_seconds(percentile(latency.samples_s, share))}"
        for share in SHARES
    ]
    return f"{', '.join(values)} of {len(latency.samples_s)} samples"


def _throughput(record: CostRecord) -> str:
    assert record.latency is not None
    seconds, workload = record.latency.median_s, record.workload
    rate = format_rate(workload.batch / seconds).replace("/s", " images/s")
    return f"{rate} at batch {workload.batch}{_per_token(workload, seconds)}"


@singledispatch
def _per_token(workload: AnyWorkload, seconds: float) -> str:
    """The time per token, for workloads that count tokens."""
    return ""


@_per_token.register
def _(workload: Workload, seconds: float) -> str:
    return f", {format_seconds(seconds / (workload.batch * workload.num_tokens))} per token"


def _host(latency: Latency) -> str:
    if latency.host_s is None:
        return ""
    bound = " (launch-bound)" if latency.is_launch_bound else ""
    return f"launched by the host in {format_seconds(latency.host_s)}{bound}"


def _memory(memory: Memory) -> list[str]:
    """What is to know of memory besides its peak."""
    facts = []
    if memory.reserved_net_bytes is not None:
        facts.append(f"{format_bytes(memory.reserved_net_bytes)} reserved")
    if memory.kept_bytes:
        facts.append(f"{format_bytes(memory.kept_bytes)} kept between calls")
    if memory.outside_bytes:
        facts.append(f"{format_bytes(memory.outside_bytes)} outside of torch's allocator")
    elif memory.outside_bytes is None and memory.kept_bytes is not None:  # not an older record
        facts.append("memory outside of torch's allocator is not seen here")
    return facts


def _energy(record: CostRecord) -> str:
    if record.energy is None:
        return ""
    joules = record.energy.per_call_j
    if joules is None:
        return f"energy {record.energy.status}: {record.energy.reason}"
    return f"{format_joules(joules)} per call ({record.energy.meter})"
