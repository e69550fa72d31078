"""Commands to a lease, in the order of its life."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from domain.kernel.command import Command
from domain.kernel.money import Amount, Currency, Fen, Ppm
from domain.kernel.values import AssetClass, Business, Code, Digest, Rate, Reference
from domain.leasing.lease.events.lifecycle import LEAD_DAYS_MAX, RENEWAL_MONTHS_MAX, Allocation, Schedule
from domain.leasing.policies import CURRENT_POLICY
from domain.leasing.values import (
    COMPONENTS,
    GRACE_DAYS_MAX,
    INSTALMENTS_MAX,
    BillNumber,
    DepositMode,
    DownPaymentTo,
    NewDueDate,
    Remedy,
)
from domain.pricing.schedules import Component

# --------------------------------------------------------------------------------------- creation and delivery


class CreateLease(Command, frozen=True):
    """Make a lease from an executed contract; the fields are those of `LeaseCreated`."""

    plan: Code
    plan_digest: Digest
    business: Business
    asset_class: AssetClass
    currency: Currency
    principal_fen: Fen
    annual_rate: Rate
    schedule: Schedule
    reference: Reference
    deposit_fen: Fen = 0
    deposit_mode: DepositMode = DepositMode.WAIVED
    buyout_fen: Fen = 0
    allocation: Allocation = (Component.FEE, Component.INTEREST, Component.PRINCIPAL, Component.LATE_FEE)
    late_fee_daily_rate: Rate = "0"
    grace_days: Annotated[int, Meta(ge=0, le=GRACE_DAYS_MAX)] = 0
    policy: Annotated[int, Meta(ge=1)] = CURRENT_POLICY.version
    bill_lead_days: Annotated[int, Meta(ge=0, le=LEAD_DAYS_MAX)] = 0
    buyout_credit_ppm: Ppm = 0
    buyout_floor_fen: Fen = 0
    upfront_fee_fen: Fen = 0
    down_payment_fen: Fen = 0
    down_payment_to: DownPaymentTo = DownPaymentTo.LESSOR
    application: UUID | None = None
    contract: UUID | None = None
    subject: UUID | None = None


class WaiveDeposit(Command, frozen=True):
    """Take no deposit, as a credit decision says."""

    decision: UUID | None = None


class PreauthoriseDeposit(Command, frozen=True):
    """Record that the deposit is held on the lessee's account."""

    fen: Amount
    hold: Reference


class RecordDepositReceived(Command, frozen=True):
    """Record that the deposit, or a part, was paid in cash."""

    fen: Amount


class ReleaseDeposit(Command, frozen=True):
    """Give the deposit, or a part, back."""

    fen: Amount


class CaptureDeposit(Command, frozen=True):
    """Take the deposit, or a part, for what is owed."""

    fen: Amount


class RecordDownPayment(Command, frozen=True):
    """Record that the down payment, or a part, was paid to the lessor."""

    fen: Amount


class RefundDownPayment(Command, frozen=True):
    """Give the down payment, or a part, back, because the lease does not begin."""

    fen: Amount


class ReportDownPayment(Command, frozen=True):
    """Record that the lessee paid the whole down payment to the supplier."""

    proof: Digest | None = None


class RecordDelivery(Command, frozen=True):
    """Record that the lessee has the asset."""

    on: date
    proof: Digest | None = None


class ActivateLease(Command, frozen=True):
    """Let the lease run from a day."""

    on: date


# ---------------------------------------------------------------------------------------------- bills and money


class IssueBill(Command, frozen=True):
    """Bill the next instalment; its number says which one is meant."""

    number: BillNumber


class AccrueInterest(Command, frozen=True):
    """Take the interest earned up to a day into the books."""

    up_to: date


class AssessLateFees(Command, frozen=True):
    """Assess the late fees of all overdue bills up to a day."""

    up_to: date


class PostPayment(Command, frozen=True):
    """Post money of the lessee, worth from `value_date`, which may lie in the past."""

    payment: UUID
    amount_fen: Amount
    value_date: date


