"""Timers: what opens, moves and closes them, and what is due on a day, in which order."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from psycopg import Connection

from domain.intake.application.events import ApplicationExpired, ApplicationWithdrawn, OfferCancelled, OfferPresented
from domain.intake.application.timers import OFFER_VALID_DAYS
from domain.kernel.event import EVENT_TYPES, Event
from domain.kernel.timer import Timer
from domain.kernel.values import AssetClass, Business
from domain.leasing.lease.events import lifecycle as lease
from domain.leasing.lease.events import money
from domain.leasing.values import COMPONENTS, DepositMode, NewDueDate
from domain.parties.consent import ConsentExpired, ConsentWithdrawn
from domain.payments.payment.events import (
    AttemptStarted,
    PaymentCancelled,
    PaymentExhausted,
    PaymentFailed,
    PaymentPending,
    RetryScheduled,
)
from domain.pricing.schedules import Instalment
from domain.registry import AGGREGATES, TIMER_KINDS
from projections.calendar.timers import TIMERS, TimerCriteria, TimerPage, TimerRow, due, listing
from projections.engine.comparing import compare
from projections.engine.runner import Runner
from tests.domain.cases import DRAFTED
from tests.domain.payments.cases import (
    ASKED,
    INITIATED,
    LATER,
    REFUND_FAILED,
    SWITCHED,
    UNKNOWN,
    asked,
    refunded,
    succeeded,
)
from tests.domain.payments.test_mandate import GRANTED, REVOKED
from tests.given import given
from tests.projections.accounting.book_keeping import OTHER_TENANT, START, TENANT, BookKeeper, Happening, at, stream

A, B = stream(1), stream(2)
ON = date(2026, 11, 21)
DAY = timedelta(days=1)


def created(**changes: Any) -> lease.LeaseCreated:
    """A finance lease of three instalments, billed three days ahead."""
    told = lease.LeaseCreated(
        plan="auto_level", plan_digest="a" * 64, business=Business.FINANCE, asset_class=AssetClass.VEHICLE,
        currency="CNY", principal_fen=300, deposit_fen=0, deposit_mode=DepositMode.WAIVED, annual_rate="0.12",
        schedule=lines(1, 2, 3), buyout_fen=0, allocation=COMPONENTS, late_fee_daily_rate="0.0005",
        grace_days=0, reference="L-1", policy=1, bill_lead_days=3,
    )  # fmt: skip
    return msgspec.structs.replace(told, **changes)


def lines(*numbers: int) -> tuple[Instalment, ...]:
    """Instalments on the tenth of the months from December 2026 on."""
    return tuple(
        Instalment(
            number=n,
            due_on=date(2026 + (10 + n) // 12, (10 + n) % 12 + 1, 10),
            principal_fen=100,
            interest_fen=0,
            fee_fen=0,
        )
        for n in numbers
    )


ACTIVATED = money.LeaseActivated(on=ON, business=Business.FINANCE, principal_fen=300)


def billed(number: int) -> money.BillIssued:
    return money.BillIssued(
        number=number, issued_on=ON, due_on=ON, principal_fen=100, interest_fen=0, fee_fen=0, accrued_fen=0,
        business=Business.FINANCE,
    )  # fmt: skip


def waits(*events: Event) -> TimerRow | None:
    """The row of one stream after these events, ten seconds apart."""
    happened = ((A, at(10 * n), event) for n, event in enumerate(events))
    row = given(TIMERS, *happened).folded.changed.get((str(A),))
    assert row is None or isinstance(row, TimerRow)
    return row


def open_timers(*events: Event) -> set[tuple[str, int, str]]:
    """(kind, number, day) of every open timer."""
    row = waits(*events)
    return set() if row is None else {tuple(one) for one in msgspec.json.decode(row.timers)}


# --------------------------------------------------------------------------------------------------- kinds


def test_a_lease_sleeps_until_it_is_activated() -> None:
    row = waits(created())
    assert row is not None
    assert (row.dormant, row.due_on, row.month_end_from) == (True, None, None)
    row = waits(created(), ACTIVATED)
    assert row is not None
    assert (row.dormant, row.due_on, row.month_end_from) == (False, date(2026, 12, 7), date(2026, 11, 30))


def test_bills_are_due_the_plans_days_ahead() -> None:
    bills = {one for one in open_timers(created(), ACTIVATED) if one[0] == "bill"}
    assert bills == {("bill", 1, "2026-12-07"), ("bill", 2, "2027-01-07"), ("bill", 3, "2027-02-07")}


def test_an_issued_bill_is_waited_for_no_more() -> None:
    left = {one[1] for one in open_timers(created(), ACTIVATED, billed(1)) if one[0] == "bill"}
    assert left == {2, 3}


def test_a_new_schedule_replaces_what_is_not_billed() -> None:
    new = lease.LeaseRestructured(schedule=lines(5), reason="hardship")
    left = {one for one in open_timers(created(), ACTIVATED, billed(1), new) if one[0] == "bill"}
    assert left == {("bill", 5, str(lines(5)[0].due_on - 3 * DAY))}


def test_a_renewal_adds_to_it() -> None:
    more = lease.LeaseRenewed(months=1, schedule=lines(4))
    assert {one[1] for one in open_timers(created(), ACTIVATED, more) if one[0] == "bill"} == {1, 2, 3, 4}


@pytest.mark.parametrize(
    ("changes", "monthly"),
    [
        ({}, {"interest_accrual", "late_fee"}),
        ({"annual_rate": "0"}, {"late_fee"}),
        ({"late_fee_daily_rate": "0"}, {"interest_accrual"}),
        ({"business": Business.RENTAL}, {"late_fee"}),
        ({"annual_rate": "0", "late_fee_daily_rate": "0"}, set()),
    ],
)
def test_what_recurs_only_where_there_is_something_to_do(changes: dict[str, Any], monthly: set[str]) -> None:
    assert {one[0] for one in open_timers(created(**changes), ACTIVATED)} - {"bill"} == monthly


@pytest.mark.parametrize(
    "event",
    [
        lease.LeaseAccelerated(on=ON),
        lease.LeaseTerminated(notice_reached_on=ON),
        lease.LeaseEarlySettled(on=ON, amount_fen=1),
        lease.AssetReturned(on=ON),
        lease.AssetTotallyLost(on=ON),
        money.BuyoutCompleted(on=ON, price_fen=1, credit_fen=-1),
    ],
)
def test_no_more_bills_and_no_more_interest_but_late_fees_go_on(event: Event) -> None:
    assert {one[0] for one in open_timers(created(), ACTIVATED, event)} == {"late_fee"}


def test_a_closed_lease_waits_for_nothing() -> None:
    row = waits(created(), ACTIVATED, money.LeaseClosed(on=ON))
    assert row is not None
    assert (row.timers, row.due_on, row.month_end_from) == ("[]", None, None)
    assert (row.first_position, row.position) == (1, 3)


def test_a_demand_waits_for_the_day_after_its_last() -> None:
    demand = lease.DemandServed(on=ON, cure_by=ON + 15 * DAY, overdue_fen=1, bills=(1,))
    assert ("demand_cure", 0, "2026-12-07") in open_timers(created(), ACTIVATED, demand)
    elected = lease.RemedyElected(remedy="accelerate", overdue_instalments=2, overdue_rent_fen=1, total_rent_fen=2)  # type: ignore[arg-type]
    cured, expired = lease.CureAchieved(on=ON, bills=(1,)), lease.CureExpired(on=ON, cure_by=ON, bills=(1,))
    re_aged = lease.BillsReAged(on=ON, due_dates=(NewDueDate(number=1, due_on=ON),), reason="hardship")
    for answer in (elected, cured, expired, re_aged, lease.AssetReturned(on=ON)):
        assert "demand_cure" not in {one[0] for one in open_timers(created(), ACTIVATED, demand, answer)}


def test_an_application_expires_the_day_after_its_last() -> None:
    drafted = msgspec.structs.replace(DRAFTED, expires_on=ON)
    assert open_timers(drafted) == {("application_expiry", 0, "2026-11-22")}
    assert open_timers(msgspec.structs.replace(DRAFTED, expires_on=None)) == set()
    for end in (ApplicationExpired(business_date=ON), ApplicationWithdrawn(reason="changed_mind")):
        assert open_timers(drafted, end) == set()


def test_an_offer_stands_for_some_days() -> None:
    drafted = msgspec.structs.replace(DRAFTED, expires_on=None)
    assert open_timers(drafted, OfferPresented(offer=1)) == {("offer_expiry", 1, str(ON + OFFER_VALID_DAYS * DAY))}
    assert open_timers(drafted, OfferPresented(offer=1), OfferCancelled(offer=1)) == set()


def test_a_consent_expires_and_its_end_closes_it() -> None:
    kinds = {cls for name, cls in EVENT_TYPES.items() if name.startswith("consent.")}
    assert kinds <= TIMERS.events
    for end in (ConsentExpired(business_date=ON), ConsentWithdrawn(withdrawn_on=ON, channel="app")):
        assert waits(end) is None


def test_a_payment_waits_for_its_day_its_retry_and_its_outcome() -> None:
    assert open_timers(INITIATED) == set()
    assert open_timers(LATER) == {("payment_retry", 1, str(LATER.collect_on))}
    started = AttemptStarted(attempt=1, channel="bank_a", amount_fen=5)
    assert open_timers(LATER, started) == set()
    pending = PaymentPending(attempt=1, ref="a" * 64)
    assert open_timers(LATER, started, pending) == {("payment_query", 1, str(ON + DAY))}
    assert open_timers(LATER, started, pending, UNKNOWN) == {("payment_query", 1, str(ON))}
    failed = PaymentFailed(attempt=1, channel="bank_a", code="insufficient_funds")
    retry = RetryScheduled(attempt=2, not_before=ON + DAY)
    assert open_timers(LATER, started, UNKNOWN, failed, retry) == {("payment_retry", 2, str(ON + DAY))}
    for end in (succeeded(), PaymentCancelled(reason="paid_otherwise")):
        assert open_timers(LATER, started, failed, retry, end) == set()
    assert open_timers(LATER, started, failed, PaymentExhausted(attempts=1)) == set()


def test_a_switched_channel_waits_for_its_amount() -> None:
    assert open_timers(LATER, SWITCHED) >= {("payment_retry", 2, str(SWITCHED.not_before))}


def test_an_order_that_is_still_out_is_asked_for_after_other_money_came() -> None:
    """Late money of attempt 1 while attempt 2 is pending: the query of attempt 2 stays."""
    pending = PaymentPending(attempt=2, ref="a" * 64)
    assert open_timers(LATER, pending, succeeded(1)) >= {("payment_query", 2, str(ON + DAY))}
    assert open_timers(LATER, pending, succeeded(2)) == set()
    failed = PaymentFailed(attempt=2, channel="bank_a", code="insufficient_funds")
    assert open_timers(LATER, pending, succeeded(1), failed) == set()


def test_a_refund_is_asked_for_until_it_is_over() -> None:
    assert open_timers(ASKED) == {("payment_refund", 1, str(ON))}
    assert open_timers(ASKED, refunded()) == set()
    assert open_timers(ASKED, REFUND_FAILED) == set()
    assert open_timers(ASKED, asked(5, 2), refunded()) == {("payment_refund", 2, str(ON))}


def test_a_mandate_expires_the_day_after_its_last_and_its_end_closes_it() -> None:
    last = GRANTED.valid_until
    assert last is not None
    assert open_timers(GRANTED) == {("mandate_expiry", 0, str(last + DAY))}
    endless = msgspec.structs.replace(GRANTED, valid_until=None)
    assert waits(endless) is None
    assert open_timers(GRANTED, endless) == set()
    assert open_timers(GRANTED, REVOKED) == set()


def test_kinds_are_data_and_every_rule_is_reached() -> None:
    orders = [kind.order for kind in TIMER_KINDS.values()]
    assert orders == sorted(set(orders))
    assert {cls for kind in TIMER_KINDS.values() for cls in kind.changes} == TIMERS.events
    for decider in AGGREGATES:
        for kind in decider.timers:
            assert set(kind.changes) <= set(decider.events)


# ------------------------------------------------------------------------------------------------ queries


def project(connection: Connection[Any]) -> None:
    runner = Runner(connection, [TIMERS])
    runner.prepare()
    runner.catch_up()


def story() -> list[Happening]:
    events = ((A, created()), (A, ACTIVATED), (B, created()), (B, ACTIVATED), (A, billed(1)))
    return [(of, at(n), event) for n, (of, event) in enumerate(events)]


def told(timers: list[Timer]) -> list[tuple[str, UUID, int]]:
    return [(timer.kind, timer.stream, timer.number) for timer in timers]


def test_due_is_what_is_due_or_was_before_in_order(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*story())
    project(connection)
    assert due(connection, TENANT, date(2026, 12, 6)) == []
    assert told(due(connection, TENANT, date(2026, 12, 7))) == [("bill", B, 1)]
    late = due(connection, TENANT, date(2027, 1, 7))
    assert told(late) == [("bill", B, 1), ("bill", A, 2), ("bill", B, 2)]
    assert [timer.due_on for timer in late] == [date(2026, 12, 7), date(2027, 1, 7), date(2027, 1, 7)]


def test_month_ends_have_their_own(connection: Connection[Any], books: BookKeeper) -> None:
    """Interest before bills before late fees; recurring ones are due on the day itself, whenever they began."""
    books.write(*story())
    project(connection)
    got = due(connection, TENANT, date(2026, 12, 31))
    assert told(got) == [
        ("bill", B, 1),
        ("interest_accrual", A, 0),
        ("interest_accrual", B, 0),
        ("late_fee", A, 0),
        ("late_fee", B, 0),
    ]
    assert {timer.due_on for timer in got if timer.kind != "bill"} == {date(2026, 12, 31)}
    assert [timer.order for timer in got if timer.kind != "bill"] == [
        TIMER_KINDS["interest_accrual"].order,
        TIMER_KINDS["interest_accrual"].order,
        TIMER_KINDS["late_fee"].order,
        TIMER_KINDS["late_fee"].order,
    ]
    assert due(connection, TENANT, date(2026, 12, 30)) == due(connection, TENANT, date(2026, 12, 7))


def ahead(connection: Connection[Any], on: date | None = ON, limit: int = 100, **more: Any) -> TimerPage:
    where = TimerCriteria(**{name: more.pop(name) for name in ("kind", "first", "last") if name in more})
    return listing(connection, TENANT, on, where=where, limit=limit, **more)


def test_what_lies_ahead_in_the_order_in_which_it_is_fired(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*story())
    project(connection)
    found = ahead(connection).timers
    assert list(found) == sorted(found)
    assert told(list(found[:5])) == [
        ("interest_accrual", A, 0), ("interest_accrual", B, 0), ("late_fee", A, 0), ("late_fee", B, 0), ("bill", B, 1),
    ]  # fmt: skip
    assert told(list(ahead(connection, kind="bill", last=date(2027, 1, 7)).timers)) == [
        ("bill", B, 1), ("bill", A, 2), ("bill", B, 2),
    ]  # fmt: skip
    assert {one.kind for one in ahead(connection, first=date(2026, 12, 1)).timers} == {"bill"}


def test_what_recurs_stands_there_with_its_next_day(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*story())
    project(connection)
    for on, day in ((None, date(2026, 11, 30)), (ON, date(2026, 11, 30)), (date(2027, 2, 3), date(2027, 2, 28))):
        assert {one.due_on for one in ahead(connection, on, kind="late_fee").timers} == {day}


def test_what_sleeps_is_not_due(connection: Connection[Any], books: BookKeeper) -> None:
    books.write((A, at(0), created()))
    project(connection)
    assert ahead(connection).timers == ()


def test_pages_of_timers_put_together_are_all_of_them(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*story())
    project(connection)
    whole, seen, after = ahead(connection).timers, list[Timer](), None
    for _ in whole:
        page = ahead(connection, limit=2, starting_after=after)
        seen += page.timers
        if (after := page.next_after) is None:
            break
    assert tuple(seen) == whole
    assert len(whole) == 9


def test_the_past_of_timers_is_what_it_was(connection: Connection[Any], books: BookKeeper) -> None:
    """Asked at every position, it answers what it answered when that was the last: also of what waits no more."""
    answers = []
    for happening in (*story(), (B, at(9), money.LeaseClosed(on=ON)), (A, at(10), money.LeaseClosed(on=ON))):
        books.write(happening)
        project(connection)
        answers.append(ahead(connection))
    assert answers[-1].timers == ()
    assert len(answers[4].timers) == 9
    for position, then in enumerate(answers, start=1):
        assert ahead(connection, as_of_position=position) == then


def test_tenants_are_apart(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*story(), tenant=OTHER_TENANT)
    project(connection)
    assert due(connection, TENANT, date(2027, 3, 31)) == []
    assert due(connection, OTHER_TENANT, date(2027, 3, 31)) != []


def test_a_rebuild_gives_the_same(connection: Connection[Any], books: BookKeeper) -> None:
    books.write(*story(), (B, at(9), money.LeaseClosed(on=ON)))
    project(connection)
    compared = compare(connection, TIMERS)
    assert (compared.first, compared.rows) == (None, 2)
    assert START.date() == ON
