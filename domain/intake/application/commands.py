"""Commands to an application, in the order of its life."""

from __future__ import annotations

from datetime import date
from typing import Annotated

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
from domain.kernel.fields import (
    AssetClassField,
    ChannelField,
    CurrencyField,
    DocumentField,
    OptionalSubjectField,
    ProviderField,
    ReasonField,
    ReferenceField,
)
from domain.kernel.money import Fen
from domain.kernel.values import Code, Digest

VIN_CHARS = 17

# ------------------------------------------------------------------------------------------------- intake

DigestField = Annotated[Digest, Meta(description="SHA-256 of the file or text; a file stays outside.")]
LaneField = Annotated[Lane, Meta(description="Name of the work queue.")]
OptionalAnswerField = Annotated[
    Digest | None,
    Meta(description="SHA-256 of the provider's answer, lower-case hex; the answer itself stays outside."),
]
ReasonsField = Annotated[Reasons, Meta(description="Why, as codes, the weightiest first.")]
TermsField = Annotated[Terms, Meta(description="What is offered; `null` where not settled.")]


class DraftApplication(Command, frozen=True):
    """Open a case. Personal fields need a `subject`; they go to the vault, never into the ledger."""

    reference: ReferenceField
    asset_class: AssetClassField
    product: Annotated[Code, Meta(description="Product, as a code.")]
    channel: ChannelField
    amount_fen: Annotated[Fen, Meta(description="Amount in the smallest unit of the currency (fen for CNY).")]
    currency: CurrencyField
    expires_on: Annotated[date | None, Meta(description="Last business date of the case, or of the consent.")] = None
    subject: OptionalSubjectField = None
    name: Annotated[
        PersonalText, Meta(description="The applicant's name. Personal: kept in the vault, never in the ledger.")
    ] = UNSET
    identity_number: Annotated[
        PersonalText, Meta(description="Identity number. Personal: kept in the vault, never in the ledger.")
    ] = UNSET
    phone: Annotated[
        PersonalText, Meta(description="Phone number. Personal: kept in the vault, never in the ledger.")
    ] = UNSET
    address: Annotated[
        PersonalText,
        Meta(description="Postal address. Personal: kept in the vault under the subject's key, never in the ledger."),
    ] = UNSET


class SubmitApplication(Command, frozen=True):
    """Hand the case in."""


class UploadDocument(Command, frozen=True):
    """Add a document by its digest."""

    digest: DigestField
    kind: Annotated[DocumentKind, Meta(description="Kind of the document.")]
    media_type: Annotated[
        str, Meta(pattern=r"^[a-z]+/[a-z0-9.+-]+$(?!\n)", max_length=100, description="Media type of the file.")
    ]
    size_bytes: Annotated[int, Meta(ge=1, le=DOCUMENT_BYTES_MAX, description="Size of the file or text in bytes.")]


class RecordDocumentExtraction(Command, frozen=True):
    """Record that a machine read a document, and how sure it was."""

    digest: DigestField
    confidence: Annotated[Confidence, Meta(description="How sure the machine was, 0 to 1, as a decimal string.")]
    provider: ProviderField


class RouteToLane(Command, frozen=True):
    """Put the case into a queue."""

    lane: LaneField


# ------------------------------------------------------------------------------------------- verification


class StartVerification(Command, frozen=True):
    """Begin the checks."""


class RecordIdentityVerified(Command, frozen=True):
    """Record that a provider confirmed the applicant's identity."""

    provider: ProviderField
    answer: OptionalAnswerField = None


class RecordIdentityFailed(Command, frozen=True):
    """Record that a provider did not confirm the applicant's identity."""

    provider: ProviderField
    reason: ReasonField
    answer: OptionalAnswerField = None


class RecordLivenessPassed(Command, frozen=True):
    """Record a passed liveness check."""

    provider: ProviderField
    answer: OptionalAnswerField = None


class RecordLivenessFailed(Command, frozen=True):
    """Record a failed liveness check."""

    provider: ProviderField
    reason: ReasonField
    answer: OptionalAnswerField = None


class RecordCarrierNameMatched(Command, frozen=True):
    """Record that the carrier's real name of the number is the applicant's."""

    provider: ProviderField
    answer: OptionalAnswerField = None


class RecordCarrierNameMismatched(Command, frozen=True):
    """Record that the carrier's real name of the number is not the applicant's."""

    provider: ProviderField
    reason: ReasonField
    answer: OptionalAnswerField = None


class IdentifyVehicle(Command, frozen=True):
    """Record the vehicle's identification number; `subject` is its keeper, by default the applicant."""

    provider: ProviderField
    vin: Annotated[
        str,
        Meta(
            min_length=VIN_CHARS,
            max_length=VIN_CHARS,
            description="Vehicle identification number (GB 16735). Personal: kept in the vault, never in the ledger.",
        ),
    ]
    subject: OptionalSubjectField = None


class RecordOdometerReading(Command, frozen=True):
    """Record a reading; `last_known_km` is what a register or an earlier owner's record says, if anything."""

    reading_km: Annotated[Kilometres, Meta(description="Odometer reading in kilometres.")]
    provider: ProviderField
    last_known_km: Annotated[
        Kilometres | None, Meta(description="What a register or an earlier owner's record says, in kilometres.")
    ] = None


class CompleteVerification(Command, frozen=True):
    """End the checks; the case is decided next."""


# ----------------------------------------------------------------------------------------------- decision


class ReferApplication(Command, frozen=True):
    """Let a person judge."""

    reasons: ReasonsField


class RequestHumanReview(Command, frozen=True):
    """Ask that a person looks at the case, at any time, after the decision too (个人信息保护法 24)."""


class CompleteHumanReview(Command, frozen=True):
    """Record what the person found; only a person of the lessor can."""

    finding: Annotated[Finding, Meta(description="What the person found.")]


class FinaliseTerms(Command, frozen=True):
    """Settle the terms that will be offered."""

    terms: TermsField


class ApproveApplication(Command, frozen=True):
    """Say yes, on these terms."""

    terms: TermsField


class DeclineApplication(Command, frozen=True):
    """Say no, for these reasons."""

    reasons: ReasonsField


class IssueAdverseNotice(Command, frozen=True):
    """Record that the applicant was told of the decline; `document` is the digest of the notice."""

    document: DocumentField
    channel: ChannelField


# ------------------------------------------------------------------------------------------------- offers


class SelectOffer(Command, frozen=True):
    """Choose to make an offer, the first or another one."""


class CreateOffer(Command, frozen=True):
    """Draw up the selected offer on the final terms; `title` is what it is called towards the applicant."""

    title: Annotated[OfferTitle | UnsetType, Meta(description="Title in Chinese.")] = UNSET


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

    reason: ReasonField


class ExpireApplication(Command, frozen=True):
    """End a case whose last business date has passed."""


# --------------------------------------------------------------------------------------------------- work


class ScheduleWork(Command, frozen=True):
    """Let work on the case wait in a queue."""

    lane: LaneField


class StartWork(Command, frozen=True):
    """Record that the actor began to work on the case."""

    lane: LaneField


class CompleteWork(Command, frozen=True):
    """Record that the actor stopped working on the case."""

    lane: LaneField
