"""The kinds of timers as data: their order within a day, and what each event type does to them.

    kind                 opened by                          due                               closed by
    application_expiry   application.drafted                the day after its last day        any end of the case
    consent_expiry       consent.requested, granted, …      the day after its last day        any end of it
    offer_expiry         application.offer_presented        `OFFER_VALID_DAYS` later          any answer to the offer
    interest_accrual     lease.created, in finance         every month end                   any end of the lease
    bill                 lease.created (wakes: activated)   due date less the plan's lead     lease.bill_issued
    late_fee             lease.created                      every month end                   any end of the lease
    mandate_expiry       mandate.granted                    the day after its last day        any end of it
    demand_cure          lease.demand_served                the day after `cure_by`           its answer, an end
    payment_retry        payment.initiated, retry_scheduled its day                           the next attempt, an end
    payment_query        payment.pending, outcome_unknown   the next, or the same day         its outcome
    payment_refund       payment.refund_requested           the same day                      refunded, refund_failed

Orders are the business's: what expires goes first, interest is earned before the bill that contains it, a late fee is
assessed on what is billed, and money is collected last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from msgspec import Struct

from domain.calendar.timers import month_end
from domain.intake.application import events as application
from domain.kernel.event import Event
from domain.kernel.values import Business
from domain.leasing.lease.events import lifecycle as lease
from domain.leasing.lease.events import money
from domain.parties import consent
from domain.payments import mandate
from domain.payments.payment import events as payment
from domain.pricing.schedules import Instalment

OFFER_VALID_DAYS = 14
"""How long a presented offer stands; a policy of the lessor."""

_DAY = timedelta(days=1)
_ZERO_RATES = frozenset({"0", "0.0"})


class TimerKind(Struct, frozen=True):
    """One kind: its place in the order of a day and whether it recurs at every month end."""

    name: str
    order: int
    recurring: bool = False


KINDS = (
    TimerKind("application_expiry", 10),
    TimerKind("consent_expiry", 20),
    TimerKind("mandate_expiry", 25),
    TimerKind("offer_expiry", 30),
    TimerKind("interest_accrual", 40, recurring=True),
    TimerKind("bill", 50),
    TimerKind("late_fee", 60, recurring=True),
    TimerKind("demand_cure", 70),
    TimerKind("payment_retry", 80),
    TimerKind("payment_query", 90),
    TimerKind("payment_refund", 95),
)
KIND_OF = {kind.name: kind for kind in KINDS}
RECURRING = frozenset(kind.name for kind in KINDS if kind.recurring)

# ------------------------------------------------------------------------------------------------ changes


class Opens(Struct, frozen=True):
    """A timer is open from now on, instead of an earlier one of its kind and number.

    `dormant`: the aggregate's timers are not due before it wakes.
    """

    kind: str
    number: int
    due_on: date
    dormant: bool = False


class Closes(Struct, frozen=True):
    """A timer is closed; without a number, every one of its kind."""

    kind: str
    number: int | None = None


class Wakes(Struct, frozen=True):
    """The aggregate's timers are due from now on."""


class Lead(Struct, frozen=True):
    """Bills of this lease are issued so many days before they are due."""

    days: int


class Ends(Struct, frozen=True):
    """The aggregate waits for nothing any more."""


Change = Opens | Closes | Wakes | Lead | Ends
Rule = Callable[[Any, date, int], Iterable[Change]]
"""From an event, its business date and the lead days of the lease."""

_END: Rule = lambda event, on, lead: (Ends(),)  # noqa: E731


def _bills(schedule: Iterable[Instalment], lead: int, *, dormant: bool = False) -> list[Change]:
    return [Opens("bill", one.number, one.due_on - timedelta(days=lead), dormant) for one in schedule]


def _created(event: lease.LeaseCreated, on: date, lead: int) -> Iterable[Change]:
    yield Lead(event.bill_lead_days)
    yield from _bills(event.schedule, event.bill_lead_days, dormant=True)
    if event.business is Business.FINANCE and event.annual_rate not in _ZERO_RATES:
        yield Opens("interest_accrual", 0, month_end(on), dormant=True)
    if event.late_fee_daily_rate not in _ZERO_RATES:
        yield Opens("late_fee", 0, month_end(on), dormant=True)


def _restructured(event: lease.LeaseRestructured, on: date, lead: int) -> Iterable[Change]:
    return (Closes("bill"), Closes("demand_cure"), *_bills(event.schedule, lead))


def _expires(kind: str, field: str = "expires_on") -> Rule:
    """The day after the last one, if there is a last one; an earlier last day counts no more."""

    def opens(event: Event, on: date, lead: int) -> Iterable[Change]:
        last = getattr(event, field)
        return (Closes(kind),) if last is None else (Opens(kind, 0, last + _DAY),)

    return opens


