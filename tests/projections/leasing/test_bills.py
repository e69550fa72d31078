"""Bills: amounts by component, status, the days on which they are overdue, and the list of a tenant."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from psycopg import Connection

from domain.kernel.values import Business
from domain.leasing.lease.commands import ReversePayment, WaiveBill, WaivedPart
from domain.leasing.lease.events.money import BillIssued, BillWaived, PaymentPosted
from domain.leasing.values import Applied, Part
from domain.pricing.schedules import Component
from projections.engine.tables import array_elements, array_literal
from projections.leasing.bill import STATUSES, Bill
from projections.leasing.bills import BILLS, BillCriteria, BillPage, bills_of, listing
from tests.domain.leasing import cases
from tests.given import given
from tests.projections.accounting.book_keeping import OTHER_TENANT, TENANT, BookKeeper
from tests.projections.leasing.lease_stories import AUTO_STORY, bring_up_to_date, happened, lived, stream, told

A = stream(1)


def bills_after(*steps: cases.Step) -> tuple[Bill, ...]:
    return bills_of(given(BILLS, *lived(*steps)).row(A))


def test_the_whole_schedule_is_there_from_the_start() -> None:
    found = bills_after(*cases.CREATED)
    assert [(bill.number, bill.status) for bill in found] == [(n, "scheduled") for n in range(1, 13)]
    assert (found[0].billed, found[0].due_on, found[0].issued_on) == ([100_000, 6_000, 0, 0], cases.day(30), None)
    assert found[0].overdue_days(cases.day(400)) == 0


def test_a_bill_on_its_way() -> None:
    steps = (*cases.RUNNING, cases.bill(1))
    assert bills_after(*steps)[0].status == "issued"
    partly = bills_after(*steps, cases.pay(1, 50_000, 31))[0]
    assert (partly.status, partly.open_fen, partly.last_paid_on) == ("partially_paid", 56_000, cases.day(31))
    assert partly.paid == [44_000, 6_000, 0, 0]
    paid = bills_after(*steps, cases.pay(1, 50_000, 31), cases.pay(2, 56_000, 32))[0]
    assert (paid.status, paid.open_fen, paid.last_paid_on) == ("paid", 0, cases.day(32))


def test_money_that_goes_away_again() -> None:
    steps = (*cases.RUNNING, cases.bill(1), cases.pay(1, 106_000, 30))
    bounced = bills_after(*steps, (33, ReversePayment(payment=cases.PAYMENT, reason="returned")))[0]
    assert (bounced.status, bounced.paid, bounced.last_paid_on) == ("issued", [0, 0, 0, 0], None)


def test_a_late_fee_and_the_days_overdue() -> None:
    bill = bills_of(given(BILLS, *AUTO_STORY).row(A))[1]
    assert bill.billed == [100_000, 6_000, 0, 106]
    assert [bill.overdue_days(cases.day(n)) for n in (59, 60, 61, 75)] == [0, 0, 1, 15]


def test_waived_and_written_off() -> None:
    parts = (
        WaivedPart(component=Component.PRINCIPAL, fen=100_000),
        WaivedPart(component=Component.INTEREST, fen=6_000),
    )
    waived = bills_after(*cases.RUNNING, cases.bill(1), (30, WaiveBill(number=1, parts=parts, reason="goodwill")))[0]
    assert (waived.status, waived.owed_fen) == ("waived", 0)
    written = bills_after(*cases.CHARGED_OFF)
    assert {bill.status for bill in written} <= {"paid", "written_off"}
    assert sum(bill.open_fen for bill in written) == 0


def test_a_waiver_that_frees_money() -> None:
    """What was paid of a waived amount moves away from the bill."""
    issued = BillIssued(
        number=1, issued_on=cases.day(30), due_on=cases.day(30), principal_fen=1_000, interest_fen=0, fee_fen=0,
        accrued_fen=0, business=Business.RENTAL,
    )  # fmt: skip
    paid = Applied(number=1, component=Component.PRINCIPAL, fen=800)
    posted = PaymentPosted(
        payment=cases.PAYMENT, amount_fen=800, value_date=cases.day(31), posted_on=cases.day(31), applied=(paid,),
        credit_fen=0,
    )  # fmt: skip
    waiver = BillWaived(
        number=1, parts=(Part(number=1, component=Component.PRINCIPAL, fen=500),), reason="goodwill",
        on=cases.day(32), applied=(Applied(number=1, component=Component.PRINCIPAL, fen=-300),), credit_fen=300,
    )  # fmt: skip
    story = lived(*cases.CREATED) + happened((30, issued), (31, posted), (32, waiver))
    bill = bills_of(given(BILLS, *story).row(A))[0]
    assert (bill.paid[0], bill.waived[0], bill.open_fen, bill.status) == (500, 500, 0, "paid")
    assert bill.last_paid_on == cases.day(31)


def issued(number: int) -> BillIssued:
    return BillIssued(
        number=number, issued_on=cases.START, due_on=cases.START, principal_fen=1, interest_fen=0, fee_fen=0,
        accrued_fen=0, business=Business.RENTAL,
    )  # fmt: skip


def test_bills_that_there_are_not() -> None:
    without_lease = given(BILLS, *happened((0, issued(1)))).parked()
    assert without_lease[0][1].endswith("expected lease.created first, got lease.bill_issued.v1")
    out_of_order = given(BILLS, *lived(*cases.CREATED), *happened((1, issued(14)))).parked()
    assert out_of_order[0][1] == "ProjectionError: expected bill 13 next, got 14"


# ------------------------------------------------------------------------------------------------ queries


@pytest.fixture
def projected(connection: Connection[Any], books: BookKeeper) -> Connection[Any]:
    """Lease 1 as in the story, 2 with one bill unpaid, 3 a phone that only runs; lease 4 is another tenant's."""
    stories = (
        AUTO_STORY,
        lived(*cases.RUNNING, cases.bill(1), number=2),
        lived(*cases.PHONE_RUNNING, number=3),
    )
    bring_up_to_date(connection, books, *told(*stories))
    books.write(*lived(*cases.BILLED, number=4), tenant=OTHER_TENANT)
    bring_up_to_date(connection, books)
    return connection


