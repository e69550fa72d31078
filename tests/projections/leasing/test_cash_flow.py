"""The cash-flow calendar: expected by due date, actual by value date, now and then."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from domain.leasing.lease.commands import RefundCredit
from projections.engine.model import ProjectionError
from projections.leasing.cash_flow import DAYS_MAX, cash_flow
from tests.domain.leasing import cases
from tests.projections.accounting.book_keeping import OTHER_TENANT, TENANT, BookKeeper
from tests.projections.leasing.lease_stories import bring_up_to_date, lived

STORY = (
    *cases.RUNNING,
    cases.bill(1),
    cases.pay(1, 106_000, 33, worth=30),
    cases.pay(2, 20_000, 40),
    (41, RefundCredit(amount_fen=5_000)),
)


@pytest.fixture
def projected(connection: Connection[Any], books: BookKeeper) -> Connection[Any]:
    bring_up_to_date(connection, books, *lived(*STORY))
    return connection


def days(connection: Connection[Any], first: int, last: int, position: int | None = None) -> list[tuple[int, ...]]:
    found = cash_flow(connection, TENANT, cases.day(first), cases.day(last), as_of_position=position)
    return [
        ((one.on - cases.START).days, one.expected_fen, one.open_fen, one.in_fen, one.out_fen) for one in found.days
    ]


def test_expected_and_actual(projected: Connection[Any]) -> None:
    assert days(projected, 0, 60) == [
        (0, 0, 0, 50_000, 0),
        (30, 106_000, 0, 106_000, 0),
        (40, 0, 0, 20_000, 0),
        (41, 0, 0, 0, 5_000),
        (60, 106_000, 106_000, 0, 0),
    ]


def test_the_past(projected: Connection[Any]) -> None:
    assert days(projected, 30, 60, 5) == [(30, 106_000, 106_000, 0, 0), (60, 106_000, 106_000, 0, 0)]
    assert days(projected, 0, 60, 0) == []


def test_bounds(projected: Connection[Any]) -> None:
    assert [one[0] for one in days(projected, 60, 90)] == [60, 90]
    assert len(days(projected, 0, DAYS_MAX - 1)) == 15
    for first, last in ((1, 0), (0, DAYS_MAX)):
        with pytest.raises(ProjectionError, match="expected 1 … 400 days"):
            days(projected, first, last)


def test_other_tenants_see_nothing(projected: Connection[Any]) -> None:
    found = cash_flow(projected, OTHER_TENANT, cases.START, cases.day(60))
    assert (found.days, found.currency) == ((), None)
