"""Questions to the ledger: owners, places, instants, ids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from adapters.postgres.ledger import Request
from adapters.postgres.reading import browse
from adapters.system import new_id, now
from api.compose import Running
from domain.intake.application.commands import DraftApplication, SubmitApplication
from domain.intake.application.rules import APPLICATION
from domain.kernel.command import Actor, Command, Context
from domain.kernel.ids import uuid7
from domain.kernel.times import business_date, parse_utc
from domain.kernel.values import AssetClass

TENANT, OTHER = UUID(int=1), UUID(int=2)
DRAFT = DraftApplication(
    reference="R-1", asset_class=AssetClass.PHONE, product="p", channel="shop", amount_fen=1, currency="CNY"
)


async def given(
    program: Running, stream: UUID, *commands: Command, tenant: UUID = TENANT, case: UUID | None = None
) -> None:
    """A stream with the events of these commands."""
    for command in commands:
        at = now()
        context = Context(
            tenant=tenant,
            actor=Actor("operator", "key_1"),
            correlation=case or stream,
            now=at,
            business_date=business_date(at),
        )
        request = Request(stream=stream, key=new_id().hex, command=command, context=context)
        await program.ledger.execute(APPLICATION, request)


async def test_owner_of_a_stream(program: Running, connection: Connection[Any]) -> None:
    stream, case = new_id(), new_id()
    assert browse.first_envelope(connection, stream) is None
    await given(program, stream, DRAFT, SubmitApplication(), case=case)
    first = browse.first_envelope(connection, stream)
    assert first is not None
    assert (first.tenant, first.correlation, first.seq, first.stream) == (TENANT, case, 1, stream)


async def test_events_by_position(program: Running, connection: Connection[Any]) -> None:
    assert browse.head_size(connection) == 0
    stream = new_id()
    await given(program, stream, DRAFT, SubmitApplication())
    assert browse.head_size(connection) == 2
    stored = browse.event_at(connection, 2)
    assert stored is not None
    assert stored.parsed().type == "application.submitted.v1"
    for nothing in (0, 3, -1):
        assert browse.event_at(connection, nothing) is None


async def test_pages_of_a_stream(program: Running, connection: Connection[Any]) -> None:
    stream = new_id()
    await given(program, stream, DRAFT)
    await given(program, new_id(), DRAFT)
    await given(program, stream, SubmitApplication())
    first = browse.stream_page(connection, stream, 0, 1, 3)
    assert ([one.position for one in first.events], first.scanned_to, first.has_more) == ([1], 1, True)
    second = browse.stream_page(connection, stream, first.scanned_to, 1, 3)
    assert ([one.position for one in second.events], second.has_more) == ([3], False)
    assert browse.stream_page(connection, stream, 0, 9, 2).has_more is False
    assert browse.stream_page(connection, stream, 3, 9, 3).events == ()


async def test_pages_of_a_tenant(
    program: Running, connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many foreign events lie between, every own one is found once."""
    monkeypatch.setattr(browse, "SCAN_EVENTS_MAX", 2)
    for number in range(9):
        await given(program, new_id(), DRAFT, tenant=TENANT if number % 4 == 0 else OTHER)
    found: list[int] = []
    after, has_more = 0, True
    while has_more:
        page = browse.ledger_page(connection, TENANT, after, 1, 9)
        found += [one.position for one in page.events]
        after, has_more = page.scanned_to, page.has_more
    assert found == [1, 5, 9]


async def test_the_nearest_event_of_a_tenant(
    program: Running, connection: Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others' events are stepped over, as far as the search goes."""
    for number in range(9):
        await given(program, new_id(), DRAFT, tenant=TENANT if number % 4 == 0 else OTHER)
    found = [browse.nearest(connection, TENANT, position, later=True) for position in (0, 1, 4, 5, 9)]
    assert found == [1, 5, 5, 9, None]
    assert [browse.nearest(connection, TENANT, at, later=False) for at in (10, 9, 5, 2, 1)] == [9, 5, 1, 1, None]
    assert browse.nearest(connection, TENANT, 1, later=True, nouns={"application"}) == 5
    assert browse.nearest(connection, TENANT, 1, later=True, nouns={"lease"}) is None
    assert browse.nearest(connection, TENANT, 1, later=True, nouns=()) is None
    monkeypatch.setattr(browse, "EVENT_SCAN_MAX", 3)
    assert [browse.nearest(connection, TENANT, at, later=False) for at in (5, 10)] == [None, 9]


async def test_page_by_type(program: Running, connection: Connection[Any]) -> None:
    await given(program, new_id(), DRAFT, SubmitApplication())
    page = browse.ledger_page(connection, TENANT, 0, 10, 2, {"application.submitted.v1"})
    assert [one.position for one in page.events] == [2]
    assert browse.ledger_page(connection, TENANT, 0, 10, 1, {"application.submitted.v1"}).events == ()


async def test_position_as_of(program: Running, connection: Connection[Any]) -> None:
    assert browse.position_as_of(connection, now()) == 0
    for _ in range(7):
        await given(program, new_id(), DRAFT)
    stored = [browse.event_at(connection, position) for position in range(1, 8)]
    instants = [parse_utc(browse.envelope(one.entry).recorded_at) for one in stored if one]
    tick = timedelta(microseconds=1)
    for position, instant in enumerate(instants, start=1):
        assert browse.position_as_of(connection, instant) >= position
        assert browse.position_as_of(connection, instant - tick) < position
    assert browse.position_as_of(connection, instants[0] - tick) == 0
    assert browse.position_as_of(connection, datetime.max.replace(tzinfo=UTC)) == 7


async def test_event_by_id(program: Running, connection: Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browse, "SCAN_EVENTS_MAX", 2)
    for _ in range(5):
        await given(program, new_id(), DRAFT)
    for position in range(1, 6):
        stored = browse.event_at(connection, position)
        assert stored is not None
        assert browse.event_by_id(connection, browse.envelope(stored.entry).eid) == stored


async def test_ids_of_no_event(program: Running, connection: Connection[Any]) -> None:
    await given(program, new_id(), DRAFT)
    today_ms = int(now().timestamp() * 1000)
    for eid in (new_id(), uuid7(0, 1), uuid7(today_ms * 2, 1), uuid7(2**48 - 1, 1), UUID(int=0), UUID(int=2**128 - 1)):
        assert browse.event_by_id(connection, eid) is None
