"""The decider of this aggregate."""

from __future__ import annotations

from uuid import UUID, uuid5

from domain.calendar.rules import decide, evolve
from domain.calendar.state import CalendarState
from domain.kernel.decider import Decider

CALENDAR = Decider(name="calendar", initial=CalendarState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""


def calendar_stream(tenant: UUID) -> UUID:
    """The stream of a tenant's calendar: derived from the tenant's id, so that there is one and everyone finds it."""
    return uuid5(tenant, CALENDAR.name)
