"""Payments and mandates as rows: the state is the aggregate's own, money adds up, and the past is read as it was."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from psycopg import Connection

from domain.kernel.decider import fold
from domain.kernel.event import Event
from domain.payments.collection import CollectionPosition, Debit, WaitingPayment
from domain.payments.mandate import MandateResumed
from domain.payments.payment.events import (
    AttemptStarted,
    PaymentCancelled,
    PaymentChargedBack,
    PaymentExhausted,
    PaymentPending,
)
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.state import PaymentPhase
from projections.engine.comparing import compare
from projections.engine.pages import Where, listing
from projections.engine.runner import Runner
from projections.payments.collection_positions import READS, Unposted, collection_positions
from projections.payments.mandates import MANDATES, Mandate
from projections.payments.movements import MOVEMENTS
from projections.payments.payments import PAYMENTS, Payment
from tests.domain.leasing import cases as leases
from tests.domain.payments.cases import (
    ASKED,
    BEGUN,
    FAILED,
    FEN,
    HISTORIES,
    INITIATED,
    LATER,
    LEASE,
    ONLY,
    PENDING,
    POLICY,
    STARTED,
    SWITCHED,
    WAITING,
    charged_back,
    refunded,
    succeeded,
)
from tests.domain.payments.test_mandate import GRANTED, SUSPENDED
from tests.domain.payments.test_mandate import HISTORIES as MANDATE_HISTORIES
from tests.given import given
from tests.projections.accounting.book_keeping import OTHER_TENANT, START, TENANT, BookKeeper, Happening, at, stream

ONE, OTHER, OF_MANDATE = stream(1), stream(2), stream(3)
TODAY = START.date()


def told(of: Any, *events: Event) -> tuple[Happening, ...]:
    return tuple((of, at(n), event) for n, event in enumerate(events))


def row(*events: Event) -> Payment:
    """The row of a payment after these events."""
    found = given(PAYMENTS, *told(ONE, *events)).row(ONE)
    assert isinstance(found, Payment)
    return found


@pytest.mark.parametrize("phase", [phase for phase in HISTORIES if phase is not PaymentPhase.ABSENT])
def test_the_state_and_the_money_are_the_aggregates_own(phase: PaymentPhase) -> None:
    events = HISTORIES[phase]
    found, state = row(*events), fold(PAYMENT, events)
    assert (found.state, found.attempt, found.channel) == (state.phase, state.attempt, state.channel)
    assert found.received_fen == state.received_fen
    assert found.received_fen - found.refunded_fen - found.charged_back_fen == state.net_fen
    assert found.under_way_fen == (state.asked_fen[-1] if state.under_way is not None else 0)
    assert found.not_before == state.not_before


def test_what_a_row_says() -> None:
    found = row(*BEGUN)
    assert (found.lease, found.bill, found.mandate, found.amount_fen) == (LEASE, 4, "M-1", FEN)
    assert (found.initiated_on, found.asked_on, found.under_way_fen) == (TODAY, TODAY, FEN)
    assert row(LATER).asked_on is None
    assert row(*BEGUN, FAILED, SWITCHED).channel == "bank_b"
    assert row(*BEGUN, FAILED, WAITING).code == "insufficient_funds"
    assert row(ONLY).mandate == ""


def test_an_order_outlives_the_state() -> None:
    """Late money of attempt 1 while attempt 2 is out."""
    found = row(*BEGUN, FAILED, WAITING, STARTED, succeeded(), PaymentPending(attempt=2, ref="1" * 64))
    assert (found.state, found.under_way_fen, found.received_fen) == ("succeeded", FEN, FEN)


@pytest.mark.parametrize(
    ("events", "rests"),
    [
        ((*BEGUN, FAILED, PaymentExhausted(attempts=1)), True),
        ((*BEGUN, FAILED, WAITING, PaymentCancelled(reason="promised")), True),
        ((*BEGUN, FAILED, WAITING, PaymentCancelled(reason="nothing_open")), False),
        ((*BEGUN, FAILED, WAITING, PaymentCancelled(reason="no_mandate")), False),
        ((*BEGUN, succeeded(), charged_back()), True),
        ((*BEGUN, succeeded(), ASKED, refunded()), False),
    ],
)
def test_what_lets_a_mandate_rest(events: tuple[Event, ...], *, rests: bool) -> None:
    assert (row(*events).rests_since == TODAY) is rests


def test_a_payment_begins_with_its_initiation() -> None:
    assert [position for position, _ in given(PAYMENTS, *told(ONE, PENDING)).parked()] == [1]
    assert [position for position, _ in given(MANDATES, *told(ONE, SUSPENDED)).parked()] == [1]


@pytest.mark.parametrize("phase", [phase for phase, events in MANDATE_HISTORIES.items() if events])
def test_a_mandates_state_is_the_aggregates_own(phase: Any) -> None:
    found = given(MANDATES, *told(ONE, *MANDATE_HISTORIES[phase])).row(ONE)
    assert isinstance(found, Mandate)
    assert (found.state, found.reference, found.limit_fen) == (phase, "DD-1", 50_000)


# ------------------------------------------------------------------------------------------------ queries


def project(connection: Connection[Any]) -> None:
    runner = Runner(connection, READS)
    runner.prepare()
    runner.catch_up()


def test_lists_are_of_one_tenant_and_of_then(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*told(ONE, *BEGUN), *told(OTHER, ONLY))
    books.write(*told(ONE, FAILED, WAITING))
    project(connection)
    page = listing(connection, PAYMENTS, TENANT, limit=1)
    assert ([one.state for one in page.rows], page.next_after) == (["waiting"], ONE)
    page = listing(connection, PAYMENTS, TENANT, limit=5, starting_after=ONE)
    assert [one.id for one in page.rows] == [OTHER]
    then = listing(connection, PAYMENTS, TENANT, limit=5, as_of_position=2)
    assert [(one.state, one.under_way_fen) for one in then.rows] == [("initiated", FEN)]
    waiting: Where[Any] = Where({"lease": LEASE, "state": "waiting"})
    assert listing(connection, PAYMENTS, TENANT, where=waiting, limit=5, as_of_position=2).rows == ()
    assert len(listing(connection, PAYMENTS, TENANT, where=waiting, limit=5).rows) == 2
    assert listing(connection, PAYMENTS, OTHER_TENANT, limit=5).rows == ()


def of_lease(*steps: leases.Step) -> tuple[Event, ...]:
    return leases.history(*steps)


def moved(event: Any, **changes: Any) -> Any:
    """An event about the lease of these tests."""
    return type(event)(**{name: getattr(event, name) for name in event.__struct_fields__} | changes)


def test_how_leases_stand(connection: Connection[Any], books: BookKeeper) -> None:
    """Bill 1 of 1,060.00 is due; a retry waits, an app payment is out, and some money is not posted yet."""
    lease, waiting, own, arrived = stream(10), stream(11), stream(12), stream(13)
    due_on = leases.day(30)
    books.write(*told(lease, *of_lease(*leases.BILLED)))
    books.write(*told(OF_MANDATE, moved(GRANTED, lease=lease, valid_until=due_on)))
    project(connection)
    debit = Debit(reference="DD-1", policy=GRANTED.policy, limit_fen=50_000)
    alone = CollectionPosition(lease=lease, due_fen=106_000, newest_due_on=due_on, debit=debit)
    assert collection_positions(connection, TENANT, due_on, Unposted(99)) == [alone]
    assert collection_positions(connection, TENANT, due_on - timedelta(days=1), Unposted(99)) == []
    assert collection_positions(connection, TENANT, due_on + timedelta(days=1), Unposted(99)) == [], (
        "the mandate is over then"
    )
    assert collection_positions(connection, OTHER_TENANT, due_on, Unposted(99)) == []
    retry = moved(WAITING, not_before=due_on)
    books.write(*told(waiting, moved(INITIATED, lease=lease, mandate="DD-1"), AttemptStarted(
        attempt=1, channel="bank_a", amount_fen=FEN), FAILED, retry))  # fmt: skip
    mine = moved(ONLY, lease=lease)
    books.write(*told(own, mine, AttemptStarted(attempt=1, channel="bank_a", amount_fen=400)))
    books.write(*told(arrived, mine, BEGUN[1], moved(succeeded(), lease=lease, amount_fen=7)))
    project(connection)
    (found,) = collection_positions(connection, TENANT, due_on, Unposted(10))
    assert (found.busy_fen, found.collecting) == (407, True)
    assert found.waiting == (
        WaitingPayment(payment=waiting, attempt=2, initiated_fen=FEN, mandate="DD-1", advance=False),
    )
    (posted,) = collection_positions(connection, TENANT, due_on, Unposted(99))
    assert posted.busy_fen == 400
    at = connection.execute(f"SELECT position FROM read.{MOVEMENTS.table} WHERE payment = %s", (arrived,)).fetchone()
    assert at is not None

    def busy_fen(known_fen: int, posted_to: int = 99) -> int:
        (one,) = collection_positions(connection, TENANT, due_on, Unposted(posted_to, ((at[0], known_fen), (1, 0))))
        return one.busy_fen

    assert [busy_fen(known_fen) for known_fen in (0, 3, 7, 9)] == [407, 404, 400, 400], "what is parked is not posted"
    assert busy_fen(0, posted_to=10) == 407, "none counts twice"
    books.write(*told(arrived, PaymentChargedBack(
        lease=lease, attempt=1, channel="bank_a", amount_fen=7, reason="disputed", value_date=due_on,
        provider_ref="c" * 64, on_top=False)))  # fmt: skip
    project(connection)
    assert busy_fen(0) == 400, "it is gone"
    books.write(*told(OF_MANDATE, SUSPENDED))
    project(connection)
    (suspended,) = collection_positions(connection, TENANT, due_on, Unposted(99))
    assert (suspended.debit, len(suspended.waiting)) == (None, 1), "what waits is still looked at"
    books.write(*told(OF_MANDATE, MandateResumed()))
    project(connection)
    assert collection_positions(connection, TENANT, due_on, Unposted(99)) == [posted]


def test_many_leases_are_one_question(connection: Connection[Any], books: BookKeeper) -> None:
    """Each lease with its own bill and mandate: one row for each, in the order of their ids, none twice."""
    numbers = range(100, 130)
    for number in numbers:
        lease = stream(number)
        books.write(*told(lease, *of_lease(*leases.BILLED)))
        books.write(*told(stream(1_000 + number), moved(GRANTED, lease=lease, valid_until=None)))
    project(connection)
    found = collection_positions(connection, TENANT, leases.day(30), Unposted(0))
    assert [one.lease for one in found] == sorted(stream(number) for number in numbers)
    assert {one.due_fen for one in found} == {106_000}


def test_a_rebuild_gives_the_same(connection: Connection[Any], books: BookKeeper) -> None:
    for number, events in enumerate(HISTORIES.values(), start=20):
        books.write(*told(stream(number), *events))
    books.write(*told(OF_MANDATE, GRANTED, SUSPENDED))
    project(connection)
    assert compare(connection, PAYMENTS).first is None
    assert compare(connection, MANDATES).first is None
    assert POLICY.minimum_fen == 100
