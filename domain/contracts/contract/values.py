"""Values of a contract: parties, key terms, what is disclosed, signatures, and what the clause library says."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from domain.contracts.clause import Title
from domain.intake.application.values import TERM_MONTHS_MAX
from domain.kernel.fields import (
    CurrencyField,
    DepositFenField,
    DocumentField,
    DownPaymentFenField,
    LateFeeDailyRateField,
    MandatoryField,
    PartyField,
    UpfrontFeeFenField,
    noun,
)
from domain.kernel.money import Fen
from domain.kernel.values import ClauseRef, ClauseVersionNumber, Code, Digest, Rate
from domain.pricing.parts import Form
from domain.pricing.schedules import Component

PARTIES_MAX = 12
CLAUSES_MAX = 80
"""Clauses of one contract: their references fit into one entry with room to spare."""

LIBRARY_MAX = 400
AMENDMENTS_MAX = 100
TEXTS_MAX = 160
GRACE_DAYS_MAX = 90

EVIDENCE = "evidence"
"""The clause that agrees to this way of keeping evidence; no contract is without (证据规定 94(5))."""

DEVICE_LOCK = "device_lock"
BUYOUT = "buyout"
KEY_TERMS = "key_terms"


class PartyRole(StrEnum):
    """What a party is in a contract."""

    LESSOR = "lessor"
    LESSEE = "lessee"
    CO_LESSEE = "co_lessee"
    GUARANTOR = "guarantor"
    SUPPLIER = "supplier"
    DEALER = "dealer"


ADDRESSED = frozenset({PartyRole.LESSEE, PartyRole.CO_LESSEE, PartyRole.GUARANTOR})
"""Roles to which standard terms are put: they are shown the key terms and confirm each (民法典 496)."""

ClauseField = Annotated[Code, Meta(description="The clause: its code, or code, version and digest.")]


class Party(Struct, frozen=True, kw_only=True):
    """A party: the id of a person or organisation, whose name the vault knows, and its turn to sign.

    Parties of the same `turn` sign in any order; a higher turn waits for all lower ones.
    """

    role: Annotated[PartyRole, Meta(description="What the party is in the contract.")]
    id: Annotated[
        Annotated[UUID, noun("party")],
        Meta(description="The party: `party_` and 32 hex digits; for a person those of its `subject_` id."),
    ]
    turn: Annotated[
        int, Meta(ge=1, le=PARTIES_MAX, description="Parties of a higher turn sign after those of all lower ones.")
    ] = 1


Parties = Annotated[tuple[Party, ...], Meta(min_length=2, max_length=PARTIES_MAX)]


class KeyTerms(Struct, frozen=True, kw_only=True):
    """What a contract costs and takes, in fen and yearly rates; part of the contract root.

    `financed_fen` is the principal; in a rental it is the price of the object. `total_cost_fen` is everything the
    lessee pays until the object is its own or goes back, `upfront_fee_fen` and `down_payment_fen` among it. `apr` is
    the yearly cost with simple interest, `irr` the yearly internal rate; both are null where the object goes back,
    which makes no rate. `buyout_fen` is null where there is no right to buy. A late instalment costs
    `late_fee_daily_rate` of what is unpaid per day after
    `grace_days`; money is applied in the order of `allocation`; settling early costs `early_settlement_rate` of the
    principal that remains. `forum` names the arbitration commission, null for the courts. `schedule_digest` is SHA-256
    over the canonical JSON of the schedule.
    """

    currency: CurrencyField
    financed_fen: Annotated[Fen, Meta(description="What is financed, in fen.")]
    total_cost_fen: Annotated[Fen, Meta(description="Everything that the lessee pays, in fen.")]
    deposit_fen: DepositFenField
    instalments: Annotated[int, Meta(ge=1, le=TERM_MONTHS_MAX * 31, description="How many instalments there are.")]
    first_due_on: Annotated[date, Meta(description="Due date of the first instalment.")]
    last_due_on: Annotated[date, Meta(description="Due date of the last instalment.")]
    apr: Annotated[Rate | None, Meta(description="Annual percentage rate as a decimal string.")]
    irr: Annotated[Rate | None, Meta(description="Internal rate of return per year as a decimal string.")]
    schedule_digest: Annotated[
        Digest, Meta(description="SHA-256 over the canonical JSON of the schedule, lower-case hex.")
    ]
    lock: Annotated[bool, Meta(description="Whether the device can be locked.")]
    late_fee_daily_rate: LateFeeDailyRateField
    grace_days: Annotated[int, Meta(ge=0, le=GRACE_DAYS_MAX, description="Days after the due date without a late fee.")]
    allocation: Annotated[
        tuple[Component, ...],
        Meta(
            min_length=1,
            max_length=len(Component),
            description="Every component once, the one that is paid first in front.",
        ),
    ]
    early_settlement_rate: Annotated[
        Rate, Meta(description="Share of the remaining principal that settling early costs, a decimal string.")
    ]
    upfront_fee_fen: UpfrontFeeFenField = 0
    down_payment_fen: DownPaymentFenField = 0
    buyout_fen: Annotated[Fen | None, Meta(description="Price of the asset at the end, in fen.")] = None
    forum: Annotated[Title | None, Meta(description="The arbitration commission; null for the courts.")] = None


class Disclosure(StrEnum):
    """What is shown apart from the small print and confirmed one by one."""

    TOTAL_COST = "total_cost"
    APR = "apr"
    IRR = "irr"
    BUYOUT = "buyout"
    LOCK_CLAUSE = "lock_clause"
    EVIDENCE_CLAUSE = "evidence_clause"


Disclosures = Annotated[tuple[Disclosure, ...], Meta(max_length=len(Disclosure))]
ClauseRefs = Annotated[tuple[ClauseRef, ...], Meta(min_length=1, max_length=CLAUSES_MAX)]


class LibraryClause(Struct, frozen=True, kw_only=True):
    """What a clause's own stream says of one version, read by whoever composes the command, never by its client."""

    clause: ClauseField
    version: Annotated[ClauseVersionNumber, Meta(description="Number of the clause's version, from 1.")]
    digest: Annotated[Digest, Meta(description="SHA-256 of the file or text; a file stays outside.")]
    title: Annotated[Title, Meta(description="Title in Chinese.")]
    forms: Annotated[tuple[Form, ...], Meta(description="Forms of lease that it is written for.")]
    mandatory: MandatoryField
    effective_from: Annotated[date | None, Meta(description="First business date on which contracts may hold it.")]
    withdrawn_from: Annotated[
        date | None, Meta(description="First business date on which contracts may not hold it any more.")
    ] = None


