"""The business day, and what is due next."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from adapters.postgres.connections import Connection
from adapters.postgres.schema import SHARD
from api.permissions import Permission
from api.queries.engine.parameters import STARTING_AFTER, Cursor, ParameterInvalid, day_of, identifier
from api.queries.engine.read import Read, ReadRequest, ReadResult
from api.queries.engine.shape import derived
from domain.calendar.calendar import calendar_stream
from domain.kernel.fields import one_of
from domain.kernel.ids import format_id
from domain.kernel.timer import Timer
from domain.registry import TIMER_KINDS, WAITING
from projections.calendar import business_day, timers
from projections.calendar.timers import TIMERS
from projections.engine.pages import resolve

_PLACE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})/([a-z_]+)/([a-z]+_[0-9a-f]{32})/([0-9]{1,9})")
_CALENDAR, _calendar = derived(business_day.BusinessDay, "Calendar", without=())


class TimerItem(Struct, frozen=True):
    """One thing that is due: what kind, for which aggregate, on which business date; a bill or attempt by `number`."""

    due_on: date
    kind: str
    of: Annotated[str, Meta(pattern="^[a-z]+_[0-9a-f]{32}$")]
    number: int


class TimerFilter(Struct, frozen=True, kw_only=True):
    """Which timers are wanted."""

    kind: Annotated[str | None, Meta(description="Only of this kind.", examples=["bill"]), one_of(TIMER_KINDS)] = None
    first: Annotated[date | None, Meta(description="Due on this day or later.")] = field(default=None, name="from")
    last: Annotated[date | None, Meta(description="Due on this day or earlier.")] = field(default=None, name="to")


def business_date(connection: Connection, tenant: UUID, position: int) -> date | None:
    """The business date of a tenant at a position; `None` before its calendar is opened."""
    return business_day.business_day(connection, calendar_stream(tenant), position).business_date


def _read_calendar(request: ReadRequest) -> ReadResult:
    """The tenant's business date, and the steps of its end of day while that is under way: as fresh as the ledger."""
    day = business_day.business_day(request.connection, calendar_stream(request.tenant), request.moment)
    return ReadResult(_calendar(day), request.moment, version=day.version)


def _list_timers(request: ReadRequest) -> ReadResult:
    """What is due next, by day and by the order of kinds within a day: as it will be fired at the ends of days.

    What recurs at month ends stands there once, with the next one from the business date on.
    """
    position = resolve(request.connection, TIMERS, SHARD, request.position)
    day = business_day.business_day(request.connection, calendar_stream(request.tenant), position)
    filters = request.filters
    page = timers.listing(
        request.connection, request.tenant, day.business_date,
        where=timers.TimerCriteria(kind=filters.kind, first=filters.first, last=filters.last), limit=request.limit,
        starting_after=request.after, as_of_position=request.position,
    )  # fmt: skip
    return ReadResult(tuple(map(_item, page.timers)), page.position, page.next_after)


def _item(timer: Timer) -> TimerItem:
    return TimerItem(timer.due_on, timer.kind, format_id(WAITING[timer.kind].name, timer.stream), timer.number)


def _place(text: str) -> Timer:
    match = _PLACE.fullmatch(text)
    kind = TIMER_KINDS.get(match[2]) if match else None
    if match is None or kind is None:
        raise ParameterInvalid(STARTING_AFTER, "identifier")
    on = day_of(STARTING_AFTER, match[1])
    stream = identifier(STARTING_AFTER, WAITING[kind.name].name, match[3])
    return Timer(on, kind.order, kind.name, stream, int(match[4]))


def _text(timer: Timer) -> str:
    return f"{timer.due_on}/{timer.kind}/{format_id(WAITING[timer.kind].name, timer.stream)}/{timer.number}"


_CURSOR = Cursor(Annotated[str, Meta(pattern=f"^{_PLACE.pattern}$")], _place, _text, "Continue behind this timer.")

READS = (
    Read(
        path="/calendar", query=_read_calendar, answer=_CALENDAR, permission=Permission.READ_RECORDS,
        tag="calendar", versioned=True,
    ),
    Read(
        path="/timers", query=_list_timers, answer=TimerItem, many=True, filters=TimerFilter, models=(TIMERS,),
        cursor=_CURSOR, permission=Permission.READ_RECORDS, tag="calendar",
    ),
)  # fmt: skip
