"""What every command leads to in every phase, and every offer command in every situation of offers, as text.

`python -m tests.domain.intake.application_table` writes it; the test beside it compares it with `.txt`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from domain.intake.application.commands import (
    AcceptOffer,
    CancelOffer,
    CompleteHumanReview,
    CompleteWork,
    CreateOffer,
    DeclineOffer,
    PresentOffer,
    RecordOfferReturned,
    SelectOffer,
    StartWork,
)
from domain.intake.application.events import HumanReviewRequested, WorkScheduled
from domain.intake.application.state import ApplicationPhase
from domain.kernel.command import Command
from domain.kernel.event import Event, type_of
from domain.kernel.refusal import Refusal
from tests.domain import cases

_OFFERED = (cases.FINALISED, cases.SELECTED, cases.CREATED)

PREPARED: dict[type[Command], tuple[Event, ...]] = {
    CompleteHumanReview: (HumanReviewRequested(),),
    CreateOffer: (cases.FINALISED, cases.SELECTED),
    PresentOffer: _OFFERED,
    RecordOfferReturned: (*_OFFERED, cases.PRESENTED),
    AcceptOffer: (*_OFFERED, cases.PRESENTED),
    CancelOffer: _OFFERED,
    DeclineOffer: (*_OFFERED, cases.PRESENTED),
    StartWork: (WorkScheduled(lane="Validate application"),),
    CompleteWork: (WorkScheduled(lane="Validate application"),),
}
"""What must have happened beside the phase for a command to be possible at all."""

SITUATIONS: dict[str, tuple[Event, ...]] = {
    "none": (cases.FINALISED,),
    "selected": (cases.FINALISED, cases.SELECTED),
    "created": _OFFERED,
    "presented": (*_OFFERED, cases.PRESENTED),
    "returned": (*_OFFERED, cases.PRESENTED, cases.RETURNED),
    "created+selected": (*_OFFERED, cases.SECOND),
    "presented+selected": (*_OFFERED, cases.PRESENTED, cases.SECOND),
    "returned+selected": (*_OFFERED, cases.PRESENTED, cases.RETURNED, cases.SECOND),
}
OFFER_COMMANDS = (
    SelectOffer(),
    CreateOffer(),
    PresentOffer(),
    RecordOfferReturned(),
    AcceptOffer(),
    CancelOffer(),
    DeclineOffer(),
)


def outcome(command: Command, *events: Event) -> str:
    """The types of the events that follow, or the code of the refusal behind a cross."""
    answer = cases.given(*events).when(command).answer
    if isinstance(answer, Refusal):
        return f"✗ {answer.code.removeprefix('application.')}"
    return "→ " + " ".join(type_of(event).removeprefix("application.") for event in answer)


def phase_outcomes(command: Command) -> Iterator[tuple[str, str]]:
    """`(phase, outcome)` for every phase."""
    for phase, history in cases.HISTORIES.items():
        prepared = PREPARED.get(type(command), ()) if phase is not ApplicationPhase.ABSENT else ()
        yield phase.value, outcome(command, *history, *prepared)


def offer_outcomes(command: Command, *, approved: bool) -> Iterator[tuple[str, str]]:
    """`(situation, outcome)` for every situation of offers, before or after approval."""
    history = (*cases.TO_APPROVED,) if approved else cases.TO_REFERRED
    for situation, events in SITUATIONS.items():
        yield situation, outcome(command, *history, *events)


def table() -> str:
    """The whole table: for each command its outcomes, and for each outcome where it is the one."""
    parts = ["Every command in every phase\n"]
    parts += [_block(type(command).__name__, phase_outcomes(command)) for command in cases.SAMPLES]
    for title, approved in (("referred", False), ("approved", True)):
        parts.append(f"Every offer command in every situation of offers, while {title}\n")
        parts += [
            _block(type(command).__name__, offer_outcomes(command, approved=approved)) for command in OFFER_COMMANDS
        ]
    return "\n".join(parts)


def _block(title: str, outcomes: Iterator[tuple[str, str]]) -> str:
    where: dict[str, list[str]] = {}
    for place, result in outcomes:
        where.setdefault(result, []).append(place)
    ordered = sorted(where, key=lambda result: result.startswith("✗"))
    return "".join([f"{title}\n", *(f"  {result:<33} {' '.join(where[result])}\n" for result in ordered)])


if __name__ == "__main__":
    sys.stdout.write(table())
