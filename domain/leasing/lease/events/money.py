"""Money events of a lease: the books post each of them from the event alone.

`applied` and `credit_fen` are the net changes of what is paid on bills and of the lessee's credit, also when a
back-dated or reversed transaction moved money elsewhere: what comes in is Σ `applied` + `credit_fen`, event by event.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from domain.kernel.event import Event, event_type
from domain.kernel.money import Amount, DeltaFen, Fen
from domain.kernel.values import Business, Code
from domain.leasing.values import INSTALMENTS_MAX, Applied, BillKind, BillNumber, DepositMode, Part

AppliedTo = Annotated[tuple[Applied, ...], Meta(max_length=8 * INSTALMENTS_MAX)]
"""Net changes, at most one for each component of each bill, none of zero."""

Parts = Annotated[tuple[Part, ...], Meta(min_length=1, max_length=8 * INSTALMENTS_MAX)]

# -------------------------------------------------------------------------------------------------------- deposit


@event_type("lease.deposit_received.v1")
class DepositReceived(Event, frozen=True):
    """The deposit was paid in cash."""

    fen: Amount
    on: date


@event_type("lease.deposit_released.v1")
class DepositReleased(Event, frozen=True):
    """The deposit went back: in cash, or a hold was lifted."""

    fen: Amount
    mode: DepositMode
    on: date


@event_type("lease.deposit_captured.v1")
class DepositCaptured(Event, frozen=True):
    """The deposit, or a part, was taken to pay what is owed."""

    fen: Amount
    mode: DepositMode
    on: date
    applied: AppliedTo
    credit_fen: DeltaFen


# --------------------------------------------------------------------------------------------------- down payment


@event_type("lease.down_payment_received.v1")
class DownPaymentReceived(Event, frozen=True):
    """The lessee paid the down payment, or a part, to the lessor, who holds it for the supplier."""

    fen: Amount
    on: date


@event_type("lease.down_payment_refunded.v1")
class DownPaymentRefunded(Event, frozen=True):
    """The down payment, or a part, went back to the lessee; the lease has not begun."""

    fen: Amount
    on: date


# ----------------------------------------------------------------------------------------------- rent and interest


@event_type("lease.activated.v1")
class LeaseActivated(Event, frozen=True):
    """The lease runs from this day; in a finance lease `principal_fen` is the net investment from here.

    The whole principal is owed to the supplier, whatever fee is billed, and with it the down payment that was held.
    """

    on: date
    business: Business
    principal_fen: Fen
    down_payment_fen: Fen = 0


@event_type("lease.bill_issued.v1")
class BillIssued(Event, frozen=True):
    """An instalment, or what `kind` says, was billed; `accrued_fen` of its interest was earned in the books before."""

    number: BillNumber
    issued_on: date
    due_on: date
    principal_fen: Fen
    interest_fen: Fen
    fee_fen: Fen
    accrued_fen: Fen
    business: Business
    kind: BillKind = BillKind.INSTALMENT


@event_type("lease.interest_accrued.v1")
class InterestAccrued(Event, frozen=True):
    """Interest of the running period was earned up to a day; signed, because a new schedule may take some back."""

    up_to: date
    fen: DeltaFen


@event_type("lease.late_fee_assessed.v1")
class LateFeeAssessed(Event, frozen=True):
    """The late fee of a bill changed by so much, assessed up to a day; a back-dated payment takes some back."""

    number: BillNumber
    fen: DeltaFen
    up_to: date


# ------------------------------------------------------------------------------------------------ money in and out


@event_type("lease.payment_posted.v1")
class PaymentPosted(Event, frozen=True):
    """Money of the lessee arrived, worth from `value_date`."""

    payment: UUID
    amount_fen: Amount
    value_date: date
    posted_on: date
    applied: AppliedTo
    credit_fen: DeltaFen


@event_type("lease.payment_reversed.v1")
class PaymentReversed(Event, frozen=True):
    """A posted payment proved not to have been: returned by the bank, charged back, posted in error."""

    payment: UUID
    amount_fen: Amount
    reason: Code
    on: date
    applied: AppliedTo
    credit_fen: DeltaFen


@event_type("lease.credit_applied.v1")
class CreditApplied(Event, frozen=True):
    """Money paid in advance met a bill; nothing came in."""

    on: date
    applied: AppliedTo
    credit_fen: DeltaFen


@event_type("lease.credit_refunded.v1")
class CreditRefunded(Event, frozen=True):
    """Credit goes back to the lessee; through a payment's provider it has a number, from 1."""

    amount_fen: Amount
    on: date
    payment: UUID | None = None
    number: Annotated[int, Meta(ge=1)] | None = None


