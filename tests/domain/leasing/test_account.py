"""The account by hand: small numbers that a person can check."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from domain.leasing.account import (
    Account,
    Effect,
    assessed,
    effect,
    is_back_dated,
    posted,
    recorded,
    recorded_late_fee,
    recorded_withdrawal,
    replay,
    withdrawn,
)
from domain.leasing.balances import ZERO, AccountPolicy, Balances, Four, Kind, Transaction
from domain.leasing.values import Applied
from domain.pricing.schedules import Component

P, INT, F, L = Component
START = date(2026, 1, 1)


def day(n: int) -> date:
    return START + timedelta(days=n)


def bill(number: int, on: int, parts: Four = (1_000, 100, 10, 0), due: int | None = None) -> Transaction:
    due_on = day(on if due is None else due)
    return Transaction(on=day(on), kind=Kind.BILL, number=number, due_on=due_on, parts=parts)


def payment(n: int, on: int, fen: int) -> Transaction:
    return Transaction(on=day(on), kind=Kind.PAYMENT, amount_fen=fen, payment=UUID(int=n))


def refund(on: int, fen: int) -> Transaction:
    return Transaction(on=day(on), kind=Kind.DEBIT, amount_fen=fen)


def waiver(number: int, on: int, parts: Four) -> Transaction:
    return Transaction(on=day(on), kind=Kind.WAIVER, number=number, parts=parts)


def account(
    *transactions: Transaction, rate: str = "0", grace: int = 0, order: tuple[Component, ...] = (F, INT, P, L)
) -> Account:
    made = Account(terms=AccountPolicy(allocation=order, late_fee_daily_rate=rate, grace_days=grace))
    for transaction in transactions:
        made = posted(made, transaction)
    return made


def change(before: Account, transaction: Transaction) -> Effect:
    return effect(before.balances, posted(before, transaction).balances)


def applied(number: int, component: Component, fen: int) -> Applied:
    return Applied(number=number, component=component, fen=fen)


def paid(of: Account) -> list[Four]:
    return [bill.paid for bill in of.balances.bills]


# ------------------------------------------------------------------------------------------------- allocation


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ((F, INT, P, L), (0, 40, 10, 0)),
        ((P, INT, F, L), (50, 0, 0, 0)),
        ((INT, F, P, L), (0, 50, 0, 0)),
        ((L, F, INT, P), (0, 40, 10, 0)),
    ],
)
def test_components_are_paid_in_the_order_of_the_policy(order: tuple[Component, ...], expected: Four) -> None:
    assert paid(account(bill(1, 0), payment(1, 1, 50), order=order)) == [expected]


def test_the_oldest_bill_is_paid_first() -> None:
    two = account(bill(1, 0), bill(2, 30), payment(1, 31, 1_200))
    assert paid(two) == [(1_000, 100, 10, 0), (0, 80, 10, 0)]


def test_over_payment_is_credit_and_meets_the_next_bill() -> None:
    over = account(bill(1, 0), payment(1, 1, 1_500))
    assert (over.balances.open_fen, over.balances.credit_fen) == (0, 390)
    met = change(over, bill(2, 30))
    assert met == Effect((applied(2, P, 280), applied(2, INT, 100), applied(2, F, 10)), -390, ())


def test_money_in_advance_waits() -> None:
    ahead = account(payment(1, 0, 700))
    assert (ahead.balances.credit_fen, ahead.balances.bills) == (700, ())
    assert paid(posted(ahead, bill(1, 5))) == [(590, 100, 10, 0)]


def test_effect_of_nothing_is_nothing() -> None:
    same = account(bill(1, 0)).balances
    assert effect(same, same) == Effect((), 0, ())


# ------------------------------------------------------------------------------------------------ back-dating


def test_a_back_dated_payment_moves_later_money_on() -> None:
    late = account(bill(1, 0), bill(2, 30), payment(1, 40, 1_110))
    assert paid(late) == [(1_000, 100, 10, 0), ZERO]
    moved = change(late, payment(2, 5, 1_110))
    assert moved == Effect((applied(2, P, 1_000), applied(2, INT, 100), applied(2, F, 10)), 0, ())


def test_a_back_dated_payment_can_change_what_a_late_fee_took() -> None:
    """Ten days at 1 % of 1,100 were 110 of late fee; on time there was none, and the money went to the next bill."""
    late = account(bill(1, 0), bill(2, 10, due=40), payment(1, 10, 1_300), rate="0.01")
    assert late.balances.bills[0].amount[3] == 110
    moved = change(late, payment(2, 0, 1_110))
    assert moved.late_fees == ((1, -110),)
    assert applied(1, L, -110) in moved.applied
    assert sum(x.fen for x in moved.applied) + moved.credit_fen == 1_110


def test_what_lies_before_is_back_dated() -> None:
    some = account(bill(1, 5))
    assert [is_back_dated(some, day(n)) for n in (4, 5, 6)] == [True, False, False]
    assert not is_back_dated(Account(), date.min)


def test_within_a_day_a_bill_comes_before_money() -> None:
    one = account(payment(1, 0, 500), bill(1, 0), payment(2, 0, 700))
    other = account(bill(1, 0), payment(2, 0, 700), payment(1, 0, 500))
    assert one.balances == other.balances
    assert [t.kind for t in one.transactions] == [Kind.BILL, Kind.PAYMENT, Kind.PAYMENT]


# --------------------------------------------------------------------------------------------------- late fees


@pytest.mark.parametrize(
    ("to", "grace", "expected"),
    [(10, 0, 0), (11, 0, 1), (20, 0, 6), (20, 3, 4), (13, 3, 0), (14, 3, 1), (110, 0, 55)],
)
def test_late_fee_counts_days_after_due_date_and_grace(to: int, grace: int, expected: int) -> None:
    """1,100 of rent at 0.05 % a day is 0.55 a day; fees of the bill itself bear none. 6 × … is rounded half up."""
    owed = assessed(account(bill(1, 0, due=10), rate="0.0005", grace=grace), day(to))
    assert owed.balances.bills[0].amount[3] == expected


def test_late_fee_is_rounded_once_and_not_each_day() -> None:
    """0.4 a day: rounded daily it would be nothing for ever, rounded once it is 2 after five days."""
    owed = account(bill(1, 0, parts=(400, 0, 0, 0)), rate="0.001")
    daily = owed
    for n in range(1, 6):
        daily = assessed(daily, day(n))
    assert daily.balances.bills[0].amount[3] == 2
    assert assessed(owed, day(5)).balances == daily.balances


def test_late_fee_follows_what_is_left() -> None:
    """Ten days on 1,000 and ten on 400, at 1 %."""
    owed = account(bill(1, 0, parts=(1_000, 0, 0, 0)), payment(1, 10, 600), rate="0.01", order=(P, INT, F, L))
    assert assessed(owed, day(20)).balances.bills[0].amount[3] == 100 + 40


def test_late_fee_bears_no_late_fee() -> None:
    owed = account(bill(1, 0, parts=(1_000, 0, 0, 0)), payment(1, 10, 1_000), rate="0.01", order=(P, INT, F, L))
    assert [assessed(owed, day(n)).balances.open_fen for n in (10, 400)] == [100, 100]


def test_assessing_backwards_changes_nothing() -> None:
    owed = assessed(account(bill(1, 0), rate="0.01"), day(20))
    assert assessed(owed, day(20)) is owed
    assert assessed(owed, day(3)) is owed


def test_assessing_up_to_a_day_before_the_last_bill() -> None:
    owed = account(bill(1, 0, parts=(1_000, 0, 0, 0)), bill(2, 30), rate="0.01")
    later = assessed(owed, day(20))
    assert later.balances.bills[0].amount[3] == 200
    assert later.balances == replay(later)


def test_a_bill_issued_late_bears_no_fee_for_days_before_its_issue() -> None:
    owed = assessed(account(bill(1, 50, due=10, parts=(1_000, 0, 0, 0)), rate="0.01"), day(51))
    assert owed.balances.bills[0].amount[3] == 10


# ------------------------------------------------------------------------------- reversals, waivers, new dates


def test_a_reversed_payment_never_was() -> None:
    both = account(bill(1, 0), payment(1, 1, 1_000), payment(2, 20, 300), rate="0.01")
    without = account(bill(1, 0), payment(2, 20, 300), rate="0.01")
    assert withdrawn(both, UUID(int=1)) == without


def test_an_unknown_payment_is_not_withdrawn() -> None:
    with pytest.raises(KeyError):
        withdrawn(account(bill(1, 0)), UUID(int=1))


def test_a_refund_whose_payment_bounces_is_owed_and_filled_first() -> None:
    refunded = account(payment(1, 0, 500), refund(1, 500))
    owing = withdrawn(refunded, UUID(int=1))
    assert owing.balances.credit_fen == -500
    later = posted(posted(owing, bill(1, 2)), payment(2, 3, 600))
    assert (later.balances.credit_fen, paid(later)) == (0, [(0, 90, 10, 0)])


def test_what_was_paid_of_a_waived_amount_goes_to_what_is_open() -> None:
    some = account(bill(1, 0), payment(1, 1, 110))
    assert paid(some) == [(0, 100, 10, 0)]
    moved = change(some, waiver(1, 2, (0, 60, 0, 0)))
    assert moved == Effect((applied(1, P, 60), applied(1, INT, -60)), 0, ())


def test_a_waived_late_fee_stays_assessed_when_a_payment_turns_out_to_have_been_on_time() -> None:
    late = assessed(account(bill(1, 0, parts=(1_000, 0, 0, 0)), rate="0.01"), day(10))
    forgiven = posted(late, waiver(1, 10, (0, 0, 0, 100)))
    punctual = posted(forgiven, payment(1, 0, 1_000))
    only = punctual.balances.bills[0]
    assert (only.amount[3], only.waived[3], only.open_fen) == (100, 100, 0)


def test_no_more_is_waived_than_there_is() -> None:
    some = account(bill(1, 0), waiver(1, 1, (5_000, 0, 0, 0)), waiver(1, 2, (5_000, 0, 0, 0)))
    assert some.balances.bills[0].waived == (1_000, 0, 0, 0)


def test_a_bill_that_is_due_later_is_late_later() -> None:
    moved = Transaction(on=day(10), kind=Kind.RE_AGE, number=1, due_on=day(30))
    owed = account(bill(1, 0, parts=(1_000, 0, 0, 0)), moved, rate="0.01")
    assert assessed(owed, day(30)).balances.bills[0].amount[3] == 100
    assert assessed(owed, day(35)).balances.bills[0].amount[3] == 150


def test_facts_about_unknown_bills_wait() -> None:
    early = account(waiver(7, 1, (1, 0, 0, 0)), Transaction(on=day(1), kind=Kind.RE_AGE, number=7, due_on=day(9)))
    assert early.balances.bills == ()


# --------------------------------------------------------------------------------------------- what events say


def test_recording_takes_the_amounts_of_the_event_and_not_its_own() -> None:
    """An event of long ago keeps its meaning even if the engine should allocate otherwise today."""
    some = account(bill(1, 0))
    told = recorded(some, payment(1, 1, 50), (applied(1, P, 30),), 20)
    assert (paid(told), told.balances.credit_fen) == ([(30, 0, 0, 0)], 20)


def test_recording_a_back_dated_event_counts_days_anew() -> None:
    late = account(bill(1, 0, parts=(1_000, 0, 0, 0)), bill(2, 30), rate="0.01")
    told = recorded(late, payment(1, 10, 400), (applied(1, P, 300),), 100)
    assert told.balances.bills[0].overdue_day_fen == replay(told).bills[0].overdue_day_fen == 10 * 1_000 + 20 * 600
    assert told.balances.bills[0].paid == (300, 0, 0, 0)


def test_recording_a_withdrawal_and_a_late_fee() -> None:
    some = account(bill(1, 0), payment(1, 1, 50))
    back = recorded_withdrawal(some, UUID(int=1), (applied(1, INT, -40), applied(1, F, -10)), 0)
    assert back.balances == withdrawn(some, UUID(int=1)).balances
    fined = recorded_late_fee(back, 1, 70, day(9))
    assert (fined.balances.bills[0].amount[3], fined.assessed_to, fined.balances.on) == (70, day(9), day(9))


def test_recording_about_an_unknown_bill_changes_no_bill() -> None:
    assert recorded(Account(), None, (applied(3, P, 5),), 0).balances == Balances()
    assert recorded_late_fee(Account(), 3, 5, day(1)).balances.bills == ()


def test_open_amounts_are_told_by_component() -> None:
    only = account(bill(1, 0), payment(1, 1, 50), waiver(1, 2, (100, 0, 0, 0))).balances.bills[0]
    assert [only.open_of(c) for c in Component] == [900, 60, 0, 0]
    assert only.open_rent_fen == 960
    assert account(bill(1, 0)).balances.bill(2) is None


# --------------------------------------------------------------------------------------- a clock that was ahead


def test_what_concerns_a_bill_does_not_count_before_the_bill() -> None:
    """People act on the clock's day. It was forgotten when money was posted late: the bill was paid and waived."""
    waived = account(bill(1, 10), waiver(1, 8, (1_000, 0, 0, 0)), payment(1, 5, 2_000))
    assert waived.balances.bills[0].open_fen == 0
    assert waived.balances.credit_fen == 2_000 - 110
    later = Transaction(on=day(8), kind=Kind.RE_AGE, number=1, due_on=day(60))
    agreed = account(bill(1, 10), later, payment(1, 40, 1), payment(2, 39, 1), rate="0.01")
    assert agreed.balances.bills[0].due_on == day(60)
    assert agreed.balances.bills[0].amount == (1_000, 100, 10, 0)


def test_what_an_event_says_of_a_bill_does_not_count_before_the_bill() -> None:
    """A lease of which such events stand in the ledger comes out as one that hears of them in time."""
    for of_bill in (waiver(1, 8, (1_000, 0, 0, 0)), Transaction(on=day(8), kind=Kind.RE_AGE, number=1, due_on=day(60))):
        told = recorded(account(bill(1, 10)), of_bill)
        assert replay(told) == told.balances
