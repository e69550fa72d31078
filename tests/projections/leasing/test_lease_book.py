"""The lease book: the fold, and the queries now and then."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from psycopg import Connection

from domain.kernel.event import EVENT_TYPES
from domain.kernel.values import Business
from domain.leasing.lease.events import lifecycle, money
from domain.leasing.lease.events.money import LeaseActivated, LeaseTransferred
from domain.leasing.lease.state import LeasePhase
from projections.engine import pages
from projections.engine.pages import NotProjectedYet, Page, Where, listing
from projections.leasing.lease_book import LEASE_BOOK, Lease
from tests.domain.leasing import cases
from tests.given import given
from tests.projections.accounting.book_keeping import OTHER_TENANT, TENANT, BookKeeper
from tests.projections.leasing.lease_stories import AUTO_STORY, bring_up_to_date, happened, lived, stream, told

A = stream(1)


def row_of(*steps: cases.Step) -> Lease:
    row = given(LEASE_BOOK, *lived(*steps)).row(A)
    assert isinstance(row, Lease)
    return row


def test_a_lease_awaits_delivery() -> None:
    row = row_of(*cases.CREATED)
    assert (row.state, row.business, row.reference, row.currency) == (
        "awaiting_delivery", "finance", "QC-2026-0001", "CNY",
    )  # fmt: skip
    assert (row.instalments, row.issued, row.next_due_on) == (12, 0, cases.day(30))
    assert (row.unbilled_fen, row.unbilled_principal_fen) == (12 * 106_000, 1_200_000)
    assert (row.lessee, row.created_on, row.tenant, row.version) == (cases.LESSEE, cases.START, TENANT, 1)


def test_amounts_follow_bills_and_money() -> None:
    row = given(LEASE_BOOK, *AUTO_STORY).row(A)
    assert (row.state, row.activated_on, row.deposit_held_fen) == ("active", cases.START, 50_000)
    assert (row.billed_fen, row.paid_fen) == (2 * 106_000 + _late(row), 156_000)
    assert row.open_fen == row.billed_fen - row.paid_fen
    assert (row.oldest_due_on, row.next_due_on, row.last_paid_on) == (cases.day(60), cases.day(90), cases.day(65))
    assert (row.unbilled_principal_fen, row.instalments, row.issued) == (1_000_000, 12, 2)


def _late(row: Lease) -> int:
    """Two days (65 less 60 less three of grace) at 0.05 % of 106,000."""
    assert row.billed_fen > 212_000
    return 106


@pytest.mark.parametrize("phase", [phase for phase in LeasePhase if phase is not LeasePhase.ABSENT])
def test_every_phase(phase: LeasePhase) -> None:
    assert row_of(*cases.PASTS[phase]).state == phase.value


def test_an_ended_lease_bills_nothing_more() -> None:
    row = row_of(*cases.TERMINATED)
    assert (row.unbilled_fen, row.next_due_on, row.schedule) == (0, None, "[]")
    assert row.open_fen == row.billed_fen > 1_200_000


def test_a_settled_lease_is_closed() -> None:
    row = row_of(*cases.SETTLED)
    assert (row.open_fen, row.closed_on, row.oldest_due_on) == (0, cases.day(181), None)


def test_an_investor() -> None:
    sale = LeaseTransferred(investor=cases.INVESTOR, on=cases.day(70), price_fen=900_000, claims_fen=1_000_000)
    assert given(LEASE_BOOK, *AUTO_STORY, *happened((70, sale))).row(A).investor == cases.INVESTOR


def test_a_lease_that_does_not_begin_with_its_creation_is_parked() -> None:
    activated = LeaseActivated(on=cases.START, business=Business.FINANCE, principal_fen=1)
    ((position, error),) = given(LEASE_BOOK, *happened((0, activated))).parked()
    assert position == 1
    assert error.endswith("expected lease.created first, got lease.activated.v1")


def test_every_event_of_the_aggregate_counts() -> None:
    ours = {cls for cls in EVENT_TYPES.values() if cls.__module__ in (lifecycle.__name__, money.__name__)}
    assert ours == LEASE_BOOK.events


# ------------------------------------------------------------------------------------------------ queries


@pytest.fixture
def projected(connection: Connection[Any], books: BookKeeper) -> Connection[Any]:
    """Five leases, the even ones billed on day 30; the last one is another tenant's."""
    stories = [lived(*cases.RUNNING, *([cases.bill(1)] if n % 2 == 0 else []), number=n) for n in (1, 2, 3, 4)]
    bring_up_to_date(connection, books, *told(*stories))
    books.write(*lived(*cases.CREATED, number=5), tenant=OTHER_TENANT)
    bring_up_to_date(connection, books)
    return connection


