"""Events of an application (租赁申请): every event type of the aggregate, in the order of its life."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

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
from domain.kernel.event import Event, PersonalText, event_type
from domain.kernel.money import Currency, Fen
from domain.kernel.values import AssetClass, Code, Digest, Reference

REASONS_MAX = 20

Reasons = Annotated[tuple[Code, ...], Meta(min_length=1, max_length=REASONS_MAX)]
"""Why, as codes, the weightiest first."""

OfferNumber = Annotated[int, Meta(ge=1)]
"""Offers of one application are numbered 1, 2, 3 … as they are selected."""


# ------------------------------------------------------------------------------------------------- intake


@event_type("application.drafted.v1")
class ApplicationDrafted(Event, frozen=True):
    """A case was opened.

    `expires_on` is the last business date on which it may go on, `checklist` the version of its intake steps.
    """

    reference: Reference
    asset_class: AssetClass
    product: Code
    channel: Code
    amount_fen: Fen
    currency: Currency
    checklist: Annotated[int, Meta(ge=1)]
    expires_on: date | None = None
    subject: UUID | None = None
    name: PersonalText = UNSET
    identity_number: PersonalText = UNSET
    phone: PersonalText = UNSET
    address: PersonalText = UNSET


@event_type("application.submitted.v1")
class ApplicationSubmitted(Event, frozen=True):
    """The applicant handed the case in; the promise to answer runs from here."""


@event_type("application.document_uploaded.v1")
class DocumentUploaded(Event, frozen=True):
    """A document was received; it enters by digest and kind."""

    digest: Digest
    kind: DocumentKind
    media_type: Annotated[str, Meta(pattern=r"^[a-z]+/[a-z0-9.+-]+$(?!\n)", max_length=100)]
    size_bytes: Annotated[int, Meta(ge=1, le=DOCUMENT_BYTES_MAX)]


@event_type("application.document_extracted.v1")
class DocumentExtracted(Event, frozen=True):
    """A document was read by machine, with this confidence; what was read stays with the document."""

    digest: Digest
    confidence: Confidence
    provider: Code


@event_type("application.routed_to_lane.v1")
class RoutedToLane(Event, frozen=True):
    """The case was put into a queue."""

    lane: Lane


# ------------------------------------------------------------------------------------------- verification


@event_type("application.verification_started.v1")
class VerificationStarted(Event, frozen=True):
    """The checks of the case began."""


@event_type("application.identity_verified.v1")
class IdentityVerified(Event, frozen=True):
    """A provider confirmed who the applicant is; `answer` is the digest of its signed answer, if it gave one."""

    provider: Code
    answer: Digest | None = None


@event_type("application.identity_failed.v1")
class IdentityFailed(Event, frozen=True):
    """A provider did not confirm who the applicant is."""

    provider: Code
    reason: Code
    answer: Digest | None = None


@event_type("application.liveness_passed.v1")
class LivenessPassed(Event, frozen=True):
    """A living person was in front of the camera."""

    provider: Code
    answer: Digest | None = None


@event_type("application.liveness_failed.v1")
class LivenessFailed(Event, frozen=True):
    """The liveness check did not pass."""

    provider: Code
    reason: Code
    answer: Digest | None = None


@event_type("application.carrier_name_matched.v1")
class CarrierNameMatched(Event, frozen=True):
    """The carrier's real-name record of the number is the applicant's."""

    provider: Code
    answer: Digest | None = None


@event_type("application.carrier_name_mismatched.v1")
class CarrierNameMismatched(Event, frozen=True):
    """The carrier's real-name record of the number is not the applicant's."""

    provider: Code
    reason: Code
    answer: Digest | None = None


@event_type("application.vehicle_identified.v1")
class VehicleIdentified(Event, frozen=True):
    """The vehicle's identification number was read and its check digit holds. A VIN leads to its keeper: personal."""

    provider: Code
    subject: UUID
    vin: PersonalText = UNSET


@event_type("application.odometer_verified.v1")
class OdometerVerified(Event, frozen=True):
    """An odometer reading, not below any earlier one."""

    reading_km: Kilometres
    provider: Code


