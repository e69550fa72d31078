"""Values that the lease, its account and the books share: components of a bill, net changes, closed lists.

In a rental, rent stands in the component `principal`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from domain.kernel.fields import DueOnField
from domain.kernel.money import MAX_SAFE_INTEGER, DeltaFen
from domain.pricing.schedules import Component

INSTALMENTS_MAX = 120
"""Instalments of one lease: ten years by the month, so that its schedule fits into an entry of 16 KiB."""

GRACE_DAYS_MAX = 90
BillNumber = Annotated[int, Meta(ge=0)]
"""Bills of one lease are numbered 1, 2, 3 … like their instalments; bill 0 is the fee that is due at the beginning."""

UPFRONT_FEE_BILL = 0

COMPONENTS: tuple[Component, ...] = tuple(Component)
"""The fixed order of the four amounts in an `account.Four`."""


class DepositMode(StrEnum):
    """How the deposit is secured: not at all (credit decision), by a hold on an account, or in cash."""

    WAIVED = "waived"
    PREAUTHORISED = "preauthorised"
    CASH = "cash"


class Remedy(StrEnum):
    """What a lessor may choose after default; the two exclude each other (民法典 752; 融资租赁解释 10)."""

    ACCELERATE = "accelerate"
    TERMINATE = "terminate"


class DownPaymentTo(StrEnum):
    """Who gets the down payment of the lessee: the lessor, who passes it on, or the supplier at once."""

    LESSOR = "lessor"
    SUPPLIER = "supplier"


class BillKind(StrEnum):
    """What a bill is for: an instalment, the fee at the beginning, or what is asked for when a lease ends.

    `REST` is what a finance lease is still worth, `EARLY_RETURN` the fee for a device that comes back before its term,
    `COMPENSATION` the value of a device that is lost.
    """

    INSTALMENT = "instalment"
    UPFRONT_FEE = "upfront_fee"
    REST = "rest"
    EARLY_RETURN = "early_return"
    COMPENSATION = "compensation"


class PartKind(StrEnum):
    """A line of an itemised quote."""

    BILLED_PRINCIPAL = "billed_principal"
    BILLED_INTEREST = "billed_interest"
    BILLED_FEE = "billed_fee"
    LATE_FEE = "late_fee"
    REMAINING_PRINCIPAL = "remaining_principal"
    EARNED_INTEREST = "earned_interest"
    SETTLEMENT_FEE = "settlement_fee"
    BUYOUT_PRICE = "buyout_price"
    PAID_RENT = "paid_rent"
    CREDIT = "credit"


class Applied(Struct, frozen=True, kw_only=True):
    """The net change of what is paid of one component of one bill; negative when money moves away from it."""

    number: BillNumber
    component: Component
    fen: DeltaFen


class Part(Struct, frozen=True, kw_only=True):
    """An amount of one component: what of a bill is waived or written off."""

    number: BillNumber
    component: Component
    fen: Annotated[int, Meta(ge=1, le=MAX_SAFE_INTEGER)]


class QuotePart(Struct, frozen=True, kw_only=True):
    """One line of a quote; what counts in the lessee's favour is negative."""

    kind: PartKind
    fen: DeltaFen


class NewDueDate(Struct, frozen=True, kw_only=True):
    """A bill that is due on another day."""

    number: Annotated[
        BillNumber,
        Meta(
            description="Number of the bill (0 is the fee up front), the instalment, the refund or the break, from 1."
        ),
    ]
    due_on: DueOnField
