"""Metadata of fields: the noun of their ids, the type that their text is shown as, whether they are internal.

Below stand fields that mean the same in commands of several contexts: the type, and the words that describe it.

A description is `Meta(description=…)`; the rest stands here, so that a row type, a command or a state says everything
about a field where the field is written, and forms, answers, tables and documents are derived from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta

from domain.kernel.money import Amount, Currency, Fen
from domain.kernel.values import AssetClass, ClauseRef, Code, Rate, Reference
from domain.kernel.values import Digest as FileDigest

NOUN, SHOWN, INTERNAL_KEY, STATES = "noun", "shown", "internal", "states"


def noun(name: str) -> Meta:
    """An identifier's noun, where it is not the name of the field: `lessee: Annotated[UUID, noun("subject")]`."""
    return Meta(extra={NOUN: name})


def shown(kind: Any) -> Meta:
    """The type of a text column's value: a struct or tuple kept as JSON, codes joined by blanks, text that may lack."""
    return Meta(extra={SHOWN: kind})


def states(kind: type[Enum]) -> Meta:
    """The values that a text column can have, those of an enumeration; the state of an empty stream is none of them."""
    return one_of(one.value for one in kind if one.value != "absent")


Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
"""SHA-256 in lower-case hex."""

INTERNAL = Meta(extra={INTERNAL_KEY: True})
"""A column that serves its fold or its queries and is no part of an answer."""


def one_of(values: Iterable[str]) -> Meta:
    """The values that a text can have."""
    known = tuple(values)
    return Meta(extra_json_schema={"enum": list(known)}, extra={STATES: known})


AmountFenField = Annotated[Amount, Meta(description="Amount in the smallest unit of the currency (fen for CNY).")]
AssetClassField = Annotated[AssetClass, Meta(description="What is leased.")]
ChannelField = Annotated[Code, Meta(description="Where it comes or goes through, as a code.")]
CurrencyField = Annotated[Currency, Meta(description="ISO 4217 code.")]
DepositFenField = Annotated[Fen, Meta(description="Deposit in the smallest unit of the currency.")]
DocumentField = Annotated[
    FileDigest, Meta(description="SHA-256 of the document, lower-case hex; the document itself stays outside.")
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
OptionalEvidenceField = Annotated[FileDigest | None, Meta(description="SHA-256 of the record of the person's act.")]
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
