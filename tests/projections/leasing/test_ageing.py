"""Ageing: steps of a lease, buckets at their edges, as known then, one currency at a time."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from psycopg import Connection

from domain.calendar.calendar import CalendarOpened, DayClosed, calendar_stream
from domain.kernel.values import Business
from domain.leasing.lease.commands import PostPayment, ReversePayment
from domain.leasing.lease.events.money import BillIssued
from projections.engine.pages import NotProjectedYet
from projections.leasing.ageing import AGEING, BUCKETS, Ageing, ageing
from tests.domain.leasing import cases
from tests.given import given
from tests.projections.accounting.book_keeping import OTHER_TENANT, TENANT, BookKeeper, at
from tests.projections.leasing.lease_stories import AUTO_STORY, bring_up_to_date, happened, lived, stream, told

A = stream(1)
UNPAID = (*cases.PHONE_RUNNING, cases.bill(1, 25))
"""A phone whose first bill, 500 yuan due on day 30, is issued on day 25 and never paid."""


def test_steps_are_the_changes_of_what_is_unpaid() -> None:
    row = given(AGEING, *lived(*UNPAID, cases.pay(1, 20_000, 28), cases.pay(2, 30_000, 40))).row(A)
    due = cases.day(30).isoformat()
    assert row.open_fen.startswith("{0,50000,30000,")
    assert row.due_on.startswith(f"{{NULL,{due},{due}")
    counts = {len(column[1:-1].split(",")) for column in (row.days, row.positions, row.due_on, row.open_fen)}
    assert len(counts) == 1


def test_money_before_the_lease_runs_makes_no_row() -> None:
    early = PostPayment(payment=cases.PAYMENT, amount_fen=100, value_date=cases.START)
    assert given(AGEING, *lived(*cases.CREATED, (0, early))).changed(A) is None


def test_a_bill_before_the_lease_runs_is_parked() -> None:
    bill = BillIssued(
        number=1, issued_on=cases.START, due_on=cases.START, principal_fen=1, interest_fen=0, fee_fen=0,
        accrued_fen=0, business=Business.RENTAL,
    )  # fmt: skip
    ((_, error),) = given(AGEING, *happened((0, bill))).parked()
    assert error.endswith("expected lease.activated first, got lease.bill_issued.v1")


@pytest.mark.parametrize("past", [cases.SETTLED, cases.CHARGED_OFF])
def test_a_lease_that_is_gone_does_not_count(past: tuple[cases.Step, ...]) -> None:
    row = given(AGEING, *lived(*past)).row(A)
    assert (row.counts, row.open_fen.rpartition(",")[2]) == (False, "NULL}")


# ------------------------------------------------------------------------------------------------ queries


def counted(found: Ageing) -> dict[str, tuple[int, int]]:
    """Buckets with anything in them."""
    return {one.bucket: (one.leases, one.open_fen) for one in found.buckets if one.leases}


@pytest.fixture
def projected(connection: Connection[Any], books: BookKeeper) -> Connection[Any]:
    """One unpaid phone of the tenant and one of another tenant."""
    bring_up_to_date(connection, books, *lived(*UNPAID))
    books.write(*lived(*UNPAID, number=2), tenant=OTHER_TENANT)
    bring_up_to_date(connection, books)
    return connection


@pytest.mark.parametrize(
    ("day", "bucket"),
    [
        (25, "not_due"), (29, "not_due"), (30, "current"), (31, "d1_30"), (60, "d1_30"), (61, "d31_60"),
        (90, "d31_60"), (91, "d61_90"), (120, "d61_90"), (121, "d91_plus"), (9_000, "d91_plus"),
    ],
)  # fmt: skip
def test_edges_of_buckets(projected: Connection[Any], day: int, bucket: str) -> None:
    found = ageing(projected, TENANT, cases.day(day))
    assert counted(found) == {bucket: (1, 50_000)}
    assert (found.leases, found.open_fen, found.currency, found.position) == (1, 50_000, "CNY", 10)


def test_before_the_bill_and_before_the_lease(projected: Connection[Any]) -> None:
    assert counted(ageing(projected, TENANT, cases.day(24))) == {"current": (1, 0)}
    assert counted(ageing(projected, TENANT, cases.day(-1))) == {}


def test_now_is_the_last_day_on_which_anything_changed(projected: Connection[Any]) -> None:
    assert ageing(projected, TENANT).as_of == cases.day(25)
    assert ageing(projected, TENANT, as_of_position=4).as_of == cases.START
    assert counted(ageing(projected, TENANT, as_of_position=4)) == {"current": (1, 0)}


def test_now_is_the_business_date_where_the_calendar_is_further(connection: Connection[Any], books: BookKeeper) -> None:
    """Nothing changes while a bill grows old; the tenant's calendar says what day it is."""
    calendar = calendar_stream(TENANT)
    opened = CalendarOpened(business_date=cases.day(25))
    closed = DayClosed(day=cases.day(45), next_day=cases.day(46))
    bring_up_to_date(connection, books, *lived(*UNPAID))
    last = books.size
    bring_up_to_date(connection, books, (calendar, at(0), opened), (calendar, at(1), closed))
    found = ageing(connection, TENANT)
    assert (found.as_of, counted(found)) == (cases.day(46), {"d1_30": (1, 50_000)})
    assert ageing(connection, TENANT, as_of_position=last).as_of == cases.day(25)
    books.write((stream(9), at(2), replace(opened, business_date=cases.day(99))), tenant=OTHER_TENANT)
    bring_up_to_date(connection, books)
    assert ageing(connection, TENANT).as_of == cases.day(46), "another tenant's calendar is not this one's"


