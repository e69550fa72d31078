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
    LedgerOpenedForDemonstration,
    LedgerState,
    OpenLedgerForDemonstration,
    ledger_stream,
    may_end,
)
from domain.kernel.event import validate
from domain.kernel.refusal import Refusal
from tests.given import CONTEXT

OPEN = OpenLedgerForDemonstration(origin="ledger.example/shard-0", scenario="two_leases.1")
TODAY, TOMORROW = date(2026, 3, 2), date(2026, 3, 3)


def opened() -> LedgerOpenedForDemonstration:
    events = LEDGER.decide(OPEN, LEDGER.initial, CONTEXT)
    assert not isinstance(events, Refusal)
    (event,) = events
    assert isinstance(event, LedgerOpenedForDemonstration)
    return event


def test_the_owner_is_the_tenant_that_opens() -> None:
    assert (opened().owner, opened().origin) == (CONTEXT.tenant, OPEN.origin)


def test_it_is_opened_once() -> None:
    refused = LEDGER.decide(OPEN, LEDGER.evolve(LEDGER.initial, opened()), CONTEXT)
    assert isinstance(refused, Refusal)
    assert refused.kind is OPEN_ALREADY


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