def _initiated(event: payment.PaymentInitiated, on: date, lead: int) -> Iterable[Change]:
    return () if event.collect_on is None else (Opens("payment_retry", 1, event.collect_on),)


def _closes(*kinds: str) -> Rule:
    changes = tuple(Closes(kind) for kind in kinds)
    return lambda event, on, lead: changes


def _paid(event: payment.PaymentSucceeded | payment.PaymentOverpaid, on: date, lead: int) -> Iterable[Change]:
    """Nothing is tried again; another attempt that is still out is asked for until it is known how it ended."""
    return Closes("payment_retry"), Closes("payment_query", event.attempt)


_NO_MORE_BILLS = _closes("bill", "interest_accrual", "demand_cure")
_DEMAND_ANSWERED = _closes("demand_cure")
_OFFER_ANSWERED = _closes("offer_expiry")

RULES: Mapping[type[Event], Rule] = {
    application.ApplicationDrafted: _expires("application_expiry"),
    application.OfferPresented: lambda event, on, lead: (
        Opens("offer_expiry", event.offer, on + timedelta(days=OFFER_VALID_DAYS)),
    ),
    application.OfferAccepted: _OFFER_ANSWERED,
    application.OfferCancelled: lambda event, on, lead: (Closes("offer_expiry", event.offer),),
    application.OfferDeclined: lambda event, on, lead: (Closes("offer_expiry", event.offer),),
    application.ApplicationCompleted: _END,
    application.ApplicationDeclined: _END,
    application.ApplicationWithdrawn: _END,
    application.ApplicationExpired: _END,
    consent.ConsentRequested: _expires("consent_expiry"),
    consent.ConsentGranted: _expires("consent_expiry"),
    consent.ConsentRenewed: _expires("consent_expiry"),
    consent.ConsentDeclined: _END,
    consent.ConsentWithdrawn: _END,
    consent.ConsentExpired: _END,
    lease.LeaseCreated: _created,
    money.LeaseActivated: lambda event, on, lead: (Wakes(),),
    money.BillIssued: lambda event, on, lead: (Closes("bill", event.number),),
    lease.LeaseRestructured: _restructured,
    lease.LeaseRenewed: lambda event, on, lead: _bills(event.schedule, lead),
    lease.DemandServed: _expires("demand_cure", "cure_by"),
    lease.CureAchieved: _DEMAND_ANSWERED,
    lease.CureExpired: _DEMAND_ANSWERED,
    lease.BillsReAged: _DEMAND_ANSWERED,
    lease.RemedyElected: _DEMAND_ANSWERED,
    lease.LeaseAccelerated: _NO_MORE_BILLS,
    lease.LeaseTerminated: _NO_MORE_BILLS,
    lease.LeaseEarlySettled: _NO_MORE_BILLS,
    lease.AssetTotallyLost: _NO_MORE_BILLS,
    lease.AssetReturned: _NO_MORE_BILLS,
    money.BuyoutCompleted: _NO_MORE_BILLS,
    money.LeaseChargedOff: _END,
    money.LeaseClosed: _END,
    payment.PaymentInitiated: _initiated,
    payment.RetryScheduled: lambda event, on, lead: (Opens("payment_retry", event.attempt, event.not_before),),
    payment.AttemptStarted: _closes("payment_retry"),
    payment.PaymentPending: lambda event, on, lead: (Opens("payment_query", event.attempt, on + _DAY),),
    payment.OutcomeUnknown: lambda event, on, lead: (Opens("payment_query", event.attempt, on),),
    payment.PaymentFailed: lambda event, on, lead: (Closes("payment_query", event.attempt),),
    payment.ChannelSwitched: lambda event, on, lead: (Opens("payment_retry", event.attempt, event.not_before),),
    payment.PaymentSucceeded: _paid,
    payment.PaymentOverpaid: _paid,
    payment.PaymentCancelled: _closes("payment_retry"),
    payment.RefundRequested: lambda event, on, lead: (Opens("payment_refund", event.number, on),),
    payment.PaymentRefunded: lambda event, on, lead: (Closes("payment_refund", event.number),),
    payment.RefundFailed: lambda event, on, lead: (Closes("payment_refund", event.number),),
    mandate.MandateGranted: _expires("mandate_expiry", "valid_until"),
    mandate.MandateRevoked: _END,
    mandate.MandateExpired: _END,
}
EVENTS = frozenset(RULES)


def changes(event: Event, on: date, lead_days: int) -> tuple[Change, ...]:
    """What an event of business date `on` does to the timers of its aggregate."""
    return tuple(RULES[type(event)](event, on, lead_days))