def test_a_tenant_without_leases(projected: Connection[Any]) -> None:
    found = ageing(projected, cases.LESSEE)
    assert (found.as_of, found.currency, found.leases) == (None, None, 0)
    assert tuple(one.bucket for one in found.buckets) == BUCKETS


def test_ahead_of_the_read_model(projected: Connection[Any]) -> None:
    with pytest.raises(NotProjectedYet):
        ageing(projected, TENANT, as_of_position=11)


def test_a_closed_day_stays_as_it_was_known(connection: Connection[Any], books: BookKeeper) -> None:
    """Money worth from day 30 becomes known on day 45, and bounces on day 50."""
    late = cases.pay(1, 50_000, 45, worth=30)
    bounced = (50, ReversePayment(payment=cases.PAYMENT, reason="returned"))
    bring_up_to_date(connection, books, *lived(*UNPAID, late, bounced))
    found = [counted(ageing(connection, TENANT, cases.day(day))) for day in (44, 45, 49, 50)]
    assert [next(iter(one)) for one in found] == ["d1_30", "current", "current", "d1_30"]
    assert found[0] == found[3] | {"d1_30": (1, 50_000)}


def test_currencies_are_never_added_up(connection: Connection[Any], books: BookKeeper) -> None:
    (_, create), *rest = UNPAID
    foreign = ((0, cases.changed(create, currency="TWD")), *rest)  # type: ignore[arg-type]
    stories = [lived(*UNPAID, number=1), lived(*foreign, number=2), lived(*foreign, number=3)]
    bring_up_to_date(connection, books, *told(*stories))
    usual = ageing(connection, TENANT, cases.day(31))
    assert (usual.currency, usual.other_currencies, counted(usual)) == ("TWD", ("CNY",), {"d1_30": (2, 100_000)})
    asked = ageing(connection, TENANT, cases.day(31), currency="CNY")
    assert (asked.other_currencies, counted(asked)) == (("TWD",), {"d1_30": (1, 50_000)})
    assert counted(ageing(connection, TENANT, cases.day(31), currency="EUR")) == {}


def test_two_leases_in_two_buckets(connection: Connection[Any], books: BookKeeper) -> None:
    bring_up_to_date(connection, books, *told(AUTO_STORY, lived(*UNPAID, number=2)))
    found = counted(ageing(connection, TENANT, cases.day(70)))
    assert found == {"d1_30": (1, 56_106), "d31_60": (1, 50_000)}
