"""Values that several contexts share, and fields that mean the same in their commands, with the words for both."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from domain.kernel.money import MAX_SAFE_INTEGER, Amount, Currency, Fen

CODE_MAX_CHARS = 64

CLAUSE_VERSIONS_MAX = 500
"""Versions of one clause; a state stays quick to copy."""

Code = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_.]*$(?!\n)", max_length=CODE_MAX_CHARS)]
"""A word of a controlled vocabulary (a reason, a product, a provider): lower case, never a sentence about a person."""

Reference = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$(?!\n)", max_length=CODE_MAX_CHARS)]
"""The tenant's own business number of a case; says nothing about a person."""

Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)", max_length=64)]
"""SHA-256 of a file, 64 lower-case hex digits; the file itself stays outside the ledger."""

Rate = Annotated[str, Meta(pattern=r"^(0|[1-9][0-9]{0,3})(\.[0-9]{1,10})?$(?!\n)", max_length=16)]
"""A rate per year as a decimal string; `0.0825` is 8.25 %."""

Count = Annotated[int, Meta(ge=0, le=MAX_SAFE_INTEGER)]
"""How many there are."""

ClauseVersionNumber = Annotated[int, Meta(ge=1, le=CLAUSE_VERSIONS_MAX)]
"""Versions of a clause are numbered 1, 2, 3 … as they are drafted."""


class AssetClass(StrEnum):
    """What is leased. `UNSPECIFIED` is for cases whose asset is not named, such as imported ones."""

    PHONE = "phone"
    DEVICE = "device"
    VEHICLE = "vehicle"
    UNSPECIFIED = "unspecified"


class Business(StrEnum):
    """Which of the two businesses: operating lease of a device, or finance lease of a vehicle."""

    RENTAL = "rental"
    FINANCE = "finance"


class ClauseRef(Struct, frozen=True, kw_only=True):
    """One version of one clause, and the SHA-256 of its exact text."""

    clause: Annotated[Code, Meta(description="The clause: its code, or code, version and digest.")]
    version: Annotated[ClauseVersionNumber, Meta(description="Number of the clause's version, from 1.")]
    digest: Annotated[Digest, Meta(description="SHA-256 of the file or text; a file stays outside.")]


AmountFenField = Annotated[Amount, Meta(description="Amount in the smallest unit of the currency (fen for CNY).")]
AssetClassField = Annotated[AssetClass, Meta(description="What is leased.")]
ChannelField = Annotated[Code, Meta(description="Where it comes or goes through, as a code.")]
CurrencyField = Annotated[Currency, Meta(description="ISO 4217 code.")]
DepositFenField = Annotated[Fen, Meta(description="Deposit in the smallest unit of the currency.")]
DocumentField = Annotated[
    Digest, Meta(description="SHA-256 of the document, lower-case hex; the document itself stays outside.")
]
DownPaymentFenField = Annotated[
    Fen, Meta(description="Down payment (首付), not financed, in fen; of a quote by default the plan's least.")
]
DueOnField = Annotated[date, Meta(description="Due date.")]
LateFeeDailyRateField = Annotated[Rate, Meta(description="Late fee per day of what is unpaid, as a decimal string.")]
LeaseField = Annotated[UUID, Meta(description="The lease: `lease_` and 32 hex digits.")]
MandatoryField = Annotated[bool, Meta(description="Whether no contract of these forms is without it.")]
MonthEndField = Annotated[
    bool, Meta(description="A first due date on the last day of a month makes all of them last days.")
]
OptionalApplicationField = Annotated[
    UUID | None, Meta(description="The application: `application_` and 32 hex digits.")
]
OptionalEvidenceField = Annotated[Digest | None, Meta(description="SHA-256 of the record of the person's act.")]
OptionalFirstDueOnField = Annotated[date | None, Meta(description="Due date of the first instalment.")]
OptionalPaidOutFenField = Annotated[
    Fen | None,
    Meta(description="What a lease-back really pays to the lessee, in fen; by default all that is financed."),
]
OptionalSubjectField = Annotated[
    UUID | None, Meta(description="The person that personal fields are about; a random id of yours.")
]
PartyField = Annotated[
    UUID, Meta(description="The party: `party_` and 32 hex digits; for a person those of its `subject_` id.")
]
PlanField = Annotated[Code, Meta(description="Code of a plan of the catalogue; its newest version in force is taken.")]
PriceFenField = Annotated[Fen, Meta(description="Price in fen.")]
PrincipalFenField = Annotated[
    Fen, Meta(description="What is financed, in fen; of a rental the value of the device, of its instalments the rent.")
]
ProviderField = Annotated[Code, Meta(description="Who answered, as a code.")]
ReasonField = Annotated[Code, Meta(description="Why, as a code.")]
ReferenceField = Annotated[Reference, Meta(description="The tenant's own business number, never about a person.")]
UpfrontFeeFenField = Annotated[Fen, Meta(description="Fees of the first day, in fen.")]
ValueDateField = Annotated[date, Meta(description="The day from which the money counts; may lie in the past.")]
ClauseRefField = Annotated[ClauseRef, Meta(description="The clause: its code, version and digest.")]
ExpiresOnField = Annotated[date, Meta(description="Last business date of the case, or of the consent.")]
