"""The account of a lease: its transactions in the order of their dates, and the balances they come to.

Balances are a function of the set of transactions and of the day up to which late fees were assessed, never of the
order in which anybody learned of them. A payment that is posted late, or found to have failed, is put where it belongs
and everything after it is gone through again (`posted`, `withdrawn`); what changed by that is the effect of the posting
(`effect`), and the only thing an event has to tell.

    day 1      bill 1 ─ waiver ─ payment ─ refund      within one day in this order; payments of one day add up
    day 2      late fees of the day pass first, then     bill 2 ─ …

* Money pays the oldest bill first, and within a bill its components in the order of the allocation policy.
* Money beyond what is billed is credit, and meets the next bill when that is issued.
* A late fee is the daily rate × overdue principal and interest × days after due date and grace, summed exactly and
  rounded half up once per bill. It is assessed up to the day of each payment and waiver, and by an assessment.
* Nothing that concerns a bill counts before the bill: what people do is of the clock's day, and the clock may have been
  ahead when the bill was issued.
* A waiver is final: what was paid of a waived amount becomes credit, and a waived late fee stays assessed.
* A reversed payment is one that never was. Credit may fall below zero when a payment is reversed that was refunded:
  then the lessee owes it, and the next money goes there first.
"""

from __future__ import annotations

from bisect import insort_right
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.leasing.balances import AT, LATE_FEE_AT, ZERO, AccountPolicy, Balances, Four, Kind, Transaction
from domain.leasing.run import Run, with_late_fee, with_paid
from domain.leasing.values import COMPONENTS, Applied


class Account(Struct, frozen=True, kw_only=True):
    """Policy, transactions in order, the last day late fees were assessed to, and the balances that follow."""

    terms: AccountPolicy = AccountPolicy()
    transactions: tuple[Transaction, ...] = ()
    assessed_to: date = date.min
    balances: Balances = Balances()


class Effect(NamedTuple):
    """Effect of a posting: paid amounts, credit, and late fees as `(bill, change)`; zero changes are left out."""

    applied: tuple[Applied, ...]
    credit_fen: int
    late_fees: tuple[tuple[int, int], ...]


def replay(account: Account) -> Balances:
    """The balances from nothing: every transaction in order, late fees assessed on the way."""
    run = Run(account.terms, Balances())
    assessed_to = account.assessed_to
    pending = assessed_to > date.min
    for transaction in account.transactions:
        if pending and transaction.on > assessed_to:
            run.assess(assessed_to)
            pending = False
        run.step(transaction)
    if pending:
        run.assess(assessed_to)
    return run.balances()


def posted(account: Account, transaction: Transaction) -> Account:
    """The account with one more transaction: a step at the end of the chronology, a replay before it."""
    transactions, at_end = _inserted(account, transaction)
    if not at_end:
        return _replayed(replace(account, transactions=transactions))
    run = Run(account.terms, account.balances)
    run.step(transactions[-1])
    return replace(account, transactions=transactions, balances=run.balances())


def withdrawn(account: Account, payment: UUID) -> Account:
    """The account as if a payment had never been. Raises `KeyError` when there is none with this id."""
    kept = tuple(known for known in account.transactions if known.payment != payment)
    if len(kept) == len(account.transactions):
        raise KeyError(payment)
    return _replayed(replace(account, transactions=kept))


def assessed(account: Account, up_to: date) -> Account:
    """The account with late fees assessed up to and including a day; an earlier day than before changes nothing."""
    if up_to <= account.assessed_to:
        return account
    if up_to < account.balances.on:
        return _replayed(replace(account, assessed_to=up_to))
    run = Run(account.terms, account.balances)
    run.assess(up_to)
    return replace(account, assessed_to=up_to, balances=run.balances())


def effect(before: Balances, after: Balances) -> Effect:
    """The difference between two balances of one account."""
    known = {bill.number: bill for bill in before.bills}
    applied: list[Applied] = []
    late_fees: list[tuple[int, int]] = []
    for bill in after.bills:
        old = known.get(bill.number)
        if old is bill:
            continue
        paid, late = (ZERO, 0) if old is None else (old.paid, old.amount[LATE_FEE_AT])
        if paid != bill.paid:
            applied += _moved(bill.number, paid, bill.paid)
        if late != bill.amount[LATE_FEE_AT]:
            late_fees.append((bill.number, bill.amount[LATE_FEE_AT] - late))
    return Effect(tuple(applied), after.credit_fen - before.credit_fen, tuple(late_fees))


def _moved(number: int, before: Four, after: Four) -> Iterable[Applied]:
    for component, was, now in zip(COMPONENTS, before, after, strict=True):
        if was != now:
            yield Applied(number=number, component=component, fen=now - was)


def is_back_dated(account: Account, on: date) -> bool:
    """Whether a day lies before one that was gone through already."""
    return on < account.balances.on


