"""Random histories of leases: the read models say what the leases say, in whatever batches, for whatever past."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import chain
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import Connection

from domain.accounting.posting import MONEY_EVENTS, post
from domain.accounting.posting import trial_balance as balance_of
from domain.kernel.decider import fold as fold_events
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import LeasePhase, LeaseState
from projections.accounting import journal
from projections.accounting.journal import JOURNAL, lines_of
from projections.calendar.timers import TIMERS
from projections.engine.comparing import compare
from projections.engine.folding import fold_batch, keyed
from projections.engine.model import Projection, Recorded
from projections.engine.pages import listing
from projections.engine.runner import Runner
from projections.engine.tables import array_elements
from projections.leasing import ageing, bills
from projections.leasing.ageing import AGEING, BUCKETS
from projections.leasing.bill import Bill
from projections.leasing.bills import BILLS, bills_of
from projections.leasing.cash_flow import cash_flow
from projections.leasing.lease_book import LEASE_BOOK, Lease
from projections.portfolio.exposures import holdings
from tests.domain.leasing.cases import START
from tests.ledger import empty
from tests.projections.accounting.book_keeping import TENANT, BookKeeper, recorded
from tests.projections.accounting.provisions_of_states import exposure_fen
from tests.projections.leasing.lease_histories import PASTS, Book, book_of, lease_books
from tests.sampling import examples

MODELS: tuple[Projection[Any], ...] = (LEASE_BOOK, BILLS, AGEING, JOURNAL)
OUTSIDE = {LeasePhase.AWAITING_DELIVERY, LeasePhase.SETTLED, LeasePhase.CHARGED_OFF, LeasePhase.RECOVERED}
with_database = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=examples(40), deadline=None
)


def folded(projection: Projection[Any], book: Book) -> dict[str, Any]:
    """The rows a projection makes of a book, by their first key."""
    result = fold_batch(projection, {}, keyed(projection, recorded(book.happened)))
    assert result.dead_letters == []
    return {key[0]: row for key, row in result.changed.items() if row is not None}


def projected(connection: Connection[Any], superuser: Connection[Any], book: Book, batch_rows: int = 1_000) -> None:
    empty(superuser)
    BookKeeper(connection).write(*book.happened)
    runner = Runner(connection, MODELS, batch_rows=batch_rows)
    runner.prepare()
    runner.catch_up()


# ---------------------------------------------------------------------------------------- what the leases say


@given(lease_books())
def test_the_lease_book_says_what_the_leases_say(book: Book) -> None:
    rows = folded(LEASE_BOOK, book)
    assert rows.keys() == {str(of) for of in book.states}
    for of, state in book.states.items():
        row = rows[str(of)]
        open_bills = [bill for bill in state.balances.bills if bill.open_fen]
        assert (row.state, row.version) == (state.phase.value, state.version)
        assert (row.open_fen, row.paid_fen) == (state.balances.open_fen, state.balances.paid_fen)
        assert (row.credit_fen, row.accrued_fen) == (state.balances.credit_fen, state.accrued_fen)
        assert row.deposit_held_fen == state.deposit_held_fen
        assert row.unbilled_principal_fen == state.unbilled_principal_fen
        assert row.unbilled_fen == sum(one.total_fen for one in state.unbilled)
        assert row.period_start == state.period_start
        assert (row.closed_on is not None) == (state.phase is LeasePhase.SETTLED)
        check_others_money(row, state)
        assert (row.issued, row.instalments) == (
            len(state.balances.bills),
            len(state.balances.bills) + len(state.unbilled),
        )
        assert row.next_due_on == (state.unbilled[0].due_on if state.unbilled else None)
        assert row.oldest_due_on == min((bill.due_on for bill in open_bills), default=None)
        assert (row.written_off_fen, row.recovered_fen) == (state.charged_off_fen, state.recovered_fen)
        assert row.billed_fen == sum(sum(bill.amount) for bill in state.balances.bills)
        assert row.billed_fen - row.paid_fen - row.waived_fen - row.written_off_fen == row.open_fen


def check_others_money(row: Lease, state: LeaseState) -> None:
    """What is the supplier's and the investor's."""
    assert (row.upfront_fee_fen, row.down_payment_fen) == (state.upfront_fee_fen, state.down_payment_fen)
    assert row.down_payment_held_fen == state.down_payment_held_fen
    funding = state.funding
    assert (row.investor, row.investor_owed_fen) == (
        (None, 0) if funding is None else (funding.investor, funding.owed_fen)
    )


@given(lease_books())
def test_bills_say_what_the_leases_say(book: Book) -> None:
    rows = folded(BILLS, book)
    for of, state in book.states.items():
        row = rows[str(of)]
        found = bills_of(row)
        first = 0 if state.balances.bill(0) is not None else 1
        assert [bill.number for bill in found] == list(range(first, first + len(found)))
        assert [shown(bill) for bill in found[: row.issued]] == [
            (known.number, known.due_on, known.amount, known.paid, known.waived, known.open_fen)
            for known in state.balances.bills
        ]
        assert [(bill.number, bill.due_on, sum(bill.billed), bill.status) for bill in found[row.issued :]] == [
            (one.number, one.due_on, one.total_fen, "scheduled") for one in state.unbilled
        ]
        check_columns(row)


def check_columns(row: Any) -> None:
    """What SQL reads of a row is what its bills say."""
    columns = [array_elements(column) for column in (row.due_on, row.owed_fen, row.open_fen)]
    assert list(zip(*columns, strict=True)) == [
        (bill.due_on.isoformat(), str(bill.owed_fen), str(bill.open_fen)) for bill in bills_of(row)
    ]


def shown(bill: Bill) -> tuple[object, ...]:
    """A bill as the domain's account has it: what is written off is waived there, too."""
    gone = tuple(w + o for w, o in zip(bill.waived, bill.written_off, strict=True))
    return bill.number, bill.due_on, tuple(bill.billed), tuple(bill.paid), gone, bill.open_fen


