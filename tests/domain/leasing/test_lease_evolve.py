"""`evolve` judges nothing: any event of the aggregate moves any state on by one, in whatever order."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from domain.kernel.command import Command
from domain.kernel.decider import DECIDERS
from domain.kernel.event import EVENT_TYPES, Event
from domain.leasing.lease.events.lifecycle import ScheduleReplayed
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import LeasePhase, LeaseState
from tests.domain.leasing import cases
from tests.given import CONTEXT
from tests.history.golden import event_of, lines_of

EVENTS: list[Event] = [event_of(line) for line in lines_of("lease_v1.jsonl")]


class Painted(Event, frozen=True):
    """An event of nobody."""


class Paint(Command, frozen=True):
    """A command to nobody."""


def test_every_event_type_evolves() -> None:
    mine = {cls for name, cls in EVENT_TYPES.items() if name.startswith(f"{LEASE.name}.")}
    assert set(LEASE.events) == mine


@pytest.mark.parametrize("phase", LeasePhase)
def test_every_event_moves_every_state_on_by_one(phase: LeasePhase) -> None:
    state = cases.state_of(cases.history(*cases.PASTS[phase]))
    for event in EVENTS:
        assert LEASE.evolve(state, event).version == state.version + 1


def test_others_are_a_mistake_of_the_program() -> None:
    with pytest.raises(TypeError, match="expected an event of the aggregate lease, got Painted"):
        LEASE.evolve(LEASE.initial, Painted())
    with pytest.raises(TypeError, match="expected a command to the aggregate lease, got Paint"):
        LEASE.decide(Paint(), LEASE.initial, CONTEXT)


def test_a_lease_is_registered_and_its_state_a_value() -> None:
    assert DECIDERS["lease"] is LEASE
    past = cases.history(*cases.DISPOSED)
    assert cases.state_of(past) == cases.state_of(past) != LeaseState()


def test_the_mark_of_a_replay_is_the_digest_of_the_balances_it_came_to() -> None:
    """Whoever replays the stream can compute it again."""
    past = cases.history(*cases.BILLED, cases.pay(1, 50_000, 50), cases.pay(2, 56_000, 52, worth=31))
    (mark,) = [event for event in past if isinstance(event, ScheduleReplayed)]
    balances = msgspec.json.encode(cases.state_of(past).balances, order="sorted")
    assert mark.digest == hashlib.sha256(balances).hexdigest()


def test_receipts_remember_what_became_of_payments() -> None:
    state = cases.state_of(cases.history(*cases.RECOVERED))
    assert [(known.recovery, known.reversed) for known in state.receipts] == [(True, False)]
    assert state.receipt(cases.PAYMENT) is None
