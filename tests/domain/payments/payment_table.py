"""What every command leads to in every phase of a payment, as text.

`python -m tests.domain.payments.payment_table` writes it; the test beside it compares it with `payment_table.txt`.
"""

from __future__ import annotations

import sys

from domain.kernel.command import Command
from domain.kernel.event import type_of
from domain.kernel.refusal import Refusal
from domain.payments.payment.state import PaymentPhase
from tests.domain.payments import cases


def outcome(command: Command, phase: PaymentPhase) -> str:
    """The types of the events that follow, or the code of the refusal behind a cross."""
    answer = cases.given(*cases.HISTORIES[phase]).when(command).answer
    if isinstance(answer, Refusal):
        return f"✗ {answer.code.removeprefix('payment.')}"
    told = []
    for event in answer:
        reason = getattr(event, "reason", "") if "ignored" in type_of(event) else ""
        told.append(type_of(event).removeprefix("payment.") + (f"({reason})" if reason else ""))
    return "→ " + " ".join(told)


def table() -> str:
    """The whole table: for each command its outcomes, and for each outcome where it is the one."""
    named = {type(command).__name__: command for command in cases.SAMPLES} | cases.VARIANTS
    return "Every command in every phase of a payment\n\n" + "\n".join(
        _block(name, command) for name, command in named.items()
    )


def _block(title: str, command: Command) -> str:
    where: dict[str, list[str]] = {}
    for phase in cases.HISTORIES:
        where.setdefault(outcome(command, phase), []).append(phase.value)
    ordered = sorted(where, key=lambda result: result.startswith("✗"))
    return "".join([f"{title}\n", *(f"  {result}\n      {' '.join(where[result])}\n" for result in ordered)])


if __name__ == "__main__":
    sys.stdout.write(table())
