"""Random histories of a few applications: random commands, of which the aggregate's own rules let some through."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import UUID

from hypothesis import strategies as st

from domain.intake.application.commands import DraftApplication, ScheduleWork, StartWork
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationState
from domain.kernel.command import Command
from domain.kernel.event import without_personal
from domain.kernel.refusal import Refusal
from tests.domain.cases import SAMPLES
from tests.given import context
from tests.projections.accounting.book_keeping import START, Happening, stream

STREAMS = 4
_LANES = ("Validate application", "Call the dealer")
_COMMANDS: tuple[Command, ...] = (
    *SAMPLES,
    *(make(lane=lane) for make in (ScheduleWork, StartWork) for lane in _LANES),
)


def happenings_of(wishes: list[tuple[int, int, int]]) -> list[Happening]:
    """What the aggregate made of (stream, command, seconds later); refused wishes leave nothing."""
    states: dict[int, ApplicationState] = dict.fromkeys(range(STREAMS), APPLICATION.initial)
    now, happened = START, list[Happening]()
    for of, wish, seconds in wishes:
        now += timedelta(seconds=seconds)
        # A case that does not exist yet refuses everything but its draft; most of a history would be refusals.
        command = SAMPLES[0] if states[of] == APPLICATION.initial else _COMMANDS[wish]
        assert states[of] != APPLICATION.initial or isinstance(command, DraftApplication)
        answer = APPLICATION.decide(command, states[of], context(now=now))
        if isinstance(answer, Refusal):
            continue
        for event in map(without_personal, answer):
            states[of] = APPLICATION.evolve(states[of], event)
            happened.append((stream(of), now, event))
    return happened


def states_of(happened: list[Happening]) -> dict[UUID, ApplicationState]:
    """What the aggregate itself says about each stream."""
    states: dict[UUID, ApplicationState] = {}
    for of, _, event in happened:
        states[of] = APPLICATION.evolve(states.get(of, APPLICATION.initial), event)
    return states


_wish = st.tuples(st.integers(0, STREAMS - 1), st.integers(0, len(_COMMANDS) - 1), st.integers(0, 1_000))
histories = partial(st.builds, happenings_of, st.lists(_wish, max_size=80))
"""Strategy: the events of up to 80 wishes about `STREAMS` applications, in ledger order."""
