"""Timers of a lease: its bills, what is earned and owed at month ends, the answer to a demand.

A lease waits for nothing before it is activated. Bills are issued so many days ahead as the plan says; what ends the
lease ends bills and interest, while late fees go on until it is settled or written off.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from domain.kernel.event import Event
from domain.kernel.timer import (
    Change,
    Changes,
    Closes,
    Leads,
    Opens,
    TimerKind,
    Wakes,
    all_close,
    closes_number,
    expire,
)
from domain.kernel.times import month_end
from domain.kernel.values import Business
from domain.leasing.lease.commands import AccrueInterest, AssessLateFees, IssueBill, RecordCureExpired
from domain.leasing.lease.events.lifecycle import (
    AssetReturned,
    AssetTotallyLost,
    BillsReAged,
    CureAchieved,
    CureExpired,
    DemandServed,
    LeaseAccelerated,
    LeaseCreated,
    LeaseEarlySettled,
    LeaseRenewed,
    LeaseRestructured,
    LeaseTerminated,
    RemedyElected,
)
from domain.leasing.lease.events.money import BillIssued, BuyoutCompleted, LeaseActivated, LeaseChargedOff, LeaseClosed
from domain.pricing.schedules import Instalment

_ZERO_RATES = frozenset({"0", "0.0"})
_OVER: dict[type[Event], Changes] = all_close(LeaseChargedOff, LeaseClosed)
_ENDED: dict[type[Event], Changes] = _OVER | all_close(
    LeaseAccelerated, LeaseTerminated, LeaseEarlySettled, AssetTotallyLost, AssetReturned, BuyoutCompleted
)


def _activated(event: LeaseActivated, on: date, lead_days: int) -> Iterable[Change]:
    return (Wakes(),)


def _bills(schedule: Iterable[Instalment], lead_days: int, *, dormant: bool = False) -> Iterable[Change]:
    return (Opens(one.due_on - timedelta(days=lead_days), one.number, dormant) for one in schedule)


def _created(event: LeaseCreated, on: date, lead_days: int) -> Iterable[Change]:
    return (Leads(event.bill_lead_days), *_bills(event.schedule, event.bill_lead_days, dormant=True))


def _restructured(event: LeaseRestructured, on: date, lead_days: int) -> Iterable[Change]:
    return (Closes(), *_bills(event.schedule, lead_days))


def _renewed(event: LeaseRenewed, on: date, lead_days: int) -> Iterable[Change]:
    return _bills(event.schedule, lead_days)


def _accrues(event: LeaseCreated, on: date, lead_days: int) -> Iterable[Change]:
    if event.business is Business.FINANCE and event.annual_rate not in _ZERO_RATES:
        yield Opens(month_end(on), dormant=True)


def _charges(event: LeaseCreated, on: date, lead_days: int) -> Iterable[Change]:
    if event.late_fee_daily_rate not in _ZERO_RATES:
        yield Opens(month_end(on), dormant=True)


INTEREST = TimerKind(
    name="interest_accrual",
    order=40,
    recurring=True,
    doubtful=True,
    command=lambda timer, day: AccrueInterest(up_to=day),
    changes={LeaseCreated: _accrues, LeaseActivated: _activated, **_ENDED},
)
BILL = TimerKind(
    name="bill",
    order=50,
    command=lambda timer, day: IssueBill(number=timer.number),
    changes={
        LeaseCreated: _created,
        LeaseActivated: _activated,
        BillIssued: closes_number("number"),
        LeaseRestructured: _restructured,
        LeaseRenewed: _renewed,
        **_ENDED,
    },
)
LATE_FEE = TimerKind(
    name="late_fee",
    order=60,
    recurring=True,
    doubtful=True,
    command=lambda timer, day: AssessLateFees(up_to=day),
    changes={LeaseCreated: _charges, LeaseActivated: _activated, **_OVER},
)
DEMAND_CURE = TimerKind(
    name="demand_cure",
    order=70,
    command=lambda timer, day: RecordCureExpired(),
    changes=expire("cure_by", DemandServed)
    | all_close(CureAchieved, CureExpired, BillsReAged, RemedyElected, LeaseRestructured)
    | _ENDED,
)
TIMERS = (INTEREST, BILL, LATE_FEE, DEMAND_CURE)
