"""Commands to a lease, in the order of its life."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from domain.kernel.command import Command
from domain.kernel.fields import (
    AmountFenField,
    AssetClassField,
    CurrencyField,
    DepositFenField,
    DownPaymentFenField,
    LateFeeDailyRateField,
    OptionalApplicationField,
    OptionalSubjectField,
    PlanField,
    PriceFenField,
    PrincipalFenField,
    ReasonField,
    ReferenceField,
    UpfrontFeeFenField,
    ValueDateField,
)
from domain.kernel.money import Amount, Fen, Ppm
from domain.kernel.values import Business, Digest, Rate, Reference
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

ScheduleField = Annotated[Schedule, Meta(description="Instalments in the order of their numbers, without a hole.")]
FenField = Annotated[Amount, Meta(description="Amount in the smallest unit of the lease's currency.")]
OptionalProofField = Annotated[
    Digest | None, Meta(description="SHA-256 of the proof, lower-case hex; the proof itself stays outside.")
]
OnField = Annotated[date, Meta(description="The day on which it happened, in Asia/Shanghai.")]
NumberField = Annotated[
    BillNumber,
    Meta(description="Number of the bill (0 is the fee up front), the instalment, the refund or the break, from 1."),
]
UpToField = Annotated[date, Meta(description="The last day that counts.")]
PaymentField = Annotated[
    UUID,
    Meta(
        description="The payment: `payment_` and 32 hex digits. Money that came in another way has an id of your own, "
        "a UUID of version 4 or 7; those of version 5 are the ledger's."
    ),
]
AsOfField = Annotated[date, Meta(description="The day that the quote is for.")]


class CreateLease(Command, frozen=True):
    """Make a lease from an executed contract; the fields are those of `LeaseCreated`."""

    plan: PlanField
    plan_digest: Digest
    business: Business
    asset_class: AssetClassField
    currency: CurrencyField
    principal_fen: PrincipalFenField
    annual_rate: Annotated[Rate, Meta(description="Rate per year as a decimal string; `0.0825` is 8.25 %.")]
    schedule: ScheduleField
    reference: ReferenceField
    deposit_fen: DepositFenField = 0
    deposit_mode: Annotated[DepositMode, Meta(description="How the deposit is secured.")] = DepositMode.WAIVED
    buyout_fen: Annotated[Fen, Meta(description="Price of the asset at the end, in fen.")] = 0
    allocation: Annotated[
        Allocation, Meta(description="Every component once, the one that is paid first in front.")
    ] = (Component.FEE, Component.INTEREST, Component.PRINCIPAL, Component.LATE_FEE)
    late_fee_daily_rate: LateFeeDailyRateField = "0"
    grace_days: Annotated[
        int, Meta(ge=0, le=GRACE_DAYS_MAX, description="Days after the due date without a late fee.")
    ] = 0
    policy: Annotated[int, Meta(ge=1, description="Version of the leasing policy.")] = CURRENT_POLICY.version
    bill_lead_days: Annotated[
        int, Meta(ge=0, le=LEAD_DAYS_MAX, description="Days before its due date from which a bill may be issued.")
    ] = 0
    buyout_credit_ppm: Annotated[
        Ppm, Meta(description="Share of the rent billed that reduces the price of the asset, in millionths.")
    ] = 0
    buyout_floor_fen: Annotated[Fen, Meta(description="Least price of the asset, in fen.")] = 0
    upfront_fee_fen: UpfrontFeeFenField = 0
    down_payment_fen: DownPaymentFenField = 0
    down_payment_to: Annotated[
        DownPaymentTo,
        Meta(description="Who gets the down payment: the lessor, who passes it on, or the supplier at once."),
    ] = DownPaymentTo.LESSOR
    application: OptionalApplicationField = None
    contract: Annotated[
        UUID | None, Meta(description="The executed contract: `contract_` and 32 hex digits. It must say the same.")
    ] = None
    subject: OptionalSubjectField = None


class WaiveDeposit(Command, frozen=True):
    """Take no deposit, as a credit decision says."""

    decision: Annotated[
        UUID | None, Meta(description="The credit decision: `decision_` and 32 hex digits of your own id.")
    ] = None


class PreauthoriseDeposit(Command, frozen=True):
    """Record that the deposit is held on the lessee's account."""

    fen: FenField
    hold: Annotated[Reference, Meta(description="The number of the hold; says nothing about a person.")]


class RecordDepositReceived(Command, frozen=True):
    """Record that the deposit, or a part, was paid in cash."""

    fen: FenField


class ReleaseDeposit(Command, frozen=True):
    """Give the deposit, or a part, back."""

    fen: FenField


class CaptureDeposit(Command, frozen=True):
    """Take the deposit, or a part, for what is owed."""

    fen: FenField


class RecordDownPayment(Command, frozen=True):
    """Record that the down payment, or a part, was paid to the lessor."""

    fen: FenField


class RefundDownPayment(Command, frozen=True):
    """Give the down payment, or a part, back, because the lease does not begin."""

    fen: FenField


class ReportDownPayment(Command, frozen=True):
    """Record that the lessee paid the whole down payment to the supplier."""

    proof: OptionalProofField = None


class RecordDelivery(Command, frozen=True):
    """Record that the lessee has the asset."""

    on: OnField
    proof: OptionalProofField = None


class ActivateLease(Command, frozen=True):
    """Let the lease run from a day."""

    on: OnField


# ---------------------------------------------------------------------------------------------- bills and money


class IssueBill(Command, frozen=True):
    """Bill the next instalment; its number says which one is meant."""

    number: NumberField


