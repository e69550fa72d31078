"""Lifecycle events of a lease (租赁), money apart: creation, delivery, changes, default and its end.

The events that move money are in `money`; together they are every event type of the aggregate.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from domain.kernel.event import Event, event_type
from domain.kernel.money import Currency, DeltaFen, Fen, Ppm
from domain.kernel.values import AssetClass, Business, Code, Digest, Rate, Reference
from domain.leasing.values import (
    GRACE_DAYS_MAX,
    INSTALMENTS_MAX,
    BillNumber,
    DepositMode,
    DownPaymentTo,
    NewDueDate,
    QuotePart,
    Remedy,
)
from domain.pricing.schedules import Component, Instalment

RENEWAL_MONTHS_MAX = 120
QUOTE_PARTS_MAX = 20
LEAD_DAYS_MAX = 60

Schedule = Annotated[tuple[Instalment, ...], Meta(min_length=1, max_length=INSTALMENTS_MAX)]
"""Instalments in the order of their numbers, which have no hole."""

Allocation = Annotated[tuple[Component, ...], Meta(min_length=4, max_length=4)]
"""Every component once, the one that is paid first in front."""

QuoteParts = Annotated[tuple[QuotePart, ...], Meta(max_length=QUOTE_PARTS_MAX)]

# --------------------------------------------------------------------------------------- creation and delivery


@event_type("lease.created.v1")
class LeaseCreated(Event, frozen=True):
    """A lease was made from an executed contract.

    `principal_fen` is what is financed; in a rental it is the value of the device, and rent stands in the principal of
    the instalments. The buy-out price is `buyout_fen` less `buyout_credit_ppm` of the rent billed, at least
    `buyout_floor_fen`. A bill may be issued `bill_lead_days` before it is due. `policy` numbers the version of
    `domain.leasing.policies` that the lease lives under. `upfront_fee_fen` is billed when the lease begins to run; the
    down payment is not financed and goes to the supplier, through the lessor or at once.
    """

    plan: Code
    plan_digest: Digest
    business: Business
    asset_class: AssetClass
    currency: Currency
    principal_fen: Fen
    deposit_fen: Fen
    deposit_mode: DepositMode
    annual_rate: Rate
    schedule: Schedule
    buyout_fen: Fen
    allocation: Allocation
    late_fee_daily_rate: Rate
    grace_days: Annotated[int, Meta(ge=0, le=GRACE_DAYS_MAX)]
    reference: Reference
    policy: Annotated[int, Meta(ge=1)]
    bill_lead_days: Annotated[int, Meta(ge=0, le=LEAD_DAYS_MAX)] = 0
    buyout_credit_ppm: Ppm = 0
    buyout_floor_fen: Fen = 0
    upfront_fee_fen: Fen = 0
    down_payment_fen: Fen = 0
    down_payment_to: DownPaymentTo = DownPaymentTo.LESSOR
    application: UUID | None = None
    contract: UUID | None = None
    subject: UUID | None = None


@event_type("lease.deposit_waived.v1")
class DepositWaived(Event, frozen=True):
    """No deposit is taken; `decision` is the credit decision that says so, if there was one."""

    decision: UUID | None = None


@event_type("lease.deposit_preauthorised.v1")
class DepositPreauthorised(Event, frozen=True):
    """The deposit is held on the lessee's own account; no money moved."""

    fen: Fen
    hold: Reference


@event_type("lease.down_payment_reported.v1")
class DownPaymentReported(Event, frozen=True):
    """The lessee paid the down payment to the supplier itself; nothing went through the lessor."""

    fen: Fen
    on: date
    proof: Digest | None = None


@event_type("lease.asset_delivered.v1")
class AssetDelivered(Event, frozen=True):
    """The lessee has the device or vehicle; `proof` is the digest of the receipt."""

    on: date
    proof: Digest | None = None


# --------------------------------------------------------------------------------------------- changes and quotes


@event_type("lease.restructured.v1")
class LeaseRestructured(Event, frozen=True):
    """What is not billed yet falls due by another schedule; principal to be repaid stays the same."""

    schedule: Schedule
    reason: Code


@event_type("lease.re_aged.v1")
class BillsReAged(Event, frozen=True):
    """Open bills are due later; late fees of the days before stay, new ones run from the new date."""

    on: date
    due_dates: Annotated[tuple[NewDueDate, ...], Meta(min_length=1, max_length=INSTALMENTS_MAX)]
    reason: Code


