"""Timers of an application: the last day of the case, and how long a presented offer stands."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from domain.intake.application.commands import CancelOffer, ExpireApplication
from domain.intake.application.events import (
    ApplicationCompleted,
    ApplicationDeclined,
    ApplicationDrafted,
    ApplicationExpired,
    ApplicationWithdrawn,
    OfferAccepted,
    OfferCancelled,
    OfferDeclined,
    OfferPresented,
)
from domain.kernel.timer import Change, Opens, TimerKind, all_close, closes_number, expire

OFFER_VALID_DAYS = 14
"""How long a presented offer stands; a policy of the lessor."""

_ENDED = all_close(ApplicationCompleted, ApplicationDeclined, ApplicationWithdrawn, ApplicationExpired)


def _presented(event: OfferPresented, on: date, lead_days: int) -> Iterable[Change]:
    return (Opens(on + timedelta(days=OFFER_VALID_DAYS), event.offer),)


APPLICATION_EXPIRY = TimerKind(
    name="application_expiry",
    order=10,
    command=lambda timer, day: ExpireApplication(),
    changes=expire("expires_on", ApplicationDrafted) | _ENDED,
)
OFFER_EXPIRY = TimerKind(
    name="offer_expiry",
    order=30,
    command=lambda timer, day: CancelOffer(),
    changes={
        OfferPresented: _presented,
        OfferCancelled: closes_number("offer"),
        OfferDeclined: closes_number("offer"),
        **all_close(OfferAccepted),
        **_ENDED,
    },
)
TIMERS = (APPLICATION_EXPIRY, OFFER_EXPIRY)
