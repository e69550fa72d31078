"""What every command leads to in every phase, as text that a person can read and agree to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from domain.kernel.command import Command
from domain.kernel.event import Event, type_of
from domain.kernel.refusal import Refusal
from tests.given import Given

WIDTH = 44


def outcome(given: Given[Any], command: Command) -> str:
    """The types of the events that follow, or the code of the refusal behind a cross."""
    answer = given.when(command).answer
    if isinstance(answer, Refusal):
        return f"✗ {answer.code.partition('.')[2]}"
    return "→ " + " ".join(type_of(event).partition(".")[2] for event in answer)


def table(
    given: Callable[..., Given[Any]],
    samples: Sequence[Command],
    histories: Mapping[str, tuple[Event, ...]],
    prepared: Mapping[type[Command], tuple[Event, ...]],
) -> str:
    """For each command its outcomes, and for each outcome the phases where it is the one.

    `prepared` is what must have happened beside the phase for a command to be possible at all.
    """
    parts = []
    for command in samples:
        where: dict[str, list[str]] = {}
        for phase, history in histories.items():
            more = prepared.get(type(command), ()) if history else ()
            where.setdefault(outcome(given(*history, *more), command), []).append(phase)
        ordered = sorted(where, key=lambda result: result.startswith("✗"))
        lines = [f"  {result:<{WIDTH}} {' '.join(where[result])}\n" for result in ordered]
        parts.append("".join([f"{type(command).__name__}\n", *lines]))
    return "\n".join(parts)
