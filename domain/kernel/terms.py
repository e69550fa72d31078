"""Fields that mean the same in commands of several contexts: the type, and the words that describe it."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from domain.kernel.money import Amount, Currency, Fen
from domain.kernel.values import AssetClass, ClauseRef, Code, Digest, Rate, Reference

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
