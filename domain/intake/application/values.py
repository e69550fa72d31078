"""Values that application events, commands and state share: codes, digests, terms and closed lists."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from domain.kernel.fields import (
    CurrencyField,
    DownPaymentFenField,
    MonthEndField,
    OptionalFirstDueOnField,
    OptionalPaidOutFenField,
    PlanField,
    PriceFenField,
)
from domain.kernel.money import Fen
from domain.kernel.values import Code, Digest, Rate

LANE_MAX_CHARS = 64
DOCUMENTS_MAX = 200
"""Documents of one application; an entry stays small and a state stays quick to copy."""

TERM_MONTHS_MAX = 120
TERM_MAX = TERM_MONTHS_MAX * 31
"""The longest term in days."""

SCORE_MAX = 1_000
SCORES_MAX = 8

OFFER_TITLE_MAX_CHARS = 120
DOCUMENT_BYTES_MAX = 1 << 30
ODOMETER_KM_MAX = 9_999_999

Lane = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)", max_length=LANE_MAX_CHARS)]
"""The name of a work queue as the tenant calls it; one line of text."""

Confidence = Annotated[str, Meta(pattern=r"^(0(\.[0-9]{1,6})?|1(\.0{1,6})?)$(?!\n)", max_length=8)]
"""A confidence between 0 and 1 as a decimal string with at most six places."""

Kilometres = Annotated[int, Meta(ge=0, le=ODOMETER_KM_MAX)]


OfferTitle = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]+$(?!\n)", max_length=OFFER_TITLE_MAX_CHARS)]
"""The words an offer is made with, as the tenant's catalogue has them; one line that says nothing about a person."""


class DocumentKind(StrEnum):
    """The kind a document has at intake; a file's own name may hold a person's name and never enters."""

    IDENTITY_CARD_FRONT = "identity_card_front"
    IDENTITY_CARD_BACK = "identity_card_back"
    INCOME_PROOF = "income_proof"
    BANK_STATEMENT = "bank_statement"
    DRIVING_LICENCE = "driving_licence"
    VEHICLE_REGISTRATION = "vehicle_registration"
    VEHICLE_PHOTO = "vehicle_photo"
    PURCHASE_INVOICE = "purchase_invoice"
    BUSINESS_LICENCE = "business_licence"
    OTHER = "other"


class Finding(StrEnum):
    """What a person found who reviewed an automated step or decision."""

    CONFIRMED = "confirmed"
    CHANGED = "changed"


class WantedScore(Struct, frozen=True, forbid_unknown_fields=True):
    """A score that the deposit was worked out with, and who gave it."""

    source: Annotated[Code, Meta(description="Whose score it is, as a code.")]
    score: Annotated[int, Meta(ge=0, le=SCORE_MAX, description="The score, on its source's own scale.")]


class Wanted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was asked to be priced: with its plan, all that an offer is worked out from.

    `term` is in the plan's unit. `price_fen` is the asset's price in the contract, `market_price_fen` what it costs
    elsewhere, `paid_out_fen` what a lease-back pays to the lessee. Codes are those of the catalogue of plans.
    """

    customer_class: Annotated[Code, Meta(description="Who leases.")]
    asset_kind: Annotated[Code, Meta(description="What is to be leased.")]
    price_fen: PriceFenField
    term: Annotated[int, Meta(ge=1, le=TERM_MAX, description="How long, in `term_unit`.")]
    start: Annotated[date, Meta(description="The day on which the lease begins; the business date by default.")]
    scores: Annotated[
        tuple[WantedScore, ...],
        Meta(
            max_length=SCORES_MAX,
            description="Credit scores that are known; a source that is left out is missing, which is not zero.",
        ),
    ] = ()
    first_due_on: OptionalFirstDueOnField = None
    market_price_fen: Annotated[
        Fen | None,
        Meta(description="What the asset costs elsewhere on the day, in fen, from a source that is not the lessor."),
    ] = None
    down_payment_fen: DownPaymentFenField = 0
    paid_out_fen: OptionalPaidOutFenField = None
    month_end: MonthEndField = False
    adjustment: Annotated[
        Code,
        Meta(description="Where a due date goes that is no business day (ISDA 2006 §4.12; Chinese holidays)."),
    ] = "no_adjustment"


class Priced(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where terms come from: a plan by its digest, what was wanted, and the digest of the offer that this makes."""

    plan: PlanField
    plan_digest: Digest
    wanted: Wanted
    offer: Digest


class Terms(Struct, frozen=True, kw_only=True):
    """What is offered: amount in the smallest unit, months, rate per year, deposit; `None` where not settled.

    Terms that are `priced` can be worked out again to the fen. Without it nobody is made an offer; only histories of
    other systems have such terms.
    """

    amount_fen: Annotated[Fen, Meta(description="Amount in the smallest unit of the currency (fen for CNY).")]
    currency: CurrencyField
    months: Annotated[
        Annotated[int, Meta(ge=1, le=TERM_MONTHS_MAX)] | None, Meta(description="Months that the lease runs.")
    ] = None
    annual_rate: Annotated[Rate | None, Meta(description="Rate per year as a decimal string; `0.0825` is 8.25 %.")] = (
        None
    )
    deposit_fen: Annotated[Fen | None, Meta(description="Deposit in the smallest unit of the currency.")] = None
    priced: Priced | UnsetType = UNSET