class ReversePayment(Command, frozen=True):
    """Take a posted payment back: returned, charged back, or posted in error."""

    payment: UUID
    reason: Code


class RefundCredit(Command, frozen=True):
    """Pay credit out to the lessee; through the provider of `payment` if it names one."""

    amount_fen: Amount
    payment: UUID | None = None


class ReturnRefund(Command, frozen=True):
    """Take back a refund that the provider of the payment did not pay out; the number is the refund's."""

    number: Annotated[int, Meta(ge=1)]
    reason: Code


class WaivedPart(Struct, frozen=True, kw_only=True):
    """How much of a component is waived."""

    component: Component
    fen: Amount


class WaiveBill(Command, frozen=True):
    """Ask no more for a part of a bill."""

    number: BillNumber
    parts: Annotated[tuple[WaivedPart, ...], Meta(min_length=1, max_length=len(COMPONENTS))]
    reason: Code


# --------------------------------------------------------------------------------------------- changes and quotes


class RestructureLease(Command, frozen=True):
    """Let what is not billed yet fall due by another schedule."""

    schedule: Schedule
    reason: Code


class ReAgeBills(Command, frozen=True):
    """Let open bills be due later."""

    due_dates: Annotated[tuple[NewDueDate, ...], Meta(min_length=1, max_length=INSTALMENTS_MAX)]
    reason: Code


class RenewLease(Command, frozen=True):
    """Let a rental go on for more months."""

    months: Annotated[int, Meta(ge=1, le=RENEWAL_MONTHS_MAX)]
    schedule: Schedule


class QuoteBuyout(Command, frozen=True):
    """Say what buying the asset costs on a day."""

    as_of: date


class CompleteBuyout(Command, frozen=True):
    """Sell the asset to the lessee for the quoted price, out of credit."""


class QuoteEarlySettlement(Command, frozen=True):
    """Say what settling the whole lease costs on a day, on request with the price of the asset."""

    as_of: date
    with_buyout: bool = False


class SettleEarly(Command, frozen=True):
    """Settle the whole lease as quoted, out of credit."""


class TransferLease(Command, frozen=True):
    """Sell the claim to an investor."""

    investor: UUID
    price_fen: Fen


class RemitToInvestor(Command, frozen=True):
    """Pay out what was collected for the investor, or a part."""

    amount_fen: Amount


class BuyBackLease(Command, frozen=True):
    """Take the claim back from the investor for a price."""

    price_fen: Fen


# -------------------------------------------------------------------------------------------------------- default


class ServeDemand(Command, frozen=True):
    """Call upon the lessee to pay what is overdue by a day."""

    cure_by: date
    proof: Digest | None = None


class RecordCureExpired(Command, frozen=True):
    """Record that the period to pay after the demand has passed."""


class ElectRemedy(Command, frozen=True):
    """Choose, after default, between all rent at once and the end of the contract."""

    remedy: Remedy


class AccelerateLease(Command, frozen=True):
    """Bill all rent at once."""


class TerminateLease(Command, frozen=True):
    """End the contract by a notice that reached the lessee on a day."""

    notice_reached_on: date
    proof: Digest | None = None


class RepossessAsset(Command, frozen=True):
    """Record that the lessor has the asset back."""

    on: date


class DisposeAsset(Command, frozen=True):
    """Record the sale of the repossessed asset."""

    proceeds_fen: Fen
    costs_fen: Fen = 0


class ChargeOffLease(Command, frozen=True):
    """Write off what is owed."""


# ------------------------------------------------------------------------------------------------------------ end


class RecordTotalLoss(Command, frozen=True):
    """Record that the asset is lost or destroyed; `liable` says that the lessee answers for a rented device."""

    on: date
    loss_case: UUID | None = None
    liable: bool = False


class ReturnAsset(Command, frozen=True):
    """Record that the asset came back: at the end of the term, or a rented device before it."""

    on: date


class CloseLease(Command, frozen=True):
    """Settle the lease: nothing is owed by anybody."""
