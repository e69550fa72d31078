"""The journal: entries of money events, trial balance and income at any position and date."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from domain.accounting.chart import ACCOUNTS
from domain.accounting.posting import MONEY_EVENTS, Unbalanced
from domain.leasing.lease.events.money import PaymentPosted
from projections.accounting.journal import (
    JOURNAL,
    JournalCriteria,
    JournalPage,
    entries,
    income,
    lines_of,
    trial_balance,
)
from tests.domain.leasing import cases
from tests.given import given
from tests.projections.accounting.book_keeping import OTHER_TENANT, TENANT, BookKeeper
from tests.projections.leasing.lease_stories import AUTO_STORY, bring_up_to_date, happened, lived, stream, told

CASH = "1002"


def test_an_entry_has_the_lines_of_its_event() -> None:
    row = given(JOURNAL, *AUTO_STORY).changed(4)
    assert (row.type, row.business_date, row.stream) == ("lease.activated.v1", cases.START, stream(1))
    assert [(line.account, line.debit_fen, line.credit_fen) for line in lines_of(row)] == [
        ("1541", 1_200_000, 0),
        ("2202", 0, 1_200_000),
    ]
    assert (row.cash_on, row.cash_fen) == (None, None)


def test_cash_counts_from_its_value_date() -> None:
    row = given(JOURNAL, *lived(*cases.BILLED, cases.pay(1, 106_000, 40, worth=31))).row(6)
    late = given(JOURNAL, *lived(*cases.BILLED, cases.pay(1, 106_000, 40, worth=31)))
    assert row == late.row(6)
    assert (row.business_date, row.cash_on, row.cash_fen) == (cases.day(40), cases.day(31), 106_000)


def test_events_without_lines_have_no_entry() -> None:
    assert given(JOURNAL, *lived(*cases.PHONE_RUNNING)).folded.changed == {("4",): None}


def test_an_event_that_does_not_balance_is_parked() -> None:
    wrong = PaymentPosted(
        payment=cases.PAYMENT, amount_fen=5, value_date=cases.START, posted_on=cases.START, applied=(), credit_fen=4
    )
    ((position, error),) = given(JOURNAL, *happened((0, wrong))).parked()
    assert (position, error.startswith(Unbalanced.__name__)) == (1, True)


def test_every_money_event_is_in_the_journal() -> None:
    assert JOURNAL.events == MONEY_EVENTS


# ------------------------------------------------------------------------------------------------ queries


@pytest.fixture
def projected(connection: Connection[Any], books: BookKeeper) -> Connection[Any]:
    """The story of a vehicle, a phone that only runs, and another tenant's vehicle."""
    bring_up_to_date(connection, books, *told(AUTO_STORY, lived(*cases.PHONE_RUNNING, cases.bill(1), number=2)))
    books.write(*lived(*cases.BILLED, number=3), tenant=OTHER_TENANT)
    bring_up_to_date(connection, books)
    return connection


def types(page: JournalPage) -> list[str]:
    return [entry.type.split(".")[1] for entry in page.entries]


def test_entries_by_lease_account_and_date(projected: Connection[Any]) -> None:
    def found(**where: Any) -> list[str]:
        return types(entries(projected, TENANT, where=JournalCriteria(**where), limit=50))

    everything = ["deposit_received", "activated", "bill_issued", "payment_posted", "bill_issued"]
    assert found(lease=stream(1)) == [*everything, "late_fee_assessed", "payment_posted"]
    assert found(lease=stream(2)) == ["bill_issued"]
    assert found(lease=stream(3)) == []
    assert found(account=CASH) == ["deposit_received", "payment_posted", "payment_posted"]
    assert found(account="9999") == []
    assert found(first_date=cases.day(31), last_date=cases.day(60)) == ["bill_issued"]


def test_pages_of_the_journal(projected: Connection[Any]) -> None:
    seen, after = list[str](), 0
    for _ in range(20):
        page = entries(projected, TENANT, limit=3, starting_after=after)
        seen += types(page)
        if page.next_after is None:
            break
        after = page.next_after
    assert seen == types(entries(projected, TENANT, limit=50))
    assert len(seen) == 8
    assert types(entries(projected, TENANT, limit=50, as_of_position=2)) == ["deposit_received"]


def test_the_trial_balance(projected: Connection[Any]) -> None:
    found = trial_balance(projected, TENANT)
    balances = {one.account: one.balance_fen for one in found.accounts}
    assert (found.sum_fen, found.entries, found.currency) == (0, 8, "CNY")
    assert balances[CASH] == 50_000 + 106_000 + 50_000
    assert balances["1541"] == 1_000_000
    cash = next(one for one in found.accounts if one.account == CASH)
    assert (cash.debit_fen, cash.credit_fen, cash.name, cash.kind) == (206_000, 0, "Cash at bank", "asset")
    assert [one.account for one in found.accounts] == sorted(balances)
    assert set(balances) <= set(ACCOUNTS)


def test_the_trial_balance_of_the_past(projected: Connection[Any]) -> None:
    on_day_30 = {one.account: one.balance_fen for one in trial_balance(projected, TENANT, cases.day(30)).accounts}
    assert on_day_30[CASH] == 156_000
    by_position = trial_balance(projected, TENANT, as_of_position=2)
    assert {one.account: one.balance_fen for one in by_position.accounts} == {CASH: 50_000, "2241": -50_000}
    assert trial_balance(projected, TENANT, cases.day(-1)).accounts == ()
    assert trial_balance(projected, OTHER_TENANT).entries == 3


def test_income_by_month(projected: Connection[Any]) -> None:
    found = income(projected, TENANT)
    assert found.currency == "CNY"
    assert [(one.month, one.account, one.fen) for one in found.months] == [
        ("2026-04", "6021", 6_000),
        ("2026-04", "6041", 50_000),
        ("2026-05", "6021", 6_000),
        ("2026-05", "6301", 106),
    ]
    assert sum(one.fen for one in income(projected, TENANT, cases.day(30)).months) == 56_000