@event_type("lease.renewed.v1")
class LeaseRenewed(Event, frozen=True):
    """A rental goes on for more months; `schedule` follows the instalments there are."""

    months: Annotated[int, Meta(ge=1, le=RENEWAL_MONTHS_MAX)]
    schedule: Schedule


@event_type("lease.buyout_quoted.v1")
class BuyoutQuoted(Event, frozen=True):
    """What buying the asset costs on a day; `amount_fen` is the sum of `parts`, of which `price_fen` is the price."""

    as_of: date
    valid_until: date
    price_fen: Fen
    amount_fen: DeltaFen
    parts: QuoteParts


@event_type("lease.early_settlement_quoted.v1")
class EarlySettlementQuoted(Event, frozen=True):
    """What settling the whole lease costs on a day, line by line; `amount_fen` is the sum of `parts`.

    `price_fen` is the price of the asset, which is one of them, or null where it was not asked for.
    """

    as_of: date
    valid_until: date
    amount_fen: DeltaFen
    parts: QuoteParts
    price_fen: Fen | None = None


@event_type("lease.early_settled.v1")
class LeaseEarlySettled(Event, frozen=True):
    """The quote was taken: the rest falls due in one last bill, which follows and meets the credit."""

    on: date
    amount_fen: DeltaFen


@event_type("lease.schedule_replayed.v1")
class ScheduleReplayed(Event, frozen=True):
    """The account was gone through again from a day on; `digest` is of the balances that came out."""

    from_date: date
    digest: Digest


# -------------------------------------------------------------------------------------------------------- default


@event_type("lease.demand_served.v1")
class DemandServed(Event, frozen=True):
    """The lessee was called upon to pay these overdue bills by a day (民法典 722, 752; 融资租赁解释 5)."""

    on: date
    cure_by: date
    overdue_fen: Fen
    bills: Annotated[tuple[BillNumber, ...], Meta(min_length=1, max_length=INSTALMENTS_MAX)]
    proof: Digest | None = None


@event_type("lease.cure_achieved.v1")
class CureAchieved(Event, frozen=True):
    """The rent of every bill that was demanded is paid."""

    on: date
    bills: Annotated[tuple[BillNumber, ...], Meta(min_length=1, max_length=INSTALMENTS_MAX)]


@event_type("lease.cure_expired.v1")
class CureExpired(Event, frozen=True):
    """The period to pay has passed, and rent of these demanded bills is open."""

    on: date
    cure_by: date
    bills: Annotated[tuple[BillNumber, ...], Meta(min_length=1, max_length=INSTALMENTS_MAX)]


@event_type("lease.remedy_elected.v1")
class RemedyElected(Event, frozen=True):
    """After default the lessor chose all rent at once, or the end of the contract; never both (民法典 752).

    In a rental there is only the end of the contract (民法典 722).
    """

    remedy: Remedy
    overdue_instalments: Annotated[int, Meta(ge=0)]
    overdue_rent_fen: Fen
    total_rent_fen: Fen


@event_type("lease.accelerated.v1")
class LeaseAccelerated(Event, frozen=True):
    """All rent is due at once (民法典 752); the bills of it follow."""

    on: date


@event_type("lease.terminated.v1")
class LeaseTerminated(Event, frozen=True):
    """The contract ended by notice; it takes effect on the day the notice reached the lessee."""

    notice_reached_on: date
    proof: Digest | None = None


@event_type("lease.repossessed.v1")
class AssetRepossessed(Event, frozen=True):
    """The lessor has the asset back after termination."""

    on: date


# ------------------------------------------------------------------------------------------------------------ end


@event_type("lease.total_lost.v1")
class AssetTotallyLost(Event, frozen=True):
    """The asset is lost or destroyed; `loss_case` is its case, if there is one."""

    on: date
    loss_case: UUID | None = None


@event_type("lease.returned.v1")
class AssetReturned(Event, frozen=True):
    """The asset came back: at the end of the term, or a rented device before it; the fee for that follows as a bill."""

    on: date


@event_type("lease.reopened.v1")
class LeaseReopened(Event, frozen=True):
    """Money was taken back from a settled lease, so that something is owed again."""

    on: date