@given(lease_books())
def test_the_trial_balance_is_zero_after_every_event(book: Book) -> None:
    rows = folded(JOURNAL, book)
    totals: Counter[str] = Counter()
    for position, (of, _, event) in enumerate(book.happened, start=1):
        row = rows.get(str(position))
        expected = post(event) if type(event) in MONEY_EVENTS else ()
        assert (() if row is None else lines_of(row)) == expected
        if row is not None:
            assert (row.stream, row.business_date) == (of, book.days[position - 1])
            for line in lines_of(row):
                totals[line.account] += line.debit_fen - line.credit_fen
        assert sum(totals.values()) == 0


@pytest.mark.parametrize("past", range(len(PASTS)))
def test_every_past_by_itself(past: int) -> None:
    """Chance need not meet them: together the pasts have every event type."""
    book = book_of([past], "0.0005", [])
    assert book.happened
    for test in (
        test_the_lease_book_says_what_the_leases_say,
        test_bills_say_what_the_leases_say,
        test_the_trial_balance_is_zero_after_every_event,
    ):
        test.hypothesis.inner_test(book)  # type: ignore[attr-defined]


@given(lease_books(), st.integers(0, 20))
def test_a_run_of_events_is_one_event_after_the_other(book: Book, first: int) -> None:
    """Of each lease: some events one by one, the others in one run, and nothing is left to the folding one by one."""
    for projection in (LEASE_BOOK, BILLS, AGEING, TIMERS):
        assert projection.fold_run is not None
        lives: dict[str, list[Recorded]] = {}
        for one in recorded(book.happened):
            if type(one.event) in projection.events:
                lives.setdefault(one.envelope.stream, []).append(one)
        for life in lives.values():
            rows: list[Any] = [None]
            for one in life:
                rows.append(projection.fold(rows[-1], one.event, one))
            begun = min(first, len(life) - 1)
            assert projection.fold_run(rows[begun], life[begun:]) == rows[-1]


# ----------------------------------------------------------------------------------------------- in the database


@with_database
@given(book=lease_books(), batch_rows=st.integers(1, 40))
def test_the_same_rows_in_any_batches(
    connection: Connection[Any], superuser: Connection[Any], book: Book, batch_rows: int
) -> None:
    projected(connection, superuser, book, batch_rows)
    for projection in MODELS:
        compared = compare(connection, projection)
        assert (compared.first, compared.parked, compared.rows) == (None, 0, len(folded(projection, book)))


def naive_ageing(book: Book, as_of: date, up_to: int) -> dict[str, tuple[int, int]]:
    """Ageing from the leases' own states, folded from the events known at the end of a day up to a position."""
    counted: dict[str, tuple[int, int]] = dict.fromkeys(BUCKETS, (0, 0))
    for of in book.states:
        known = [
            event
            for at, (lease, _, event) in enumerate(book.happened, start=1)
            if lease == of and at <= up_to and book.days[at - 1] <= as_of
        ]
        state = fold_events(LEASE, known)
        if state.phase in OUTSIDE | {LeasePhase.ABSENT}:
            continue
        unpaid = [bill for bill in state.balances.bills if bill.open_fen]
        days = (as_of - min(bill.due_on for bill in unpaid)).days if unpaid else 0
        name = next(
            name
            for name, least in (
                ("d91_plus", 91), ("d61_90", 61), ("d31_60", 31), ("d1_30", 1), ("current", 0), ("not_due", -10_000),
            )
            if days >= least
        )  # fmt: skip
        leases, fen = counted[name]
        counted[name] = leases + 1, fen + state.balances.open_fen
    return counted


