"""What every command leads to in every phase, and in every situation of a running lease, as text.

`python -m tests.domain.leasing.lease_table` writes it; the test beside it compares it with `lease_table.txt`. The
commands come two hundred days after the start.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from domain.kernel.command import Command
from domain.kernel.event import type_of
from domain.kernel.refusal import Refusal
from tests.domain.leasing import cases

NOW = 200


def outcome(past: tuple[cases.Step, ...], command: Command) -> str:
    """The types of the events that follow, or the code of the refusal behind a cross."""
    answer = cases.given(*cases.history(*past)).when(command, business_date=cases.day(NOW)).answer
    if isinstance(answer, Refusal):
        return f"✗ {answer.code.removeprefix('lease.')}"
    names = [type_of(event).removeprefix("lease.").removesuffix(".v1") for event in answer]
    return "→ " + " ".join(_counted(names))


def _counted(names: list[str]) -> Iterator[str]:
    for name in dict.fromkeys(names):
        count = names.count(name)
        yield name if count == 1 else f"{count}×{name}"


def table() -> str:
    """For each command its outcomes, and for each outcome where it is the one."""
    phases = [(phase.value, past) for phase, past in cases.PASTS.items()]
    parts = ["Every command in every phase\n", *(_block(command, phases) for command in cases.SAMPLES)]
    parts.append("Every command in every situation\n")
    parts += [_block(command, cases.SITUATIONS.items()) for command in cases.SAMPLES]
    return "\n".join(parts)


def _block(command: Command, pasts: Iterable[tuple[str, tuple[cases.Step, ...]]]) -> str:
    where: dict[str, list[str]] = {}
    for name, past in pasts:
        where.setdefault(outcome(past, command), []).append(name)
    ordered = sorted(where, key=lambda result: result.startswith("✗"))
    lines = [f"{type(command).__name__}\n", *(f"  {result:<52} {' '.join(where[result])}\n" for result in ordered)]
    return "".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table())
