"""Applications to test with: one command and one history for every need, all about the same vehicle."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from msgspec.structs import replace

from domain.intake.application.commands import (
    AcceptOffer,
    ApproveApplication,
    CancelOffer,
    CompleteApplication,
    CompleteHumanReview,
    CompleteVerification,
    CompleteWork,
    CreateOffer,
    DeclineApplication,
    DeclineOffer,
    DraftApplication,
    ExpireApplication,
    FinaliseTerms,
    IdentifyVehicle,
    IssueAdverseNotice,
    PresentOffer,
    RecordCarrierNameMatched,
    RecordCarrierNameMismatched,
    RecordDocumentExtraction,
    RecordIdentityFailed,
    RecordIdentityVerified,
    RecordLivenessFailed,
    RecordLivenessPassed,
    RecordOdometerReading,
    RecordOfferReturned,
    ReferApplication,
    RequestHumanReview,
    RouteToLane,
    ScheduleWork,
    SelectOffer,
    StartContracting,
    StartVerification,
    StartWork,
    SubmitApplication,
    UploadDocument,
    WithdrawApplication,
)
from domain.intake.application.events import (
    AdverseNoticeIssued,
    ApplicationApproved,
    ApplicationCompleted,
    ApplicationDeclined,
    ApplicationDrafted,
    ApplicationExpired,
    ApplicationReferred,
    ApplicationSubmitted,
    ApplicationWithdrawn,
    CarrierNameMatched,
    ContractingStarted,
    DocumentExtracted,
    DocumentUploaded,
    IdentityVerified,
    LivenessPassed,
    OdometerVerified,
    OfferAccepted,
    OfferCreated,
    OfferPresented,
    OfferReturned,
    OfferSelected,
    TermsFinalised,
    VehicleIdentified,
    VerificationCompleted,
    VerificationStarted,
)
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase
from domain.intake.application.values import DocumentKind, Finding, Terms
from domain.kernel.command import Command
from domain.kernel.event import Event
from domain.kernel.values import AssetClass
from tests.given import TODAY, scenarios

given = scenarios(APPLICATION)

SUBJECT = UUID(int=77)
KEEPER = UUID(int=78)
VIN = "1M8GDM9AXKP042788"
"""The usual published example of a VIN whose check digit is X."""

LAST_DAY = TODAY - timedelta(days=1)
NEXT_YEAR = date(2027, 3, 2)
TERMS = Terms(amount_fen=8_000_000, currency="CNY", months=36, annual_rate="0.0825", deposit_fen=0)
OTHER_TERMS = Terms(amount_fen=7_000_000, currency="CNY", months=24, annual_rate="0.0825")

DIGEST_A = "a" * 64
DIGEST_B = "b" * 64
DIGEST_C = "c" * 64
DIGEST_D = "d" * 64

# ------------------------------------------------------------------------------------------------- commands

DRAFT = DraftApplication(
    reference="JJ-2026-000173",
    asset_class=AssetClass.VEHICLE,
    product="auto_retail",
    channel="dealer",
    amount_fen=8_000_000,
    currency="CNY",
    expires_on=NEXT_YEAR,
    subject=SUBJECT,
    name="王小明",
    identity_number="11010519491231002X",
    phone="13800138000",
    address="北京市朝阳区",
)
UPLOAD = UploadDocument(
    digest=DIGEST_D, kind=DocumentKind.BANK_STATEMENT, media_type="application/pdf", size_bytes=90_210
)
EXTRACT = RecordDocumentExtraction(digest=DIGEST_A, confidence="0.93", provider="ocr_house")

SAMPLES: tuple[Command, ...] = (
    DRAFT,
    SubmitApplication(),
    UPLOAD,
    EXTRACT,
    RouteToLane(lane="retail_fast"),
    StartVerification(),
    RecordIdentityVerified(provider="ctid"),
    RecordIdentityFailed(provider="ctid", reason="face_differs"),
    RecordLivenessPassed(provider="face_house"),
    RecordLivenessFailed(provider="face_house", reason="replay_suspected"),
    RecordCarrierNameMatched(provider="carrier_a"),
    RecordCarrierNameMismatched(provider="carrier_a", reason="other_name"),
    IdentifyVehicle(provider="ocr_house", vin=VIN),
    RecordOdometerReading(reading_km=42_500, provider="dealer_photo"),
    CompleteVerification(),
    ReferApplication(reasons=("offer_to_settle",)),
    RequestHumanReview(),
    CompleteHumanReview(finding=Finding.CONFIRMED),
    FinaliseTerms(terms=TERMS),
    ApproveApplication(terms=TERMS),
    DeclineApplication(reasons=("income_too_low", "history_too_short")),
    IssueAdverseNotice(document=DIGEST_C, channel="sms"),
    SelectOffer(),
    CreateOffer(),
    PresentOffer(),
    RecordOfferReturned(),
    AcceptOffer(),
    CancelOffer(),
    DeclineOffer(),
    StartContracting(),
    CompleteApplication(),
    WithdrawApplication(reason="changed_mind"),
    ExpireApplication(),
    ScheduleWork(lane="Validate application"),
    StartWork(lane="Validate application"),
    CompleteWork(lane="Validate application"),
)
"""One command of each type, in the aggregate's own order."""

