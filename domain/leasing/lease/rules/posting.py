"""Events of an account change: late fees, bills that credit pays, replays of late payments; schedules."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from itertools import chain, groupby
from typing import TypeVar

from domain.kernel.decider import Events
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal
from domain.kernel.values import Business, canonical_json
from domain.leasing.account import Account, assessed, effect, posted
from domain.leasing.balances import Balances, Kind, Transaction
from domain.leasing.lease import refusals as r
from domain.leasing.lease.events import lifecycle as e
from domain.leasing.lease.events import money as m
from domain.leasing.lease.evolve import waivers
from domain.leasing.lease.state import LeaseState
from domain.leasing.values import COMPONENTS, Applied, BillKind, Part
from domain.pricing.schedules import Instalment

A = TypeVar("A", Applied, Part)
Make = Callable[[tuple[Applied, ...], int], Event]

BILLS_AT_ONCE = 50
"""Bills of which one event names amounts: an entry of 16 KiB has room for the four longest of so many."""

_POINTS = frozenset({Kind.PAYMENT, Kind.WAIVER})


def events_of(before: Account, after: Account, on: date, make: Make) -> Events:
    """The event that `make` makes of what changed, between late fees that rose and late fees that fell.

    What changes more bills than one event names goes through credit, on the day from which the money counts: money that
    came meets the rest of the bills after its event, money that is taken back leaves them before it.
    """
    changed = effect(before.balances, after.balances)
    first, *rest = batched(changed.applied) or ((),)
    through_fen = sum(one.fen for some in rest for one in some)
    event = make(first, changed.credit_fen + through_fen)
    more = tuple(m.CreditApplied(on=on, applied=some, credit_fen=-sum(one.fen for one in some)) for some in rest)
    happened = (event, *more) if through_fen >= 0 else (*more, event)
    if not changed.late_fees:
        return happened
    rose, fell = late_fee_events(changed.late_fees, last_point(after))
    return (*rose, *happened, *fell)


def batched(amounts: Iterable[A]) -> list[tuple[A, ...]]:
    """Amounts of bills in their order, of so many whole bills at a time as one event names."""
    bills = [tuple(same) for _, same in groupby(amounts, key=lambda one: one.number)]
    return [tuple(chain.from_iterable(bills[at : at + BILLS_AT_ONCE])) for at in range(0, len(bills), BILLS_AT_ONCE)]


def late_fee_events(late_fees: Iterable[tuple[int, int]], up_to: date) -> tuple[Events, Events]:
    """Late fees that rose, which are owed before money is applied, and those that fell, given back after it."""
    events = [m.LateFeeAssessed(number=number, fen=fen, up_to=up_to) for number, fen in late_fees]
    return tuple(x for x in events if x.fen > 0), tuple(x for x in events if x.fen < 0)


def last_point(account: Account) -> date:
    """The last day up to which late fees are assessed: by assessment, payment or waiver."""
    points = (known.on for known in reversed(account.transactions) if known.kind in _POINTS)
    return max(account.assessed_to, next(points, date.min))


def issued(
    account: Account,
    instalment: Instalment,
    on: date,
    accrued_fen: int,
    business: Business,
    kind: BillKind = BillKind.INSTALMENT,
) -> tuple[Events, Account]:
    """A bill of an instalment, the late fee and the credit that meet it at once; with the account after all of them."""
    parts = (instalment.principal_fen, instalment.interest_fen, instalment.fee_fen, 0)
    number, due_on = instalment.number, instalment.due_on
    after = posted(account, Transaction(on=on, kind=Kind.BILL, number=number, due_on=due_on, parts=parts))
    bill = m.BillIssued(
        number=number,
        issued_on=on,
        due_on=due_on,
        principal_fen=instalment.principal_fen,
        interest_fen=instalment.interest_fen,
        fee_fen=instalment.fee_fen,
        accrued_fen=accrued_fen,
        business=business,
        kind=kind,
    )
    met = effect(account.balances, after.balances)
    # Money may have passed the due date before the bill of a late evening: it pays the late fee, which is told first.
    rose, fell = late_fee_events(met.late_fees, last_point(after))
    paid = (m.CreditApplied(on=on, applied=met.applied, credit_fen=met.credit_fen),) if met.applied else ()
    return (bill, *rose, *paid, *fell), after


def last_instalment(state: LeaseState, on: date, due_on: date, fee_fen: int = 0) -> Instalment:
    """The rest of a finance lease as one instalment: remaining principal, interest earned by a day, a fee."""
    return Instalment(
        number=state.next_number,
        due_on=due_on,
        principal_fen=state.unbilled_principal_fen,
        interest_fen=state.earned_interest_fen(on),
        fee_fen=fee_fen,
    )


def rest_billed(state: LeaseState, on: date) -> Events:
    """The bill of what a finance lease still is worth to the lessor; a rental that ends has none."""
    if state.business is Business.RENTAL or not state.unbilled:
        return ()
    rest = last_instalment(state, on, on)
    return issued(state.account, rest, on, state.accrued_fen, state.business, BillKind.REST)[0]


def fee_billed(state: LeaseState, on: date, fee_fen: int, kind: BillKind) -> Events:
    """A last bill of a fee alone, due today; none of nothing."""
    if not fee_fen:
        return ()
    fee = Instalment(state.next_number, on, 0, 0, fee_fen)
    return issued(state.account, fee, on, 0, state.business, kind)[0]


def written_off(before: Account, on: date) -> Events:
    """Late fees up to a day, and the end of everything that is open after them; nothing when nothing is."""
    owed = assessed(before, on)
    parts = open_parts(owed.balances)
    if not parts:
        return ()
    late, _ = late_fee_events(effect(before.balances, owed.balances).late_fees, on)
    return (*late, *(m.LeaseChargedOff(on=on, parts=some) for some in batched(parts)))


def waived(account: Account, parts: Iterable[Part], on: date) -> Account:
    """The account with parts of its bills waived."""
    for number, amounts in waivers(parts):
        account = posted(account, Transaction(on=on, kind=Kind.WAIVER, number=number, parts=amounts))
    return account


def open_parts(balances: Balances) -> tuple[Part, ...]:
    """Everything that is open, bill by bill."""
    return tuple(
        Part(number=bill.number, component=component, fen=fen)
        for bill in balances.bills
        if bill.open_fen
        for component in COMPONENTS
        if (fen := bill.open_of(component))
    )


def replayed(after: Account, since: date) -> e.ScheduleReplayed:
    """The mark that the account was gone through again from a day on."""
    digest = hashlib.sha256(canonical_json(after.balances)).hexdigest()
    return e.ScheduleReplayed(from_date=since, digest=digest)


def schedule_wrong(schedule: tuple[Instalment, ...], first: int, not_before: date = date.min) -> Refusal | None:
    """Why a schedule cannot stand: numbers that do not go on from `first`, due dates that do not go forward."""
    earliest = not_before
    for number, instalment in enumerate(schedule, start=first):
        if instalment.number != number:
            return r.SCHEDULE_NUMBERS(expected=number, got=instalment.number)
        if instalment.due_on < earliest:
            return r.SCHEDULE_DATES(instalment=number, earliest=earliest, got=instalment.due_on)
        earliest = instalment.due_on + timedelta(days=1)
    return None
