"""A ledger says what it is for: once, in the words of a log's name, and for ever."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import msgspec
import pytest

from domain.access.ledger import (
    AHEAD_OF_CLOCK,
    LEDGER,
    OPEN_ALREADY,
    LedgerOpened,
    LedgerOpenedForDemonstration,
    LedgerState,
    OpenLedger,
    OpenLedgerForDemonstration,
    ledger_stream,
    may_end,
)
from domain.kernel.command import Command
from domain.kernel.event import Event, validate
from domain.kernel.refusal import Refusal
from tests.given import CONTEXT, given

OPEN = OpenLedgerForDemonstration(origin="ledger.example/shard-0", scenario="two_leases.1")
OTHER = UUID(int=9)
TODAY, TOMORROW = date(2026, 3, 2), date(2026, 3, 3)


def opened() -> LedgerOpenedForDemonstration:
    events = LEDGER.decide(OPEN, LEDGER.initial, CONTEXT)
    assert not isinstance(events, Refusal)
    (event,) = events
    assert isinstance(event, LedgerOpenedForDemonstration)
    return event


def test_the_owner_is_the_tenant_that_opens() -> None:
    assert (opened().owner, opened().origin) == (CONTEXT.tenant, OPEN.origin)


def test_an_ordinary_ledger_has_an_origin_and_an_owner_and_no_leave_to_run_ahead() -> None:
    event = LedgerOpened(origin=OPEN.origin, owner=CONTEXT.tenant)
    given(LEDGER).when(OpenLedger(origin=OPEN.origin)).then(event)
    state = LEDGER.evolve(LEDGER.initial, event)
    assert (state.origin, state.owner, state.demonstration) == (OPEN.origin, CONTEXT.tenant, False)
    assert may_end(TOMORROW, TODAY, state) == AHEAD_OF_CLOCK(day=TOMORROW, today=TODAY)


@pytest.mark.parametrize("before", [LedgerOpened(origin=OPEN.origin, owner=OTHER), opened()])
@pytest.mark.parametrize("command", [OPEN, OpenLedger(origin=OPEN.origin)])
def test_it_is_opened_once(before: Event, command: Command) -> None:
    given(LEDGER, before).when(command).then_refused(OPEN_ALREADY)


def test_only_a_demonstration_runs_ahead_of_the_clock() -> None:
    ordinary, demonstration = LedgerState(), LEDGER.evolve(LEDGER.initial, opened())
    assert may_end(TODAY, TODAY, ordinary) is None
    assert may_end(TOMORROW, TODAY, ordinary) == AHEAD_OF_CLOCK(day=TOMORROW, today=TODAY)
    assert may_end(TOMORROW, TODAY, demonstration) is None


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\n", "账本", "a\u00a0b", "x" * 201])
def test_an_origin_is_the_name_of_a_signed_note(origin: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="origin"):
        validate(msgspec.structs.replace(opened(), origin=origin))


def test_the_stream_follows_from_the_origin_for_ever() -> None:
    assert ledger_stream("localhost/leaseledger/shard-0") == UUID("09f6dcfe-b443-5fee-aab0-ad2441550f59")
