"""Calendar (营业日历): the ledger's own day of one tenant, moved by explicit commands, never by a clock.

    Absent ─opened(d)─▶ Open(d) ─end_of_day_started(d)─▶ Closing(d) ─step_done × n─▶ ─day_closed(d, d+1)─▶ Open(d+1)

One stream for each tenant, day by day, forward only. A day that is being closed says which steps are left, so that
whoever goes on after a fault knows where. Beside it: `timers` (what is due and its key) and `working_days`.
"""

from __future__ import annotations

from uuid import UUID, uuid5

from domain.calendar import refusals
from domain.calendar.commands import CloseDay, OpenCalendar, RecordStep, StartEndOfDay
from domain.calendar.decide import COMMANDS, decide, evolve
from domain.calendar.events import CalendarOpened, DayClosed, EndOfDayStarted, EndOfDayStepDone
from domain.calendar.state import CalendarState, Phase
from domain.calendar.timers import Timer, is_month_end, month_end
from domain.kernel import Decider

CALENDAR = Decider(name="calendar", initial=CalendarState(), decide=decide, evolve=evolve)
"""The aggregate, registered under the first part of its event types."""


def calendar_stream(tenant: UUID) -> UUID:
    """The stream of a tenant's calendar: derived from the tenant's id, so that there is one and everyone finds it."""
    return uuid5(tenant, CALENDAR.name)


__all__ = [
    "CALENDAR",
    "COMMANDS",
    "CalendarOpened",
    "CalendarState",
    "CloseDay",
    "DayClosed",
    "EndOfDayStarted",
    "EndOfDayStepDone",
    "OpenCalendar",
    "Phase",
    "RecordStep",
    "StartEndOfDay",
    "Timer",
    "calendar_stream",
    "decide",
    "evolve",
    "is_month_end",
    "month_end",
    "refusals",
]
