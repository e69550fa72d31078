"""Consents by person: each event's row, lists by person, purpose and state, now and then."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from domain.kernel.event import Event
from domain.kernel.values import ClauseRef
from domain.parties.consent import (
    ConsentDeclined,
    ConsentExpired,
    ConsentGranted,
    ConsentRenewed,
    ConsentRequested,
    ConsentWithdrawn,
)
from domain.parties.purposes import Purpose
from projections.engine.pages import Where, listing
from projections.engine.runner import Runner
from projections.parties.consents import BY_PERSON, CONSENTS, Consent
from tests.given import given
from tests.projections.accounting.book_keeping import OTHER_TENANT, TENANT, BookKeeper, at, stream

SOMEBODY, ANOTHER = UUID(int=5), UUID(int=6)
CLAUSE = ClauseRef(clause="personal_data", version=1, digest="c" * 64)
NEWER = ClauseRef(clause="personal_data", version=2, digest="d" * 64)
LAST = date(2027, 3, 1)


def requested(subject: UUID = SOMEBODY, purpose: Purpose = Purpose.BIOMETRICS) -> ConsentRequested:
    """Somebody is asked."""
    recipients = ("ctid", "carrier")
    return ConsentRequested(
        subject=subject, purpose=purpose, recipients=recipients, clause=CLAUSE, expires_on=LAST, uses=("a", "b")
    )


GRANTED = ConsentGranted(
    purpose=Purpose.BIOMETRICS, recipients=("ctid",), clause=CLAUSE, granted_on=date(2026, 3, 2), expires_on=LAST,
    uses=("a",),
)  # fmt: skip
RENEWED = ConsentRenewed(clause=NEWER, renewed_on=date(2026, 4, 1), expires_on=date(2028, 1, 1))
WITHDRAWN = ConsentWithdrawn(withdrawn_on=date(2026, 5, 1), channel="app")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ((), {"state": "requested", "recipients": "ctid carrier", "uses": "a b", "expires_on": LAST}),
        ((GRANTED,), {"state": "granted", "recipients": "ctid", "uses": "a", "granted_on": date(2026, 3, 2)}),
        ((GRANTED, RENEWED), {"state": "granted", "expires_on": date(2028, 1, 1)}),
        ((GRANTED, WITHDRAWN), {"state": "withdrawn", "withdrawn_on": date(2026, 5, 1), "expires_on": LAST}),
        ((ConsentDeclined(channel="app"),), {"state": "declined", "granted_on": None}),
        ((GRANTED, ConsentExpired(business_date=LAST)), {"state": "expired"}),
    ],
)
def test_rows(events: tuple[Event, ...], expected: dict[str, Any]) -> None:
    happened = ((stream(1), at(second), event) for second, event in enumerate((requested(), *events)))
    row = given(CONSENTS, *happened).row(stream(1))
    assert isinstance(row, Consent)
    assert {name: getattr(row, name) for name in expected} == expected
    assert (row.person, row.first_position) == (SOMEBODY, 1)
    assert row.version == row.position == len(events) + 1


def test_a_consent_begins_with_its_request() -> None:
    ((position, error),) = given(CONSENTS, (stream(1), at(), GRANTED)).parked()
    assert position == 1
    assert "expected consent.requested first" in error


def test_lists_and_streams(books: BookKeeper, connection: Connection[Any]) -> None:
    runner = Runner(connection, [CONSENTS])
    runner.prepare()
    books.write(
        (stream(1), at(1), requested()), (stream(2), at(2), requested(ANOTHER)), (stream(1), at(3), GRANTED),
        (stream(3), at(4), requested(purpose=Purpose.WHEREABOUTS)),
    )  # fmt: skip
    runner.catch_up()
    before = 4

    def found(limit: int = 10, *, after: UUID | None = None, past: int | None = None, **columns: Any) -> list[UUID]:
        page = listing(
            connection,
            CONSENTS,
            TENANT,
            where=Where(columns),
            limit=limit,
            starting_after=after,
            as_of_position=past,
        )
        return [row.id for row in page.rows]

    everything = sorted([stream(1), stream(2), stream(3)])
    assert found() == everything
    assert found(person=SOMEBODY) == sorted([stream(1), stream(3)])
    assert found(person=SOMEBODY, purpose="biometrics", state="granted") == [stream(1)]
    assert found(state="requested") == sorted([stream(2), stream(3)])
    assert found(2) == everything[:2]
    assert found(after=everything[1]) == everything[2:]
    assert listing(connection, CONSENTS, TENANT, limit=2).next_after == everything[1]
    assert listing(connection, CONSENTS, TENANT, limit=3).next_after is None
    assert listing(connection, CONSENTS, OTHER_TENANT, limit=9).rows == ()
    assert BY_PERSON.streams(connection, TENANT, SOMEBODY, 0) == ((stream(1), stream(3)), before)
    # What is not projected yet is found all the same, and what is, once.
    books.write((stream(1), at(5), WITHDRAWN), (stream(4), at(6), requested()))
    assert BY_PERSON.streams(connection, TENANT, SOMEBODY, 0) == ((stream(1), stream(3), stream(4)), before + 2)
    assert BY_PERSON.streams(connection, OTHER_TENANT, SOMEBODY, 0) == ((), before + 2)
    runner.catch_up()
    assert BY_PERSON.streams(connection, TENANT, SOMEBODY, 0) == ((stream(1), stream(3), stream(4)), before + 2)
    assert found(state="granted", past=before) == [stream(1)]
    assert found(state="granted") == []
    assert stream(4) not in found(past=before)