@event_type("application.odometer_anomaly_detected.v1")
class OdometerAnomalyDetected(Event, frozen=True):
    """An odometer reading below an earlier one: readings only grow."""

    reading_km: Kilometres
    last_known_km: Kilometres
    provider: Code


@event_type("application.verification_completed.v1")
class VerificationCompleted(Event, frozen=True):
    """The checks are done, whatever they said; the case is ready to be decided."""


# ----------------------------------------------------------------------------------------------- decision


@event_type("application.referred.v1")
class ApplicationReferred(Event, frozen=True):
    """A person judges this case; the applicant is eligible and the offer must be settled."""

    reasons: Reasons


@event_type("application.human_review_requested.v1")
class HumanReviewRequested(Event, frozen=True):
    """Someone asked that a person, not a machine, looks at the case (个人信息保护法 24)."""


@event_type("application.human_review_completed.v1")
class HumanReviewCompleted(Event, frozen=True):
    """A person looked at the case; who it was is the actor of the entry."""

    finding: Finding


@event_type("application.terms_finalised.v1")
class TermsFinalised(Event, frozen=True):
    """The terms that will be offered."""

    terms: Terms


@event_type("application.approved.v1")
class ApplicationApproved(Event, frozen=True):
    """Yes, on these terms."""

    terms: Terms


@event_type("application.declined.v1")
class ApplicationDeclined(Event, frozen=True):
    """No, for these reasons."""

    reasons: Reasons


@event_type("application.adverse_notice_issued.v1")
class AdverseNoticeIssued(Event, frozen=True):
    """The applicant was told of the decline and its reasons; `document` is the digest of the notice."""

    document: Digest
    channel: Code


# ------------------------------------------------------------------------------------------------- offers


@event_type("application.offer_selected.v1")
class OfferSelected(Event, frozen=True):
    """An offer was chosen to be made next."""

    offer: OfferNumber


@event_type("application.offer_created.v1")
class OfferCreated(Event, frozen=True):
    """The selected offer was drawn up on the final terms."""

    offer: OfferNumber
    terms: Terms
    title: OfferTitle | UnsetType = UNSET


@event_type("application.offer_presented.v1")
class OfferPresented(Event, frozen=True):
    """The offer was sent to the applicant; before approval it is a conditional one."""

    offer: OfferNumber


@event_type("application.offer_returned.v1")
class OfferReturned(Event, frozen=True):
    """The applicant sent the offer back, signed or with questions."""

    offer: OfferNumber


@event_type("application.offer_accepted.v1")
class OfferAccepted(Event, frozen=True):
    """The applicant accepted the approved offer."""

    offer: OfferNumber


@event_type("application.offer_cancelled.v1")
class OfferCancelled(Event, frozen=True):
    """The lessor took the offer back."""

    offer: OfferNumber


@event_type("application.offer_declined.v1")
class OfferDeclined(Event, frozen=True):
    """The offer came to nothing: the applicant, or the decision on the case, said no to it."""

    offer: OfferNumber


# ---------------------------------------------------------------------------------------------------- end


@event_type("application.contracting_started.v1")
class ContractingStarted(Event, frozen=True):
    """The contract is being made."""


@event_type("application.completed.v1")
class ApplicationCompleted(Event, frozen=True):
    """The contract is in force; the case goes on as a lease."""


@event_type("application.withdrawn.v1")
class ApplicationWithdrawn(Event, frozen=True):
    """The case was given up before it was completed."""

    reason: Code


@event_type("application.expired.v1")
class ApplicationExpired(Event, frozen=True):
    """The case ran out of time on this business date."""

    business_date: date


# --------------------------------------------------------------------------------------------------- work


@event_type("application.work_scheduled.v1")
class WorkScheduled(Event, frozen=True):
    """Work on the case waits in a queue; who put it there is the actor of the entry."""

    lane: Lane


@event_type("application.work_started.v1")
class WorkStarted(Event, frozen=True):
    """A worker began; the worker is the actor of the entry."""

    lane: Lane


@event_type("application.work_completed.v1")
class WorkCompleted(Event, frozen=True):
    """A worker stopped; the worker is the actor of the entry."""

    lane: Lane