class AccrueInterest(Command, frozen=True):
    """Take the interest earned up to a day into the books."""

    up_to: UpToField


class AssessLateFees(Command, frozen=True):
    """Assess the late fees of all overdue bills up to a day."""

    up_to: UpToField


class PostPayment(Command, frozen=True):
    """Post money of the lessee, worth from `value_date`, which may lie in the past."""

    payment: PaymentField
    amount_fen: AmountFenField
    value_date: ValueDateField


class ReversePayment(Command, frozen=True):
    """Take a posted payment back: returned, charged back, or posted in error."""

    payment: PaymentField
    reason: ReasonField


class RefundCredit(Command, frozen=True):
    """Pay credit out to the lessee; through the provider of `payment` if it names one."""

    amount_fen: AmountFenField
    payment: Annotated[
        UUID | None,
        Meta(description="The payment: `payment_` and 32 hex digits; of a refund, the one that it goes through."),
    ] = None


class ReturnRefund(Command, frozen=True):
    """Take back a refund that the provider of the payment did not pay out; the number is the refund's."""

    number: Annotated[
        int,
        Meta(
            ge=1,
            description="Number of the bill (0 is the fee up front), the instalment, the refund or the break, from 1.",
        ),
    ]
    reason: ReasonField


class WaivedPart(Struct, frozen=True, kw_only=True):
    """How much of a component is waived."""

    component: Annotated[Component, Meta(description="Which part of a bill.")]
    fen: FenField


class WaiveBill(Command, frozen=True):
    """Ask no more for a part of a bill."""

    number: NumberField
    parts: Annotated[
        tuple[WaivedPart, ...],
        Meta(min_length=1, max_length=len(COMPONENTS), description="How much of which component."),
    ]
    reason: ReasonField


# --------------------------------------------------------------------------------------------- changes and quotes


class RestructureLease(Command, frozen=True):
    """Let what is not billed yet fall due by another schedule."""

    schedule: ScheduleField
    reason: ReasonField


class ReAgeBills(Command, frozen=True):
    """Let open bills be due later."""

    due_dates: Annotated[
        tuple[NewDueDate, ...],
        Meta(min_length=1, max_length=INSTALMENTS_MAX, description="Bills and the days on which they are due instead."),
    ]
    reason: ReasonField


class RenewLease(Command, frozen=True):
    """Let a rental go on for more months."""

    months: Annotated[int, Meta(ge=1, le=RENEWAL_MONTHS_MAX, description="Months that the lease runs.")]
    schedule: ScheduleField


class QuoteBuyout(Command, frozen=True):
    """Say what buying the asset costs on a day."""

    as_of: AsOfField


class CompleteBuyout(Command, frozen=True):
    """Sell the asset to the lessee for the quoted price, out of credit."""


class QuoteEarlySettlement(Command, frozen=True):
    """Say what settling the whole lease costs on a day, on request with the price of the asset."""

    as_of: AsOfField
    with_buyout: Annotated[bool, Meta(description="Whether the price of the asset is part of the quote.")] = False


class SettleEarly(Command, frozen=True):
    """Settle the whole lease as quoted, out of credit."""


class TransferLease(Command, frozen=True):
    """Sell the claim to an investor."""

    investor: Annotated[UUID, Meta(description="The investor: `investor_` and 32 hex digits of your own id.")]
    price_fen: PriceFenField


class RemitToInvestor(Command, frozen=True):
    """Pay out what was collected for the investor, or a part."""

    amount_fen: AmountFenField


class BuyBackLease(Command, frozen=True):
    """Take the claim back from the investor for a price."""

    price_fen: PriceFenField


# -------------------------------------------------------------------------------------------------------- default


class ServeDemand(Command, frozen=True):
    """Call upon the lessee to pay what is overdue by a day."""

    cure_by: Annotated[date, Meta(description="The day by which the lessee is called upon to pay.")]
    proof: OptionalProofField = None


class RecordCureExpired(Command, frozen=True):
    """Record that the period to pay after the demand has passed."""


class ElectRemedy(Command, frozen=True):
    """Choose, after default, between all rent at once and the end of the contract."""

    remedy: Annotated[Remedy, Meta(description="What the lessor chooses after default.")]


class AccelerateLease(Command, frozen=True):
    """Bill all rent at once."""


class TerminateLease(Command, frozen=True):
    """End the contract by a notice that reached the lessee on a day."""

    notice_reached_on: Annotated[date, Meta(description="The day on which the notice reached the lessee.")]
    proof: OptionalProofField = None


class RepossessAsset(Command, frozen=True):
    """Record that the lessor has the asset back."""

    on: OnField


class DisposeAsset(Command, frozen=True):
    """Record the sale of the repossessed asset."""

    proceeds_fen: Annotated[Fen, Meta(description="What the sale brought, in fen.")]
    costs_fen: Annotated[Fen, Meta(description="What the sale cost, in fen.")] = 0


class ChargeOffLease(Command, frozen=True):
    """Write off what is owed."""


# ------------------------------------------------------------------------------------------------------------ end


class RecordTotalLoss(Command, frozen=True):
    """Record that the asset is lost or destroyed; `liable` says that the lessee answers for a rented device."""

    on: OnField
    loss_case: Annotated[
        UUID | None, Meta(description="The loss case: `loss_case_` and 32 hex digits of your own id.")
    ] = None
    liable: Annotated[bool, Meta(description="Whether the lessee answers for the loss of a rented device.")] = False


class ReturnAsset(Command, frozen=True):
    """Record that the asset came back: at the end of the term, or a rented device before it."""

    on: OnField


class CloseLease(Command, frozen=True):
    """Settle the lease: nothing is owed by anybody."""
