"""Leases, bills and books as people see them: the read models' rows with outside ids, one frozen struct each."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from api.http.resources import Position, SubjectId
from domain.accounting.provisioning import FiveClass
from domain.kernel.ids import format_id
from projections.accounting import journal, revenue
from projections.accounting.journal import Balance, MonthIncome
from projections.accounting.revenue import RevenueMonth
from projections.leasing import ageing, bills, cash_flow, lease_book
from projections.leasing.ageing import Bucket
from projections.leasing.cash_flow import Day
from projections.leasing.currencies import Currencies
from projections.portfolio import exposures as portfolio

LeaseId = Annotated[str, Meta(pattern="^lease_[0-9a-f]{32}$")]
ApplicationId = Annotated[str, Meta(pattern="^application_[0-9a-f]{32}$")]
ContractId = Annotated[str, Meta(pattern="^contract_[0-9a-f]{32}$")]
InvestorId = Annotated[str, Meta(pattern="^investor_[0-9a-f]{32}$")]
SourceId = Annotated[str, Meta(pattern="^(lease|provision)_[0-9a-f]{32}$")]
BillPlace = Annotated[str, Meta(pattern="^lease_[0-9a-f]{32}/[0-9]{1,7}$")]


class Lease(Struct, frozen=True, kw_only=True):
    """One lease. `billed - paid - waived - written_off` is `open`; `unbilled` is the rest of the schedule.

    `next_due_on` is the due date of the next instalment to be billed, `oldest_due_on` that of the oldest bill with
    anything to pay. `credit_fen` is the lessee's, also after the end. `investor_owed_fen` was collected for the
    investor and not remitted. `down_payment_held_fen` goes to the supplier when the lease begins.
    """

    id: LeaseId
    version: int
    state: str
    business: str
    asset_class: str
    reference: str
    plan: str
    currency: str
    annual_rate: str
    application: ApplicationId | None
    contract: ContractId | None
    lessee: SubjectId | None
    investor: InvestorId | None
    principal_fen: int
    deposit_mode: str
    deposit_fen: int
    deposit_held_fen: int
    upfront_fee_fen: int
    down_payment_fen: int
    down_payment_held_fen: int
    investor_owed_fen: int
    instalments: int
    issued: int
    billed_fen: int
    paid_fen: int
    waived_fen: int
    written_off_fen: int
    recovered_fen: int
    open_fen: int
    credit_fen: int
    accrued_fen: int
    unbilled_fen: int
    next_due_on: date | None
    oldest_due_on: date | None
    last_paid_on: date | None
    created_on: date
    activated_on: date | None
    closed_on: date | None
    first_position: Position
    last_position: Position


class LeasePage(Struct, frozen=True):
    """Some leases in the order of their ids; `next` is the `starting_after` of the next page."""

    data: tuple[Lease, ...]
    has_more: bool
    next: LeaseId | None


class Components(Struct, frozen=True):
    """An amount by component, in fen."""

    principal: int
    interest: int
    fee: int
    late_fee: int


class LeaseBill(Struct, frozen=True, kw_only=True):
    """One bill. `owed_fen` is billed less waived and written off, `open_fen` what of it is not paid."""

    lease: LeaseId
    number: int
    status: str
    due_on: date
    issued_on: date | None
    billed_fen: Components
    paid_fen: Components
    waived_fen: int
    written_off_fen: int
    owed_fen: int
    open_fen: int
    last_paid_on: date | None


class BillList(Struct, frozen=True):
    """All bills of one lease by number."""

    data: tuple[LeaseBill, ...]


class BillPage(Struct, frozen=True):
    """Some bills in the order of leases and numbers; a page may be short and still have more behind it."""

    data: tuple[LeaseBill, ...]
    has_more: bool
    next: BillPlace | None


class InCurrency(Struct, frozen=True, kw_only=True):
    """Amounts of two currencies are never added up: the one of the answer, and the others that there are."""

    currency: str | None
    other_currencies: tuple[str, ...]


class Ageing(InCurrency, frozen=True, kw_only=True):
    """Leases and open amounts by the oldest unpaid due date at the end of business date `as_of`, as known then."""

    as_of: date | None
    leases: int
    open_fen: int
    buckets: tuple[Bucket, ...]


class CashFlow(InCurrency, frozen=True, kw_only=True):
    """Days on which cash is expected or moved."""

    first: date
    last: date
    days: tuple[Day, ...]


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
    source: SourceId
    lines: tuple[JournalLine, ...]


class JournalPage(Struct, frozen=True):
    """Some entries in ledger order; `next` is the `starting_after` of the next page."""

    data: tuple[JournalEntry, ...]
    has_more: bool
    next: Position | None


class TrialBalance(InCurrency, frozen=True, kw_only=True):
    """Every account that was posted to; balances are debits less credits, and their sum is zero."""

    as_of: date | None
    entries: int
    accounts: tuple[Balance, ...]
    sum_fen: int


class Income(InCurrency, frozen=True, kw_only=True):
    """Income recognised by month of business dates and account."""

    months: tuple[MonthIncome, ...]


class LesseeShare(Struct, frozen=True):
    """What one lessee owes in all leases."""

    lessee: SubjectId
    leases: int
    fen: int


class Portfolio(InCurrency, frozen=True, kw_only=True):
    """Leases as assets: exposures at risk, those of finance leases, and the largest lessees."""

    leases: int
    lessees: int
    risk_assets_fen: int
    lease_assets_fen: int
    unnamed_fen: int
    largest: tuple[LesseeShare, ...]


class ProvisionClass(Struct, frozen=True, kw_only=True):
    """One of the five classes: leases, what they owe, and what is to be set aside."""

    five_class: FiveClass
    name_zh: str
    leases: int
    exposure_fen: int
    provision_fen: int


class Provisions(InCurrency, frozen=True, kw_only=True):
    """The five classes on a business date under one version of the policy."""

    on: date
    policy: int
    classes: tuple[ProvisionClass, ...]


_SAME = tuple(
    name for name in Lease.__struct_fields__
    if name not in ("id", "application", "contract", "lessee", "investor", "last_position")
)  # fmt: skip


def _outside(noun: str, value: UUID | None) -> str | None:
    return None if value is None else format_id(noun, value)


def lease_body(row: lease_book.Lease) -> Lease:
    """A row of the lease book."""
    return Lease(
        id=format_id("lease", row.id),
        application=_outside("application", row.application),
        contract=_outside("contract", row.contract),
        lessee=_outside("subject", row.lessee),
        investor=_outside("investor", row.investor),
        last_position=row.position,
        **{name: getattr(row, name) for name in _SAME},
    )


def bill_body(lease: UUID, bill: bills.Bill) -> LeaseBill:
    """A bill of a lease."""
    return LeaseBill(
        lease=format_id("lease", lease),
        number=bill.number,
        status=bill.status,
        due_on=bill.due_on,
        issued_on=bill.issued_on,
        billed_fen=Components(*bill.billed),
        paid_fen=Components(*bill.paid),
        waived_fen=sum(bill.waived),
        written_off_fen=sum(bill.written_off),
        owed_fen=bill.owed_fen,
        open_fen=bill.open_fen,
        last_paid_on=bill.last_paid_on,
    )


def ageing_body(found: ageing.Ageing) -> Ageing:
    """The answer to `/v1/ageing`."""
    return Ageing(
        as_of=found.as_of,
        currency=found.currency,
        other_currencies=found.other_currencies,
        leases=found.leases,
        open_fen=found.open_fen,
        buckets=found.buckets,
    )


def cash_flow_body(found: cash_flow.CashFlow) -> CashFlow:
    """The answer to `/v1/cash-flow`."""
    return CashFlow(
        first=found.first,
        last=found.last,
        currency=found.currency,
        other_currencies=found.other_currencies,
        days=found.days,
    )


def entry_body(entry: journal.Entry) -> JournalEntry:
    """An entry of the journal."""
    lines = tuple(JournalLine(one.account, one.debit_fen, one.credit_fen) for one in journal.lines_of(entry))
    source = format_id(entry.type.partition(".")[0], entry.stream)
    return JournalEntry(entry.position, entry.business_date, entry.type, source, lines)


def trial_balance_body(found: journal.TrialBalance) -> TrialBalance:
    """The answer to `/v1/trial-balance`."""
    return TrialBalance(
        as_of=found.as_of,
        currency=found.currency,
        other_currencies=found.other_currencies,
        entries=found.entries,
        accounts=found.accounts,
        sum_fen=found.sum_fen,
    )


def income_body(currencies: Currencies, months: tuple[MonthIncome, ...]) -> Income:
    """The answer to `/v1/income`."""
    return Income(currency=currencies.chosen, other_currencies=currencies.others, months=months)


class RevenueSchedule(InCurrency, frozen=True, kw_only=True):
    """Interest of finance leases by the month that earns it, rent of rentals by the month it is due in; none billed."""

    months: tuple[RevenueMonth, ...]


def revenue_schedule_body(found: revenue.RevenueSchedule) -> RevenueSchedule:
    """The answer to `/v1/revenue-schedule`."""
    currencies = found.currencies
    return RevenueSchedule(currency=currencies.chosen, other_currencies=currencies.others, months=found.months)


def portfolio_body(found: portfolio.Holdings) -> Portfolio:
    """The answer to `/v1/portfolio`."""
    largest = tuple(LesseeShare(format_id("subject", one.lessee), one.leases, one.fen) for one in found.largest)
    return Portfolio(
        currency=found.currency,
        other_currencies=found.other_currencies,
        leases=found.leases,
        lessees=found.lessees,
        risk_assets_fen=found.risk_assets_fen,
        lease_assets_fen=found.lease_assets_fen,
        unnamed_fen=found.unnamed_fen,
        largest=largest,
    )


def provisions_body(found: portfolio.Provisions) -> Provisions:
    """The answer to `/v1/provisions`."""
    return Provisions(
        currency=found.currency,
        other_currencies=found.other_currencies,
        on=found.on,
        policy=found.policy,
        classes=tuple(
            ProvisionClass(
                five_class=FiveClass(one.five_class),
                name_zh=one.name_zh,
                leases=one.leases,
                exposure_fen=one.exposure_fen,
                provision_fen=one.provision_fen,
            )
            for one in found.classes
        ),
    )
