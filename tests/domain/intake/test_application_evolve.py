"""`evolve` judges nothing: any event of the aggregate moves any state on by one, in whatever order."""

from __future__ import annotations

import pytest

from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase, ApplicationState
from domain.kernel.event import EVENT_TYPES, Event
from tests.domain import cases
from tests.history.golden import event_of, lines_of

EVENTS: list[Event] = [event_of(line) for line in lines_of("application_v1.jsonl")]


def test_every_event_type_evolves() -> None:
    mine = {cls for name, cls in EVENT_TYPES.items() if name.startswith(f"{APPLICATION.name}.")}
    assert set(APPLICATION.events) == mine


@pytest.mark.parametrize("phase", ApplicationPhase)
def test_every_event_moves_every_state_on_by_one(phase: ApplicationPhase) -> None:
    state = cases.given(*cases.HISTORIES[phase]).state
    for event in EVENTS:
        assert APPLICATION.evolve(state, event).version == state.version + 1


def test_state_is_a_value() -> None:
    """The same past gives an equal state, and looking at it changes nothing."""
    past = cases.HISTORIES[ApplicationPhase.COMPLETED]
    one, other = cases.given(*past).state, cases.given(*past).state
    assert one == other
    one.step_states().clear()
    assert one == other != ApplicationState()
