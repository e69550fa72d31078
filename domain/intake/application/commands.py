"""Commands to an application, in the order of its life."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from domain.intake.application.events import Reasons
from domain.intake.application.values import (
    DOCUMENT_BYTES_MAX,
    Confidence,
    DocumentKind,
    Finding,
    Kilometres,
    Lane,
    OfferTitle,
    Terms,
)
from domain.kernel.command import Command
from domain.kernel.event import PersonalText
from domain.kernel.money import Currency, Fen
from domain.kernel.values import AssetClass, Code, Digest, Reference

VIN_CHARS = 17

# ------------------------------------------------------------------------------------------------- intake


class DraftApplication(Command, frozen=True):
    """Open a case. Personal fields need a `subject`; they go to the vault, never into the ledger."""

    reference: Reference
    asset_class: AssetClass
    product: Code
    channel: Code
    amount_fen: Fen
    currency: Currency
    expires_on: date | None = None
    subject: UUID | None = None
    name: PersonalText = UNSET
    identity_number: PersonalText = UNSET
    phone: PersonalText = UNSET
    address: PersonalText = UNSET


class SubmitApplication(Command, frozen=True):
    """Hand the case in."""


class UploadDocument(Command, frozen=True):
    """Add a document by its digest."""

    digest: Digest
    kind: DocumentKind
    media_type: Annotated[str, Meta(pattern=r"^[a-z]+/[a-z0-9.+-]+$(?!\n)", max_length=100)]
    size_bytes: Annotated[int, Meta(ge=1, le=DOCUMENT_BYTES_MAX)]


class RecordDocumentExtraction(Command, frozen=True):
    """Record that a machine read a document, and how sure it was."""

    digest: Digest
    confidence: Confidence
    provider: Code


class RouteToLane(Command, frozen=True):
    """Put the case into a queue."""

    lane: Lane


# ------------------------------------------------------------------------------------------- verification


class StartVerification(Command, frozen=True):
    """Begin the checks."""


class RecordIdentityVerified(Command, frozen=True):
    """Record that a provider confirmed the applicant's identity."""

    provider: Code
    answer: Digest | None = None


class RecordIdentityFailed(Command, frozen=True):
    """Record that a provider did not confirm the applicant's identity."""

    provider: Code
    reason: Code
    answer: Digest | None = None


class RecordLivenessPassed(Command, frozen=True):
    """Record a passed liveness check."""

    provider: Code
    answer: Digest | None = None


class RecordLivenessFailed(Command, frozen=True):
    """Record a failed liveness check."""

    provider: Code
    reason: Code
    answer: Digest | None = None


class RecordCarrierNameMatched(Command, frozen=True):
    """Record that the carrier's real name of the number is the applicant's."""

    provider: Code
    answer: Digest | None = None


class RecordCarrierNameMismatched(Command, frozen=True):
    """Record that the carrier's real name of the number is not the applicant's."""

    provider: Code
    reason: Code
    answer: Digest | None = None


class IdentifyVehicle(Command, frozen=True):
    """Record the vehicle's identification number; `subject` is its keeper, by default the applicant."""

    provider: Code
    vin: Annotated[str, Meta(min_length=VIN_CHARS, max_length=VIN_CHARS)]
    subject: UUID | None = None


class RecordOdometerReading(Command, frozen=True):
    """Record a reading; `last_known_km` is what a register or an earlier owner's record says, if anything."""

    reading_km: Kilometres
    provider: Code
    last_known_km: Kilometres | None = None


class CompleteVerification(Command, frozen=True):
    """End the checks; the case is decided next."""


# ----------------------------------------------------------------------------------------------- decision


class ReferApplication(Command, frozen=True):
    """Let a person judge."""

    reasons: Reasons


class RequestHumanReview(Command, frozen=True):
    """Ask that a person looks at the case, at any time, after the decision too (个人信息保护法 24)."""


class CompleteHumanReview(Command, frozen=True):
    """Record what the person found; only a person of the lessor can."""

    finding: Finding


class FinaliseTerms(Command, frozen=True):
    """Settle the terms that will be offered."""

    terms: Terms


class ApproveApplication(Command, frozen=True):
    """Say yes, on these terms."""

    terms: Terms


class DeclineApplication(Command, frozen=True):
    """Say no, for these reasons."""

    reasons: Reasons


class IssueAdverseNotice(Command, frozen=True):
    """Record that the applicant was told of the decline; `document` is the digest of the notice."""

    document: Digest
    channel: Code


# ------------------------------------------------------------------------------------------------- offers


class SelectOffer(Command, frozen=True):
    """Choose to make an offer, the first or another one."""


class CreateOffer(Command, frozen=True):
    """Draw up the selected offer on the final terms; `title` is what it is called towards the applicant."""

    title: OfferTitle | UnsetType = UNSET


class PresentOffer(Command, frozen=True):
    """Send the current offer to the applicant."""


class RecordOfferReturned(Command, frozen=True):
    """Record that the applicant sent the current offer back."""


class AcceptOffer(Command, frozen=True):
    """Accept the current offer of an approved case."""


class CancelOffer(Command, frozen=True):
    """Take the current offer back; without one, drop the selection."""


class DeclineOffer(Command, frozen=True):
    """Say no to the current offer."""


# ---------------------------------------------------------------------------------------------------- end


class StartContracting(Command, frozen=True):
    """Begin to make the contract."""


class CompleteApplication(Command, frozen=True):
    """End the case: the contract is in force."""


class WithdrawApplication(Command, frozen=True):
    """Give the case up."""

    reason: Code


class ExpireApplication(Command, frozen=True):
    """End a case whose last business date has passed."""


# --------------------------------------------------------------------------------------------------- work


class ScheduleWork(Command, frozen=True):
    """Let work on the case wait in a queue."""

    lane: Lane


class StartWork(Command, frozen=True):
    """Record that the actor began to work on the case."""

    lane: Lane


class CompleteWork(Command, frozen=True):
    """Record that the actor stopped working on the case."""

    lane: Lane