def places(page: BillPage) -> list[tuple[int, int]]:
    return [(next(n for n in range(1, 5) if stream(n) == one.lease), one.bill.number) for one in page.bills]


def found(connection: Connection[Any], position: int | None = None, **where: Any) -> list[tuple[int, int]]:
    return places(listing(connection, TENANT, where=BillCriteria(**where), limit=100, as_of_position=position))


def test_filters(projected: Connection[Any]) -> None:
    assert found(projected, status="issued") == [(2, 1)]
    assert found(projected, status="partially_paid") == [(1, 2)]
    assert found(projected, status="paid") == [(1, 1)]
    assert len(found(projected, status="scheduled")) == 10 + 11 + 6
    assert found(projected, due_from=cases.day(331)) == [(1, 12), (2, 12)]
    assert found(projected, due_to=cases.day(30)) == [(1, 1), (2, 1), (3, 1)]
    assert found(projected, overdue_on=cases.day(30)) == []
    assert found(projected, overdue_on=cases.day(31)) == [(2, 1)]
    assert found(projected, overdue_on=cases.day(61)) == [(1, 2), (2, 1)]


def test_the_past_of_the_list(projected: Connection[Any]) -> None:
    assert found(projected, 12, status="issued") == []
    # Both first bills were issued on one day, the other lease's before its money came.
    issued = next(p for p in range(12, 17) if found(projected, p, overdue_on=cases.day(90)))
    assert found(projected, issued, overdue_on=cases.day(90)) == [(1, 1)]
    assert found(projected, 0) == []


@pytest.mark.parametrize("limit", [1, 5, 12, 13, 100])
def test_pages(projected: Connection[Any], limit: int) -> None:
    seen, after = list[tuple[int, int]](), None
    for _ in range(100):
        page = listing(projected, TENANT, limit=limit, starting_after=after)
        assert len(page.bills) <= limit
        seen += places(page)
        if (after := page.next_after) is None:
            break
    assert seen == [(1, n) for n in range(1, 13)] + [(2, n) for n in range(1, 13)] + [(3, n) for n in range(1, 7)]


def test_statuses_are_a_closed_list() -> None:
    assert len(set(STATUSES)) == 6
    assert array_elements("{}") == []
    assert array_elements(array_literal(["1", "2"])) == ["1", "2"]
    assert Bill(1, date(2026, 1, 1), date(2026, 1, 1), [0] * 4, [0] * 4, [0] * 4, [0] * 4).status == "paid"