# ------------------------------------------------------------------------------- what events say, without judging


def recorded(
    account: Account, transaction: Transaction | None, applied: Iterable[Applied] = (), credit_fen: int = 0
) -> Account:
    """The account after an event that says what a transaction, if it is one, changed.

    The event's amounts are what counts; only overdue days are counted here.
    """
    if transaction is None:
        return replace(account, balances=_changed(account.balances, applied, credit_fen))
    transactions, at_end = _inserted(account, transaction)
    after = replace(account, transactions=transactions)
    if at_end:
        run = Run(account.terms, account.balances)
        run.count_days(transactions[-1].on)
        run.register(transactions[-1])
        run.credit_fen += credit_fen
        return replace(after, balances=_changed(run.balances(), applied, 0))
    return _recounted(after, transaction, applied, credit_fen)


def recorded_withdrawal(account: Account, payment: UUID, applied: Iterable[Applied], credit_fen: int) -> Account:
    """The account after an event that says what the reversal of a payment changed."""
    kept = tuple(known for known in account.transactions if known.payment != payment)
    return _recounted(replace(account, transactions=kept), None, applied, credit_fen)


def recorded_late_fee(account: Account, number: int, fen: int, up_to: date) -> Account:
    """The account after an event that says how a late fee changed, assessed up to a day."""
    run = Run(account.terms, account.balances)
    run.count_days(up_to)
    for at, bill in enumerate(run.bills):
        if bill.number == number:
            run.bills[at] = with_late_fee(bill, bill.amount[LATE_FEE_AT] + fen)
    assessed_to = max(account.assessed_to, up_to)
    return replace(account, assessed_to=assessed_to, balances=run.balances())


def _recounted(
    account: Account, transaction: Transaction | None, applied: Iterable[Applied], credit_fen: int
) -> Account:
    """An account whose past changed: amounts as the event says, overdue days as a replay counts them."""
    run = Run(account.terms, account.balances)
    if transaction is not None:
        run.register(transaction)
    changed = _changed(run.balances(), applied, credit_fen)
    fresh = replay(account)
    days = {bill.number: bill.overdue_day_fen for bill in fresh.bills}
    bills = tuple(replace(bill, overdue_day_fen=days.get(bill.number, 0)) for bill in changed.bills)
    return replace(account, balances=replace(changed, bills=bills, on=fresh.on))


def _changed(balances: Balances, applied: Iterable[Applied], credit_fen: int) -> Balances:
    """Balances with the changes of an event; one of an unknown bill changes nothing."""
    changes: dict[int, list[int]] = {}
    for change in applied:
        changes.setdefault(change.number, [0, 0, 0, 0])[AT[change.component]] += change.fen
    if not changes:
        return replace(balances, credit_fen=balances.credit_fen + credit_fen) if credit_fen else balances
    bills = list(balances.bills)
    for at, bill in enumerate(bills):
        if (change_of := changes.get(bill.number)) is not None:
            bills[at] = with_paid(bill, change_of)
    return Balances(bills=tuple(bills), credit_fen=balances.credit_fen + credit_fen, on=balances.on)


def _key(transaction: Transaction) -> tuple[date, int, int]:
    return transaction.on, transaction.kind, transaction.number


def _inserted(account: Account, transaction: Transaction) -> tuple[tuple[Transaction, ...], bool]:
    """The transactions with one more, and whether it comes last of all that was gone through."""
    known, transaction = _behind_their_bills(account.transactions, transaction)
    last = known is account.transactions and transaction.on >= account.balances.on
    if last and (not known or _key(transaction) >= _key(known[-1])):
        return (*known, transaction), True
    ordered = list(known)
    insort_right(ordered, transaction, key=_key)
    return tuple(ordered), False


_OF_A_BILL = frozenset({Kind.RE_AGE, Kind.WAIVER})


def _behind_their_bills(
    known: tuple[Transaction, ...], added: Transaction
) -> tuple[tuple[Transaction, ...], Transaction]:
    """What is known and what is added; what concerns a bill on the day of its issue, where its own day is before."""
    if added.kind in _OF_A_BILL:
        bill = (Kind.BILL, added.number)
        issued_on = next((one.on for one in known if (one.kind, one.number) == bill), date.min)
        return known, replace(added, on=max(added.on, issued_on))
    if added.kind is Kind.BILL and any(_is_before(one, added) for one in known):
        moved = (replace(one, on=added.on) if _is_before(one, added) else one for one in known)
        return tuple(sorted(moved, key=_key)), added
    return known, added


def _is_before(one: Transaction, bill: Transaction) -> bool:
    return one.kind in _OF_A_BILL and one.number == bill.number and one.on < bill.on


def _replayed(account: Account) -> Account:
    return replace(account, balances=replay(account))
