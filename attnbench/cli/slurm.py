"""The place of a process among those that one `srun` of Slurm has started."""

from __future__ import annotations

import re
from collections.abc import Mapping

from attnbench.bounds import number_in, shortened
from attnbench.errors import UserError
from attnbench.together import Place

FIRST_PORT, PORTS = 20_000, 10_000
"""Where the processes of a job meet: jobs next to one another have ports of their own."""
_FIRST_HOST = re.compile(r"([^\[\],]+)(?:\[(\w+)[^\]]*\]([^,]*))?")


def place_in_step(environment: Mapping[str, str]) -> Place:
    """What Slurm's variables say; alone where the step has a single task.

    Raises:
        UserError: a variable is missing, or is no number.
    """
    size = variable(environment, "SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", otherwise=1)
    if size < 2:
        return Place()
    return Place(
        rank=variable(environment, "SLURM_PROCID"), size=size,
        local_rank=variable(environment, "SLURM_LOCALID"), local_size=_local_size(environment),
        sees_one_gpu=True,
    )  # fmt: skip


def torchs_variables(place: Place, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables by which torch finds the others; those of the user win.

    Raises:
        UserError: Slurm does not say on which machines the processes are.
    """
    found = {"RANK": str(place.rank), "WORLD_SIZE": str(place.size)}
    if not environment.get("MASTER_ADDR"):
        hosts = environment.get("SLURM_STEP_NODELIST") or environment.get("SLURM_JOB_NODELIST", "")
        found["MASTER_ADDR"] = first_host(hosts)
    if not environment.get("MASTER_PORT"):
        job = variable(environment, "SLURM_JOB_ID")
        found["MASTER_PORT"] = str(FIRST_PORT + job % PORTS)
    return found


def first_host(hosts: str) -> str:
    """The first machine of a list as Slurm writes it, such as "gpu[03-05,9],login1".

    Raises:
        UserError: the text is none.
    """
    match = _FIRST_HOST.match(hosts)
    if match is None:
        raise UserError(
            f"the variable SLURM_JOB_NODELIST expected names of machines, got {shortened(hosts)}; "
            "set MASTER_ADDR to that of the first process"
        )
    start, number, end = match.groups()
    return start + (number or "") + (end or "")


def _local_size(environment: Mapping[str, str]) -> int:
    """Tasks on this machine, from a text such as "4(x2),3": four on two machines, three on one."""
    per_node = ("SLURM_STEP_TASKS_PER_NODE", "SLURM_TASKS_PER_NODE")
    text = next((environment[name] for name in per_node if environment.get(name)), "")
    counts: list[int] = []
    for tasks, times in re.findall(r"([0-9]+)(?:\(x([0-9]+)\))?", text):
        counts += [int(tasks)] * min(int(times or 1), 2**16)
    node = variable(environment, "SLURM_NODEID", otherwise=0)
    return counts[node] if node < len(counts) else variable(environment, "SLURM_LOCALID") + 1


def variable(environment: Mapping[str, str], *names: str, otherwise: int | None = None) -> int:
    """The whole number of the first of some variables that is there.

    Args:
        environment: the variables.
        names: of which one is looked for.
        otherwise: what it is where none is there; None refuses that.

    Raises:
        UserError: it is no number, or none is there.
    """
    name = next((name for name in names if environment.get(name)), None)
    if name is None and otherwise is not None:
        return otherwise
    text = environment[name] if name else ""
    value = number_in(text)
    if not isinstance(value, int) or value < 0:
        raise UserError(
            f"the variable {name or names[0]} expected a whole number, got {shortened(text)}; "
            "start the processes with torchrun, srun or --nproc"
        )
    return value