def edges_of(book: Book) -> list[date]:
    """Days at which a bill goes to another bucket, and days around those on which something happened."""
    due = {bill.due_on for state in book.states.values() for bill in state.balances.bills}
    edges = [on + timedelta(days) for on in due for days in (-1, 0, 1, 30, 31, 60, 61, 90, 91)]
    return edges + [on + timedelta(days) for on in book.days for days in (-1, 0)]


@with_database
@given(book=lease_books(), chance=st.randoms(use_true_random=False))
def test_ageing_equals_a_naive_one(
    connection: Connection[Any], superuser: Connection[Any], book: Book, chance: Any
) -> None:
    """Days on both sides of every edge: of the buckets, and of the days on which something happened."""
    projected(connection, superuser, book)
    edges = edges_of(book)
    for as_of in chance.sample(edges, min(len(edges), 8)):
        for position in (None, chance.randint(0, len(book.happened))):
            found = ageing.ageing(connection, TENANT, as_of, as_of_position=position)
            expected = naive_ageing(book, as_of, len(book.happened) if position is None else position)
            assert {one.bucket: (one.leases, one.open_fen) for one in found.buckets} == expected
            assert found.open_fen == sum(fen for _, fen in expected.values())


@with_database
@given(book=lease_books(), chance=st.randoms())
def test_the_past_is_a_shorter_history(
    connection: Connection[Any], superuser: Connection[Any], book: Book, chance: Any
) -> None:
    projected(connection, superuser, book)
    at = chance.randint(0, len(book.happened))
    for past in (at, None):
        length = len(book.happened) if past is None else past
        known = Book()
        known.happened, known.days = book.happened[:length], book.days[:length]
        leases = listing(connection, LEASE_BOOK, TENANT, limit=100, as_of_position=past).rows
        assert {str(row.id): row for row in leases} == folded(LEASE_BOOK, known)
        rows = folded(BILLS, known)
        page = bills.listing(connection, TENANT, limit=100_000, as_of_position=past)
        assert [(one.lease, one.bill) for one in page.bills] == [
            (UUID(key), bill) for key in sorted(rows) for bill in bills_of(rows[key])
        ]
        check_books(connection, known, past)
        check_cash(connection, known, past, rows)
        check_holdings(connection, known, past)


def check_books(connection: Connection[Any], known: Book, past: int | None) -> None:
    """The trial balance, whole and up to each day, is what the books' own function gives."""
    for day in (None, *sorted(set(known.days))[::7]):
        lines = [
            line
            for on, (_, _, event) in zip(known.days, known.happened, strict=True)
            if day is None or on <= day
            for line in post(event)
        ]
        found = journal.trial_balance(connection, TENANT, day, as_of_position=past)
        assert {one.account: one.balance_fen for one in found.accounts} == balance_of(lines)
        assert sum(one.debit_fen for one in found.accounts) == sum(line.debit_fen for line in lines)
        assert found.sum_fen == 0


def check_cash(connection: Connection[Any], known: Book, past: int | None, rows: dict[str, Any]) -> None:
    """Expected and open amounts are those of the bills, actual ones those of the cash account."""
    found = cash_flow(connection, TENANT, START - timedelta(60), START + timedelta(338), as_of_position=past)
    due = [
        bill for bill in chain.from_iterable(map(bills_of, rows.values())) if found.first <= bill.due_on <= found.last
    ]
    expected = sum(bill.owed_fen for bill in due), sum(bill.open_fen for bill in due)
    assert (sum(day.expected_fen for day in found.days), sum(day.open_fen for day in found.days)) == expected
    assert sum(day.in_fen - day.out_fen for day in found.days) == moved_from(known, found.first, found.last)


def moved_from(known: Book, first: date, last: date) -> int:
    """What moved on the cash account by the days from which it counts."""
    cash = [
        (event.value_date if hasattr(event, "value_date") else event.on, line.debit_fen - line.credit_fen)  # type: ignore[attr-defined]
        for _, _, event in known.happened
        for line in post(event)
        if line.account == "1002"
    ]
    return sum(fen for on, fen in cash if first <= on <= last)


def check_holdings(connection: Connection[Any], known: Book, past: int | None) -> None:
    """Exposures are what the provisions of the books take them to be."""
    states = [
        fold_events(LEASE, [event for lease, _, event in known.happened if lease == of])
        for of in {lease for lease, _, _ in known.happened}
    ]
    inside = [state for state in states if state.phase not in OUTSIDE]
    found = holdings(connection, TENANT, as_of_position=past)
    assert found.leases == len(inside)
    assert found.risk_assets_fen == sum(map(exposure_fen, inside))
    assert sum(share.fen for share in found.largest) == found.risk_assets_fen - found.unnamed_fen