@event_type("lease.refund_returned.v1")
class RefundReturned(Event, frozen=True):
    """A refund was not paid out after all: its amount is money of the lessee again, worth from the day it left."""

    number: Annotated[int, Meta(ge=1)]
    amount_fen: Amount
    value_date: date
    on: date
    reason: Code
    applied: AppliedTo
    credit_fen: DeltaFen


@event_type("lease.bill_waived.v1")
class BillWaived(Event, frozen=True):
    """Part of a bill is not asked for any more."""

    number: BillNumber
    parts: Parts
    reason: Code
    on: date
    applied: AppliedTo
    credit_fen: DeltaFen


@event_type("lease.buyout_completed.v1")
class BuyoutCompleted(Event, frozen=True):
    """The lessee bought the asset; the price was taken from credit, so `credit_fen` is minus the price."""

    on: date
    price_fen: Fen
    credit_fen: DeltaFen


# ------------------------------------------------------------------------------------------------------- investor


@event_type("lease.transferred.v1")
class LeaseTransferred(Event, frozen=True):
    """An investor bought what is owed and to be billed, `claims_fen` in all; the lease is still collected here."""

    investor: UUID
    on: date
    price_fen: Fen
    claims_fen: Amount


@event_type("lease.collected_for_investor.v1")
class CollectedForInvestor(Event, frozen=True):
    """Money met bills of a transferred lease and belongs to the investor; negative when it was taken back.

    `repaid_fen` of it repays the price of the transfer, the rest is what the money of the investor costs.
    """

    investor: UUID
    on: date
    fen: DeltaFen
    repaid_fen: DeltaFen


@event_type("lease.remitted_to_investor.v1")
class RemittedToInvestor(Event, frozen=True):
    """What was collected for the investor was paid out."""

    investor: UUID
    on: date
    amount_fen: Amount


@event_type("lease.bought_back.v1")
class LeaseBoughtBack(Event, frozen=True):
    """The investor put the lease back for a price; `owed_fen` collected and not remitted is settled with it.

    `released_fen` of the transfer's price was not repaid by collections and is no longer owed.
    """

    investor: UUID
    on: date
    price_fen: Fen
    owed_fen: DeltaFen
    released_fen: DeltaFen


# ------------------------------------------------------------------------------------------------- after default


@event_type("lease.disposed.v1")
class AssetDisposed(Event, frozen=True):
    """The asset was sold. Proceeds less costs went to the debt; `surplus_fen` is the lessee's (民法典 758)."""

    on: date
    proceeds_fen: Fen
    costs_fen: Fen
    surplus_fen: Fen
    applied: AppliedTo
    credit_fen: DeltaFen


@event_type("lease.charged_off.v1")
class LeaseChargedOff(Event, frozen=True):
    """What is owed was written off; the claim itself stays."""

    on: date
    parts: Parts


@event_type("lease.recovered.v1")
class DebtRecovered(Event, frozen=True):
    """Money came in on a debt that was written off."""

    payment: UUID
    amount_fen: Amount
    value_date: date
    posted_on: date


@event_type("lease.recovery_reversed.v1")
class RecoveryReversed(Event, frozen=True):
    """Money that came in on a written-off debt was taken back."""

    payment: UUID
    amount_fen: Amount
    reason: Code
    on: date


# ------------------------------------------------------------------------------------------------------------ end


@event_type("lease.closed.v1")
class LeaseClosed(Event, frozen=True):
    """Nothing is owed by anybody; the lease is settled.

    `released_fen` of an investor's price was not repaid by collections and is no longer owed.
    """

    on: date
    released_fen: DeltaFen = 0
