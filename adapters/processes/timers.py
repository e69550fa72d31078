"""Firing timers: which command of which aggregate each kind of timer is.

    Timer ──firing──▶ Issue(command, key `timer:<kind>:<stream hex>:<due date>:<number>`)

The timers of payments have no command: what an attempt asks for depends on what is open then
(`adapters.processes.collection`), and what follows from a query on the provider's answer
(`adapters.processes.closing_steps`). They stay until an event closes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from msgspec import Struct

from adapters.processes.dispatch import Issue, context
from domain.calendar.timers import Timer
from domain.intake.application.commands import CancelOffer, ExpireApplication
from domain.intake.application.rules import APPLICATION
from domain.kernel.command import Command
from domain.kernel.decider import Decider
from domain.leasing.lease.commands import AccrueInterest, AssessLateFees, IssueBill, RecordCureExpired
from domain.leasing.lease.rules.decider import LEASE
from domain.parties.consent import CONSENT, ExpireConsent
from domain.payments.mandate import MANDATE, ExpireMandate

ACTOR_PREFIX = "timer:"
"""The actor of a fired timer is the system, by the id `timer:<kind>`."""


class Firing(Struct, frozen=True):
    """What firing a kind of timer is: an aggregate's command, made from the timer and the day.

    `doubtful`: most of the time there is nothing to do, and the aggregate says so by a refusal.
    """

    decider: Decider[Any]
    command: Callable[[Timer, date], Command]
    doubtful: bool = False


FIRINGS: Mapping[str, Firing] = {
    "application_expiry": Firing(APPLICATION, lambda _timer, _day: ExpireApplication()),
    "consent_expiry": Firing(CONSENT, lambda _timer, _day: ExpireConsent()),
    "mandate_expiry": Firing(MANDATE, lambda _timer, _day: ExpireMandate()),
    "offer_expiry": Firing(APPLICATION, lambda _timer, _day: CancelOffer()),
    "interest_accrual": Firing(LEASE, lambda _timer, day: AccrueInterest(up_to=day), doubtful=True),
    "bill": Firing(LEASE, lambda timer, _day: IssueBill(number=timer.number)),
    "late_fee": Firing(LEASE, lambda _timer, day: AssessLateFees(up_to=day), doubtful=True),
    "demand_cure": Firing(LEASE, lambda _timer, _day: RecordCureExpired()),
}


def fire(tenant: UUID, timer: Timer, day: date, firings: Mapping[str, Firing] = FIRINGS) -> Issue | None:
    """The issue that firing a timer on a business date is; `None` for a kind that no command belongs to."""
    firing = firings.get(timer.kind)
    if firing is None:
        return None
    return Issue(
        decider=firing.decider,
        stream=timer.stream,
        key=timer.key,
        command=firing.command(timer, day),
        context=context(tenant, timer.key, day, ACTOR_PREFIX + timer.kind, timer.stream),
        doubtful=firing.doubtful,
    )