Library = Annotated[tuple[LibraryClause, ...], Meta(max_length=LIBRARY_MAX)]


class SignatureLevel(StrEnum):
    """Baseline level of a PAdES signature (ETSI EN 319 142-1 §6)."""

    B_B = "B-B"
    B_T = "B-T"


class SignatureMethod(StrEnum):
    """How it is known that a party signed: the ledger's own check of the file, a vendor's word, or ink on paper."""

    PADES = "pades"
    VENDOR = "vendor"
    PAPER = "paper"


class Signature(Struct, frozen=True, kw_only=True):
    """One signature of one party, by digests: the file before, the file after, the signer's certificate.

    `method` says how it was verified; `pades` only where the signed file itself was checked.
    """

    party: PartyField
    document: DocumentField
    signed: Annotated[Digest, Meta(description="SHA-256 of the file after the signature, lower-case hex.")]
    certificate: Annotated[Digest, Meta(description="SHA-256 of the signer's certificate, lower-case hex.")]
    level: Annotated[SignatureLevel, Meta(description="Baseline level of the PAdES signature.")]
    method: Annotated[
        SignatureMethod,
        Meta(description="How it is known that the party signed; `pades` only by handing the signed file in."),
    ]


class GivenText(Struct, frozen=True, kw_only=True):
    """A clause as somebody presents it, to be compared with what was agreed."""

    clause: ClauseField
    text: Annotated[str, Meta(description="The exact text, in Unicode Normalization Form C; line feeds are kept.")]


class Tampering(StrEnum):
    """Kind of difference between a presented copy and the agreed contract."""

    CHANGED = "changed"
    MISSING = "missing"
    ADDED = "added"
    MOVED = "moved"
