"""The books of the whole tenant: journal, trial balance, income, revenue to come; ageing and cash."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from api.permissions import Permission
from api.queries.engine.figures import InCurrency, figure
from api.queries.engine.parameters import ParameterInvalid, by_position, suggested
from api.queries.engine.read import Past, Read, ReadRequest, ReadResult
from api.queries.engine.shape import Position
from domain.accounting.chart import ACCOUNTS
from domain.kernel.fields import one_of
from domain.kernel.ids import format_id
from projections.accounting import journal
from projections.accounting.journal import JOURNAL
from projections.accounting.revenue import RevenueSchedule, revenue_schedule
from projections.leasing import ageing, cash_flow
from projections.leasing.ageing import AGEING
from projections.leasing.bills import BILLS
from projections.leasing.lease_book import LEASE_BOOK

_BEFORE, _BEHIND = timedelta(days=31), timedelta(days=61)


def _a_month_before(day: date) -> date:
    return day - _BEFORE


def _two_months_on(day: date) -> date:
    return day + _BEHIND


class EntryFilter(Struct, frozen=True, kw_only=True):
    """Which entries of the journal are wanted."""

    lease: Annotated[UUID | None, Meta(description="Only of this lease.")] = None
    account: Annotated[
        str | None, Meta(description="Only entries with a line on this account."), one_of(ACCOUNTS)
    ] = None  # fmt: skip
    first: Annotated[date | None, Meta(description="First business date.")] = field(default=None, name="from")
    last: Annotated[date | None, Meta(description="Last business date.")] = field(default=None, name="to")


class JournalLine(Struct, frozen=True):
    """One line: an amount on one of the two sides of an account, in fen."""

    account: str
    debit_fen: int
    credit_fen: int


class JournalEntry(Struct, frozen=True):
    """One entry of the journal, made of the event at `position`; its lines balance.

    `source` is the lease, or the tenant's provisions in a currency.
    """

    position: Position
    business_date: date
    type: str
    source: Annotated[str, Meta(pattern="^(lease|provision)_[0-9a-f]{32}$")]
    lines: tuple[JournalLine, ...]


def _list_journal(request: ReadRequest) -> ReadResult:
    """The journal in ledger order: an entry for each money event, with its lines."""
    filters = request.filters
    where = journal.JournalCriteria(
        lease=filters.lease, account=filters.account, first_date=filters.first, last_date=filters.last
    )
    page = journal.entries(
        request.connection, request.tenant, where=where, limit=request.limit, starting_after=request.after or 0,
        as_of_position=request.position,
    )  # fmt: skip
    return ReadResult(tuple(map(_entry, page.entries)), page.position, page.next_after)


def _entry(entry: journal.JournalRow) -> JournalEntry:
    lines = tuple(JournalLine(one.account, one.debit_fen, one.credit_fen) for one in journal.lines_of(entry))
    source = format_id(entry.type.partition(".")[0], entry.stream)
    return JournalEntry(entry.position, entry.business_date, entry.type, source, lines)


class DaysFilter(InCurrency, frozen=True, kw_only=True):
    """The days of a calendar."""

    first: Annotated[
        date, Meta(description="First day.", examples=["2026-01-01"]), suggested(_a_month_before)
    ] = field(name="from")  # fmt: skip
    last: Annotated[
        date,
        Meta(
            description=f"Last day, the first one or later; at most {cash_flow.DAYS_MAX} days in all.",
            examples=["2026-12-31"],
        ),
        suggested(_two_months_on),
    ] = field(name="to")


def _cash_flow(request: ReadRequest) -> cash_flow.CashFlow:
    """The cash-flow calendar: by day, what is expected, what of it is open, and what came in and went out."""
    first, last, currency = request.filters.first, request.filters.last, request.filters.currency
    if not 0 <= (last - first).days < cash_flow.DAYS_MAX:
        raise ParameterInvalid("to", "invalid")
    return cash_flow.cash_flow(
        request.connection, request.tenant, first, last, currency=currency, as_of_position=request.position
    )


def _ageing(request: ReadRequest) -> ageing.Ageing:
    """Leases and open amounts by the oldest unpaid due date, at the end of a business date as known then."""
    currency = request.filters.currency
    return ageing.ageing(
        request.connection, request.tenant, request.day, currency=currency, as_of_position=request.position
    )


def _trial_balance(request: ReadRequest) -> journal.TrialBalance:
    """Turnover and balance of every account, now, at an earlier position, or at the end of a business date."""
    currency = request.filters.currency
    return journal.trial_balance(
        request.connection, request.tenant, request.day, currency=currency, as_of_position=request.position
    )


def _income(request: ReadRequest) -> journal.Income:
    """Income recognised, by month of business dates and account."""
    currency = request.filters.currency
    return journal.income(
        request.connection, request.tenant, request.day, currency=currency, as_of_position=request.position
    )


def _revenue_schedule(request: ReadRequest) -> RevenueSchedule:
    """Revenue to come, as schedules have it: interest that is not accrued and rent that is not billed, by month."""
    currency = request.filters.currency
    return revenue_schedule(request.connection, request.tenant, currency=currency, as_of_position=request.position)


READS = (
    Read(
        path="/journal", query=_list_journal, answer=JournalEntry, many=True, filters=EntryFilter, models=(JOURNAL,),
        cursor=by_position(), permission=Permission.READ_EVENTS, tag="books",
        columns="position business_date type lines source",
    ),
    figure("/cash-flow", _cash_flow, JOURNAL, LEASE_BOOK, BILLS, tag="books", filters=DaysFilter),
    figure("/ageing", _ageing, LEASE_BOOK, AGEING, tag="books", filters=InCurrency, past=Past.DAYS,
           also=("leases", "open_fen")),
    figure("/trial-balance", _trial_balance, LEASE_BOOK, JOURNAL, tag="books", filters=InCurrency, past=Past.DAYS,
           also=("sum_fen",)),
    figure("/income", _income, LEASE_BOOK, JOURNAL, tag="books", filters=InCurrency, past=Past.DAYS),
    figure("/revenue-schedule", _revenue_schedule, LEASE_BOOK, tag="books", filters=InCurrency),
)  # fmt: skip
