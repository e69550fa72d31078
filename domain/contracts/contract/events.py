"""Events of a contract (合同): every event type of the aggregate, in the order of its life."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import Meta

from domain.contracts.contract.values import (
    AMENDMENTS_MAX,
    ClauseRefs,
    Disclosures,
    KeyTerms,
    Parties,
    Signature,
    Tampering,
)
from domain.kernel.event import Event, event_type
from domain.kernel.values import ClauseRef, ClauseVersionNumber, Code, Digest, Reference
from domain.pricing.parts import Form

AmendmentNumber = Annotated[int, Meta(ge=1, le=AMENDMENTS_MAX)]

# --------------------------------------------------------------------------------------- making the contract


@event_type("contract.assembled.v1")
class ContractAssembled(Event, frozen=True):
    """Event 1 of every contract: its plan, its parties, its clauses, and the agreement on how evidence is kept.

    `root` binds all of it (see `roots`).
    """

    reference: Reference
    form: Form
    plan: Code
    plan_digest: Digest
    parties: Parties
    key_terms: KeyTerms
    clauses: ClauseRefs
    evidence_clause: ClauseRef
    root: Digest
    assembled_on: date
    application: UUID | None = None


@event_type("contract.presented.v1")
class ContractPresented(Event, frozen=True):
    """The typeset contract was shown with its key terms apart; `document` is the SHA-256 of the file."""

    root: Digest
    document: Digest
    disclosed: Disclosures
    channel: Code


@event_type("contract.disclosure_acknowledged.v1")
class DisclosureAcknowledged(Event, frozen=True):
    """A party confirmed each key term that was shown to it (民法典 496)."""

    party: UUID
    root: Digest
    items: Disclosures


@event_type("contract.signed.v1")
class ContractSigned(Event, frozen=True):
    """A party signed (电子签名法 13)."""

    signature: Signature


@event_type("contract.executed.v1")
class ContractExecuted(Event, frozen=True):
    """All parties signed; the contract is in force. `document` is the file with all signatures."""

    root: Digest
    document: Digest
    executed_on: date


@event_type("contract.anchored.v1")
class ContractAnchored(Event, frozen=True):
    """Somebody else's record holds the root: `anchor` says whose, `receipt` is the digest of its receipt."""

    root: Digest
    anchor: Code
    receipt: Digest


# ------------------------------------------------------------------------------------------------ amendments


@event_type("contract.amendment_proposed.v1")
class AmendmentProposed(Event, frozen=True):
    """New key terms and clauses, in full, were shown; nothing changes before all parties signed."""

    number: AmendmentNumber
    key_terms: KeyTerms
    clauses: ClauseRefs
    root: Digest
    document: Digest
    disclosed: Disclosures
    reason: Code


@event_type("contract.amendment_signed.v1")
class AmendmentSigned(Event, frozen=True):
    """A party signed the amendment; `acknowledged` is what a party that terms are put to confirmed."""

    number: AmendmentNumber
    signature: Signature
    acknowledged: Disclosures = ()


@event_type("contract.amended.v1")
class ContractAmended(Event, frozen=True):
    """All parties signed the amendment; its root and its clauses hold from now on."""

    number: AmendmentNumber
    root: Digest
    document: Digest
    amended_on: date


@event_type("contract.amendment_lapsed.v1")
class AmendmentLapsed(Event, frozen=True):
    """The amendment came to nothing; the contract stays as it was."""

    number: AmendmentNumber
    reason: Code


# ------------------------------------------------------------------------------------------ evidence and end


@event_type("contract.tamper_alarm_raised.v1")
class TamperAlarmRaised(Event, frozen=True):
    """A presented copy differs in this clause from what was agreed; digests of both, null where one has none."""

    clause: Code
    tampering: Tampering
    version: ClauseVersionNumber | None
    expected: Digest | None
    got: Digest | None


@event_type("contract.texts_confirmed.v1")
class TextsConfirmed(Event, frozen=True):
    """A presented copy has every clause, byte for byte and in its order."""

    root: Digest


@event_type("contract.terminated.v1")
class ContractTerminated(Event, frozen=True):
    """The contract ended before it was performed."""

    reason: Code
    terminated_on: date


@event_type("contract.fulfilled.v1")
class ContractFulfilled(Event, frozen=True):
    """The contract ended because everything was performed."""

    fulfilled_on: date


@event_type("contract.voided.v1")
class ContractVoided(Event, frozen=True):
    """The contract never came about, or is held void; `basis` is the digest of the award, judgement or agreement."""

    reason: Code
    basis: Digest | None = None