def listed(connection: Connection[Any], tenant: UUID, *, limit: int = 100, **asked: Any) -> Page[Lease]:
    """A page of the read model; columns beside the place and the position are filters."""
    more = {name: asked.pop(name) for name in ("starting_after", "as_of_position") if name in asked}
    return listing(connection, LEASE_BOOK, tenant, where=Where(asked), limit=limit, **more)


def lease(connection: Connection[Any], tenant: UUID, of: UUID, **asked: Any) -> tuple[int, Lease | None]:
    """The position this is valid at, and one of the tenant's."""
    page = listed(connection, tenant, id=of, **asked)
    return page.position, next(iter(page.rows), None)


def numbers(page: Page[Lease]) -> list[int]:
    return [next(n for n in range(1, 6) if stream(n) == row.id) for row in page.rows]


def test_one_lease_now_and_then(projected: Connection[Any]) -> None:
    position, now = lease(projected, TENANT, stream(2))
    assert (position, now and now.issued) == (19, 1)
    then = lease(projected, TENANT, stream(2), as_of_position=16)[1]
    assert (then and then.issued) == 0
    assert lease(projected, TENANT, stream(2), as_of_position=0)[1] is None
    assert lease(projected, OTHER_TENANT, stream(2))[1] is None
    assert lease(projected, OTHER_TENANT, stream(2), as_of_position=19)[1] is None
    with pytest.raises(NotProjectedYet):
        lease(projected, TENANT, stream(2), as_of_position=20)


@pytest.mark.parametrize("position", [None, 19, 16])
def test_pages_follow_one_another(projected: Connection[Any], position: int | None) -> None:
    first = listed(projected, TENANT, limit=3, as_of_position=position)
    second = listed(projected, TENANT, limit=3, starting_after=first.next_after, as_of_position=position)
    assert (numbers(first), numbers(second), second.next_after) == ([1, 2, 3], [4], None)


def test_states_and_references(projected: Connection[Any]) -> None:
    def found(position: int | None, **where: Any) -> list[int]:
        return numbers(listed(projected, TENANT, limit=9, as_of_position=position, **where))

    assert found(None, state="active") == [1, 2, 3, 4]
    assert found(None, state="settled") == []
    assert found(3, state="active") == []
    assert found(3, state="awaiting_delivery") == found(3) == [1]
    assert found(None, reference="QC-2026-0001") == [1, 2, 3, 4]
    assert found(None, reference="nothing") == found(16, reference="nothing") == []
    assert numbers(listed(projected, OTHER_TENANT, limit=9)) == [5]


def test_a_page_of_a_bounded_scan(projected: Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pages say where they stopped, and following them gives everything."""
    monkeypatch.setattr(pages, "SCAN_ROWS", 1)
    monkeypatch.setattr(pages, "SCAN_ROWS_MAX", 1)
    seen, after = list[int](), None
    for _ in range(9):
        page = listed(projected, TENANT, limit=2, starting_after=after, as_of_position=16)
        seen += numbers(page)
        after = page.next_after
        if after is None:
            break
    assert seen == [1, 2, 3, 4]


def test_fields_of_other_policies() -> None:
    rented = row_of((0, replace(cases.PHONE, reference="SJ-9")))
    assert (rented.business, rented.reference, rented.deposit_mode) == ("rental", "SJ-9", "waived")