# ---------------------------------------------------------------------------------------------------- events

DRAFTED = ApplicationDrafted(
    reference="JJ-2026-000173",
    asset_class=AssetClass.VEHICLE,
    product="auto_retail",
    channel="dealer",
    amount_fen=8_000_000,
    currency="CNY",
    checklist=1,
    expires_on=LAST_DAY,
    subject=SUBJECT,
)
PHONE_DRAFTED = ApplicationDrafted(
    reference="JJ-2026-000174",
    asset_class=AssetClass.PHONE,
    product="phone_rental",
    channel="app",
    amount_fen=650_000,
    currency="CNY",
    checklist=1,
)
NOBODYS_DRAFTED = replace(DRAFTED, subject=None)
SUBMITTED = ApplicationSubmitted()
STARTED = VerificationStarted()
CARD = DocumentUploaded(
    digest=DIGEST_A, kind=DocumentKind.IDENTITY_CARD_FRONT, media_type="image/jpeg", size_bytes=51_200
)


def _uploaded(number: int, kind: DocumentKind) -> DocumentUploaded:
    return DocumentUploaded(digest=f"{number:064x}", kind=kind, media_type="image/jpeg", size_bytes=51_200)


def _read(digest: str) -> DocumentExtracted:
    return DocumentExtracted(digest=digest, confidence="0.97", provider="ocr_house")


CHECKS: tuple[Event, ...] = (
    _uploaded(1, DocumentKind.IDENTITY_CARD_BACK),
    _read(DIGEST_A),
    _uploaded(2, DocumentKind.DRIVING_LICENCE),
    _read(f"{2:064x}"),
    IdentityVerified(provider="ctid"),
    LivenessPassed(provider="face_house"),
    CarrierNameMatched(provider="carrier_a"),
    VehicleIdentified(provider="ocr_house", subject=SUBJECT),
    OdometerVerified(reading_km=42_000, provider="dealer_photo"),
)
"""Everything a machine needs to see before it may say yes."""

VERIFIED = VerificationCompleted()
REFERRED = ApplicationReferred(reasons=("offer_to_settle",))
APPROVED = ApplicationApproved(terms=TERMS)

TO_DRAFT: tuple[Event, ...] = (DRAFTED, CARD)
TO_SUBMITTED = (*TO_DRAFT, SUBMITTED)
TO_VERIFYING = (*TO_SUBMITTED, STARTED)
TO_DECIDING_UNCHECKED = (*TO_VERIFYING, VERIFIED)
TO_DECIDING = (*TO_VERIFYING, *CHECKS, VERIFIED)
TO_REFERRED = (*TO_DECIDING_UNCHECKED, REFERRED)
TO_APPROVED = (*TO_REFERRED, APPROVED)

SELECTED = OfferSelected(offer=1)
CREATED = OfferCreated(offer=1, terms=TERMS)
PRESENTED = OfferPresented(offer=1)
RETURNED = OfferReturned(offer=1)
SECOND = OfferSelected(offer=2)
FINALISED = TermsFinalised(terms=TERMS)

TO_ACCEPTED = (*TO_APPROVED, SELECTED, CREATED, PRESENTED, OfferAccepted(offer=1))
TO_CONTRACTING = (*TO_ACCEPTED, ContractingStarted())
TO_DECLINED = (*TO_REFERRED, ApplicationDeclined(reasons=("income_too_low",)))

HISTORIES: dict[ApplicationPhase, tuple[Event, ...]] = {
    ApplicationPhase.ABSENT: (),
    ApplicationPhase.DRAFT: TO_DRAFT,
    ApplicationPhase.SUBMITTED: TO_SUBMITTED,
    ApplicationPhase.VERIFYING: TO_VERIFYING,
    ApplicationPhase.DECIDING: TO_DECIDING,
    ApplicationPhase.REFERRED: TO_REFERRED,
    ApplicationPhase.APPROVED: TO_APPROVED,
    ApplicationPhase.OFFER_ACCEPTED: TO_ACCEPTED,
    ApplicationPhase.CONTRACTING: TO_CONTRACTING,
    ApplicationPhase.COMPLETED: (*TO_CONTRACTING, ApplicationCompleted()),
    ApplicationPhase.DECLINED: TO_DECLINED,
    ApplicationPhase.WITHDRAWN: (*TO_REFERRED, ApplicationWithdrawn(reason="changed_mind")),
    ApplicationPhase.EXPIRED: (*TO_REFERRED, ApplicationExpired(business_date=TODAY)),
}
"""A shortest sensible past for every phase, in the order of a case's life."""

NOTIFIED = AdverseNoticeIssued(document=DIGEST_C, channel="sms")
