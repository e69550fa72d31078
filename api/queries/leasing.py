"""Leases and their bills."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

from api.exposed import Exposed, Members
from api.permissions import Permission
from api.queries.engine.parameters import STARTING_AFTER, Cursor, ParameterInvalid
from api.queries.engine.read import Read, ReadRequest, ReadResult
from api.queries.engine.resources import Filter, Resource, history_of, reads_of
from domain.kernel.fields import noun, one_of
from domain.kernel.ids import format_id, parse_id
from domain.leasing.admission import CONTRACT_LEASED, lease_stream
from domain.leasing.lease.rules.decider import LEASE
from projections.leasing import bills
from projections.leasing.bill import STATUSES, Bill
from projections.leasing.bills import BILLS
from projections.leasing.lease_book import LEASE_BOOK

_PLACE = re.compile(r"(lease_[0-9a-f]{32})/([0-9]{1,7})")


class Components(Struct, frozen=True):
    """An amount by component, in fen."""

    principal: int
    interest: int
    fee: int
    late_fee: int


class LeaseBill(Struct, frozen=True, kw_only=True):
    """One bill. `owed_fen` is billed less waived and written off, `open_fen` what of it is not paid."""

    lease: Annotated[str, Meta(pattern="^lease_[0-9a-f]{32}$"), noun("lease")]
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


def _bill(lease: UUID, bill: Bill) -> LeaseBill:
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


class BillFilter(Struct, frozen=True, kw_only=True):
    """Which bills are wanted."""

    status: Annotated[
        str | None, Meta(description="Only bills with this status.", examples=["scheduled"]), one_of(STATUSES)
    ] = None
    due_from: Annotated[date | None, Meta(description="Due on this day or later.")] = None
    due_to: Annotated[date | None, Meta(description="Due on this day or earlier.")] = None
    overdue_on: Annotated[
        date | None, Meta(description="Unpaid on this business date and due before it.", examples=["2027-02-01"])
    ] = None


def _place(text: str) -> bills.Cursor:
    match = _PLACE.fullmatch(text)
    if match is None:
        raise ParameterInvalid(STARTING_AFTER, "identifier")
    return parse_id("lease", match[1]), int(match[2])


_CURSOR = Cursor(
    Annotated[str, Meta(pattern="^lease_[0-9a-f]{32}/[0-9]{1,7}$")],
    _place,
    lambda place: f"{format_id('lease', place[0])}/{place[1]}",
    "Continue behind this bill.",
)


def _list_bills(request: ReadRequest) -> ReadResult:
    """The tenant's bills in the order of leases and numbers; overdue is asked with a business date."""
    filters = request.filters
    where = bills.BillCriteria(**{name: getattr(filters, name) for name in filters.__struct_fields__})
    page = bills.listing(
        request.connection, request.tenant, where=where, limit=request.limit, starting_after=request.after,
        as_of_position=request.position,
    )  # fmt: skip
    return ReadResult(tuple(_bill(one.lease, one.bill) for one in page.bills), page.position, page.next_after)


def _list_bills_of_lease(request: ReadRequest) -> ReadResult | None:
    """All bills of one lease, folded from its own events, with what is billed and paid of each component."""
    row: Any = None
    for recorded in history_of(request, "lease"):
        if type(recorded.event) in BILLS.events:
            row = bills.fold(row, recorded.event, recorded)
    if row is None:
        return None
    return ReadResult(tuple(_bill(request.ids["lease"], bill) for bill in bills.bills_of(row)), request.moment)


LEASES = Resource(LEASE, LEASE_BOOK)

_P = Permission


def _lease_stream(_: UUID, members: Members) -> UUID | None:
    """A contract has one lease; without one there is none, and a rule says so."""
    return None if members.get("contract") is None else lease_stream(members["contract"])


EXPOSED = (
    Exposed(
        decider=LEASE,
        otherwise=_P.LEASE,
        permissions={
            _P.MONEY: "RecordDepositReceived ReleaseDeposit CaptureDeposit IssueBill AccrueInterest AssessLateFees "
            "PostPayment ReversePayment RefundCredit RecordDownPayment RefundDownPayment RemitToInvestor",
            _P.CONCEDE: "WaiveBill RestructureLease ReAgeBills TransferLease BuyBackLease ChargeOffLease",
            _P.ENFORCE: "ServeDemand RecordCureExpired ElectRemedy AccelerateLease TerminateLease RepossessAsset "
            "DisposeAsset",
        },
        withheld={"ReturnRefund": "follows when a payment's provider does not pay a refund out"},
        place=_lease_stream,
        taken=CONTRACT_LEASED,
    ),
)

READS = (
    *reads_of(
        LEASES,
        Permission.READ_RECORDS,
        (
            "state",
            Filter("reference", about="Only with this business number."),
            Filter("lessee", about="Only of this lessee."),
            Filter("contract", about="Only of this contract."),
            Filter("application", about="Only of this application."),
        ),
        columns="id reference state plan currency open_fen next_due_on oldest_due_on",
    ),
    Read(
        path="/leases/{lease}/bills", query=_list_bills_of_lease, answer=LeaseBill, many=True,
        permission=Permission.READ_RECORDS, tag="leases",
    ),
    Read(
        path="/bills", query=_list_bills, answer=LeaseBill, many=True, filters=BillFilter, models=(BILLS,),
        cursor=_CURSOR, permission=Permission.READ_RECORDS, tag="leases",
    ),
)  # fmt: skip
