"""Revenue to come: the read model says, month by month, what the domain says of every lease."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from domain.kernel.decider import fold as fold_events
from domain.leasing.lease.commands import AccrueInterest, CreateLease
from domain.leasing.lease.rules.decider import LEASE
from projections.accounting.revenue import RevenueMonth, revenue_schedule
from projections.engine.runner import Runner
from projections.leasing.lease_book import LEASE_BOOK
from tests.domain.leasing import cases
from tests.ledger import empty
from tests.projections.accounting.book_keeping import OTHER_TENANT, TENANT, BookKeeper
from tests.projections.accounting.revenue_of_states import future_interest, future_rent
from tests.projections.leasing.lease_histories import Book, lease_books
from tests.projections.leasing.lease_stories import bring_up_to_date, lived, told
from tests.sampling import examples

with_database = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(60), deadline=None
)


def naive(book: Book, up_to: int) -> tuple[RevenueMonth, ...]:
    """The domain's own functions, lease by lease."""
    interest: Counter[str] = Counter()
    rent: Counter[str] = Counter()
    for of in book.states:
        known = [event for lease, _, event in book.happened[:up_to] if lease == of]
        state = fold_events(LEASE, known)
        for sums, months in ((interest, future_interest(state)), (rent, future_rent(state))):
            for one in months:
                sums[f"{one.year}-{one.month:02d}"] += one.fen
    names = sorted(interest.keys() | rent.keys())
    return tuple(RevenueMonth(name, interest[name], rent[name]) for name in names)


@with_database
@given(book=lease_books(), chance=st.randoms(use_true_random=False))
def test_it_is_what_the_domain_says(
    connection: Connection[Any], superuser: Connection[Any], book: Book, chance: Any
) -> None:
    """Now and at any earlier position."""
    empty(superuser)
    BookKeeper(connection).write(*book.happened)
    runner = Runner(connection, (LEASE_BOOK,))
    runner.prepare()
    runner.catch_up()
    for past in (None, chance.randint(0, len(book.happened))):
        found = revenue_schedule(connection, TENANT, as_of_position=past)
        assert found.months == naive(book, len(book.happened) if past is None else past)


def test_a_vehicle_and_a_phone_by_hand(connection: Connection[Any], books: BookKeeper) -> None:
    """60 yuan of interest a month from 2 March on, 29 days of which are accrued; 500 of rent every thirty days."""
    auto = lived(*cases.RUNNING, (29, AccrueInterest(up_to=cases.day(29))))
    phone = lived(*cases.PHONE_RUNNING, number=2)
    bring_up_to_date(connection, books, *told(auto, phone))
    found = revenue_schedule(connection, TENANT)
    assert found.months[:2] == (RevenueMonth("2026-04", 6_000, 50_000), RevenueMonth("2026-05", 6_200, 100_000))
    assert sum(month.interest_fen for month in found.months) == 72_000 - 5_800
    assert sum(month.rent_fen for month in found.months) == 300_000
    assert revenue_schedule(connection, OTHER_TENANT).months == ()


def test_currencies_are_not_added_up(connection: Connection[Any], books: BookKeeper) -> None:
    foreign = [
        (on, cases.changed(command, currency="EUR") if isinstance(command, CreateLease) else command)
        for on, command in cases.RUNNING
    ]
    bring_up_to_date(
        connection, books, *told(lived(*cases.RUNNING), lived(*cases.RUNNING, number=2), lived(*foreign, number=3))
    )
    both, one = (revenue_schedule(connection, TENANT, currency=currency) for currency in ("CNY", "EUR"))
    assert both.other_currencies == ("EUR",)
    assert [2 * month.interest_fen for month in one.months] == [month.interest_fen for month in both.months]
