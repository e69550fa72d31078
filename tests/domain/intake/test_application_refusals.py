"""Every rule that says no: each is reached, each has its sentences, and their order is fixed."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.contracts import offered
from domain.intake.application import refusals as r
from domain.intake.application.commands import (
    AcceptOffer,
    ApproveApplication,
    CompleteApplication,
    CompleteHumanReview,
    CompleteVerification,
    CompleteWork,
    CreateOffer,
    DeclineApplication,
    DeclineOffer,
    ExpireApplication,
    FinaliseTerms,
    IdentifyVehicle,
    IssueAdverseNotice,
    PresentOffer,
    RecordDocumentExtraction,
    RecordOdometerReading,
    RecordOfferReturned,
    ReferApplication,
    RequestHumanReview,
    RouteToLane,
    ScheduleWork,
    SelectOffer,
    StartContracting,
    StartVerification,
    SubmitApplication,
    WithdrawApplication,
)
from domain.intake.application.events import DocumentUploaded, HumanReviewRequested, OfferCancelled, RoutedToLane
from domain.intake.application.rules import APPLICATION
from domain.intake.application.values import DOCUMENTS_MAX, DocumentKind, Finding
from domain.kernel.command import Actor, Command
from domain.kernel.event import Event
from domain.kernel.refusal import REFUSALS, RefusalKind
from domain.kernel.values import AssetClass
from domain.leasing import admission
from tests.domain import cases
from tests.domain.cases import CREATED, DRAFT, FINALISED, PRESENTED, RETURNED, SELECTED, TERMS, given
from tests.given import TODAY

ASKED = HumanReviewRequested()
YESTERDAY = TODAY - timedelta(days=1)
PHONE_VERIFYING = (cases.PHONE_DRAFTED, cases.SUBMITTED, cases.STARTED)
OFFERED = (*cases.TO_APPROVED, SELECTED, CREATED)
FULL = tuple(
    DocumentUploaded(digest=f"{n:064x}", kind=DocumentKind.OTHER, media_type="image/png", size_bytes=1)
    for n in range(DOCUMENTS_MAX)
)
FOREIGN = replace(TERMS, currency="EUR")
READ_UNKNOWN = RecordDocumentExtraction(digest=cases.DIGEST_B, confidence="0.9", provider="ocr_house")
CONFIRM = CompleteHumanReview(finding=Finding.CONFIRMED)
NOTICE = IssueAdverseNotice(document=cases.DIGEST_C, channel="sms")
LESSEE = Actor("lessee", "l-1")

REACHED: list[tuple[RefusalKind, tuple[Event, ...], Command]] = [
    (r.UNKNOWN, (), SubmitApplication()),
    (r.EXISTS, cases.TO_DRAFT, DRAFT),
    (r.CLOSED, cases.TO_DECLINED, WithdrawApplication(reason="late")),
    (r.NOT_DRAFT, cases.TO_SUBMITTED, SubmitApplication()),
    (r.NOT_SUBMITTED, cases.TO_DRAFT, StartVerification()),
    (r.NOT_QUEUEABLE, cases.TO_DRAFT, RouteToLane(lane="vip")),
    (r.NOT_VERIFYING, cases.TO_SUBMITTED, CompleteVerification()),
    (r.NOT_CHECKABLE, cases.TO_SUBMITTED, RecordOdometerReading(reading_km=1, provider="x")),
    (r.NOT_DECIDING, cases.TO_REFERRED, ReferApplication(reasons=("again",))),
    (r.NOT_UNDER_DECISION, cases.TO_VERIFYING, ApproveApplication(terms=TERMS)),
    (r.NOT_DECLINABLE, cases.TO_SUBMITTED, DeclineApplication(reasons=("x",))),
    (r.NOT_DECLINED, cases.TO_REFERRED, NOTICE),
    (r.OFFERS_NOT_OPEN, cases.TO_DECIDING, SelectOffer()),
    (r.NOT_APPROVED, (*cases.TO_REFERRED, FINALISED, SELECTED, CREATED, PRESENTED), AcceptOffer()),
    (r.OFFER_NOT_ACCEPTED, cases.TO_APPROVED, StartContracting()),
    (r.NOT_CONTRACTING, cases.TO_ACCEPTED, CompleteApplication()),
    (r.REFERENCE_PERSONAL, (), replace(DRAFT, reference="13800138000")),
    (r.SUBJECT_MISSING, (), replace(DRAFT, subject=None)),
    (r.EXPIRY_PASSED, (), replace(DRAFT, expires_on=YESTERDAY)),
    (r.DOCUMENT_KNOWN, (*cases.TO_DRAFT, *FULL), replace(cases.UPLOAD, digest=cases.DIGEST_A)),
    (r.DOCUMENTS_FULL, (*cases.TO_DRAFT, *FULL), cases.UPLOAD),
    (r.DOCUMENT_UNKNOWN, cases.TO_DRAFT, READ_UNKNOWN),
    (r.LANE_UNCHANGED, (*cases.TO_SUBMITTED, RoutedToLane(lane="vip")), RouteToLane(lane="vip")),
    (r.NOT_A_VEHICLE, PHONE_VERIFYING, IdentifyVehicle(provider="x", vin=cases.VIN)),
    (r.VIN_INVALID, cases.TO_VERIFYING, IdentifyVehicle(provider="x", vin="0" * 16 + "1")),
    (r.HUMAN_REVIEW_PENDING, (*cases.TO_REFERRED, ASKED), DeclineApplication(reasons=("x",))),
    (r.HUMAN_REVIEW_REQUESTED_ALREADY, (*cases.TO_REFERRED, ASKED), RequestHumanReview()),
    (r.NO_HUMAN_REVIEW, cases.TO_REFERRED, CONFIRM),
    (r.REVIEWER_NOT_ENTITLED, (*cases.TO_REFERRED, ASKED), CONFIRM),
    (r.CHECKS_OPEN, cases.TO_DECIDING_UNCHECKED, ApproveApplication(terms=TERMS)),
    (r.CURRENCY_DIFFERS, cases.TO_REFERRED, FinaliseTerms(terms=FOREIGN)),
    (r.TERMS_DIFFER, (*cases.TO_REFERRED, FINALISED), ApproveApplication(terms=cases.OTHER_TERMS)),
    (r.NOTICE_ISSUED_ALREADY, (*cases.TO_DECLINED, cases.NOTIFIED), NOTICE),
    (r.OFFER_OUTSTANDING, (*cases.TO_REFERRED, FINALISED, SELECTED, CREATED), FinaliseTerms(terms=TERMS)),
    (r.OFFER_SELECTED_ALREADY, (*cases.TO_REFERRED, SELECTED), SelectOffer()),
    (r.NO_OFFER_SELECTED, cases.TO_REFERRED, CreateOffer()),
    (r.TERMS_NOT_FINAL, (*cases.TO_REFERRED, SELECTED), CreateOffer()),
    (r.TITLE_NOT_EXACT, (*cases.TO_REFERRED, FINALISED, SELECTED), CreateOffer(title="报价\u202e")),
    (r.LANE_NOT_EXACT, cases.TO_SUBMITTED, RouteToLane(lane="vip\u200b")),
    (r.LANE_NOT_EXACT, cases.TO_SUBMITTED, ScheduleWork(lane="\x85")),
    (r.TITLE_PERSONAL, (*cases.TO_REFERRED, FINALISED, SELECTED), CreateOffer(title="给 13800138000 的报价")),
    (r.NO_OFFER, cases.TO_REFERRED, DeclineOffer()),
    (r.OFFER_PRESENTED_ALREADY, (*OFFERED, PRESENTED), PresentOffer()),
    (r.OFFER_NOT_PRESENTED, OFFERED, RecordOfferReturned()),
    (r.OFFER_RETURNED_ALREADY, (*OFFERED, PRESENTED, RETURNED), RecordOfferReturned()),
    (r.NOT_YET_EXPIRED, (replace(cases.DRAFTED, expires_on=TODAY),), ExpireApplication()),
    (r.WORK_NOT_SCHEDULED, cases.TO_DRAFT, CompleteWork(lane="x")),
]

# Several rules speak at once; the first one is heard, then the wish is mended and the next one is heard.
ORDERED: list[tuple[str, list[tuple[RefusalKind, tuple[Event, ...], Command]]]] = [
    (
        "draft: exists, reference, subject, expiry",
        [
            (r.EXISTS, cases.TO_DRAFT, replace(DRAFT, reference="13800138000", subject=None, expires_on=YESTERDAY)),
            (r.REFERENCE_PERSONAL, (), replace(DRAFT, reference="13800138000", subject=None, expires_on=YESTERDAY)),
            (r.SUBJECT_MISSING, (), replace(DRAFT, subject=None, expires_on=YESTERDAY)),
            (r.EXPIRY_PASSED, (), replace(DRAFT, expires_on=YESTERDAY)),
        ],
    ),
    (
        "any command: unknown, closed, phase, its own rules",
        [
            (r.UNKNOWN, (), ApproveApplication(terms=FOREIGN)),
            (r.CLOSED, (*cases.TO_DECLINED, ASKED), ApproveApplication(terms=FOREIGN)),
            (r.NOT_UNDER_DECISION, (*cases.TO_VERIFYING, ASKED), ApproveApplication(terms=FOREIGN)),
            (r.HUMAN_REVIEW_PENDING, (*cases.TO_DECIDING_UNCHECKED, ASKED), ApproveApplication(terms=FOREIGN)),
        ],
    ),
    (
        "approval: review, checks, currency, terms",
        [
            (
                r.HUMAN_REVIEW_PENDING,
                (*cases.TO_DECIDING_UNCHECKED, FINALISED, ASKED),
                ApproveApplication(terms=FOREIGN),
            ),
            (r.CHECKS_OPEN, (*cases.TO_DECIDING_UNCHECKED, FINALISED), ApproveApplication(terms=FOREIGN)),
            (r.CURRENCY_DIFFERS, (*cases.TO_DECIDING, FINALISED), ApproveApplication(terms=FOREIGN)),
            (r.TERMS_DIFFER, (*cases.TO_DECIDING, FINALISED), ApproveApplication(terms=cases.OTHER_TERMS)),
        ],
    ),
    (
        "vehicle: kind of asset, keeper, check digit",
        [
            (r.NOT_A_VEHICLE, PHONE_VERIFYING, IdentifyVehicle(provider="x", vin="0" * 16 + "1")),
            (
                r.SUBJECT_MISSING,
                (cases.NOBODYS_DRAFTED, cases.SUBMITTED, cases.STARTED),
                IdentifyVehicle(provider="x", vin="0" * 16 + "1"),
            ),
            (r.VIN_INVALID, cases.TO_VERIFYING, IdentifyVehicle(provider="x", vin="0" * 16 + "1")),
        ],
    ),
    (
        "document: known, then full",
        [
            (r.DOCUMENT_KNOWN, (*cases.TO_DRAFT, *FULL), replace(cases.UPLOAD, digest=cases.DIGEST_A)),
            (r.DOCUMENTS_FULL, (*cases.TO_DRAFT, *FULL), cases.UPLOAD),
        ],
    ),
    (
        "review: asked for, then by whom",
        [
            (r.NO_HUMAN_REVIEW, cases.TO_DECIDING, CONFIRM),
            (r.REVIEWER_NOT_ENTITLED, (*cases.TO_DECIDING, ASKED), CONFIRM),
        ],
    ),
    (
        "terms: currency, then outstanding offer",
        [
            (r.CURRENCY_DIFFERS, (*cases.TO_REFERRED, FINALISED, SELECTED, CREATED), FinaliseTerms(terms=FOREIGN)),
            (r.OFFER_OUTSTANDING, (*cases.TO_REFERRED, FINALISED, SELECTED, CREATED), FinaliseTerms(terms=TERMS)),
        ],
    ),
    (
        "creation: selection, free place, terms",
        [
            (r.NO_OFFER_SELECTED, OFFERED, CreateOffer()),
            (r.OFFER_OUTSTANDING, (*OFFERED, cases.SECOND), CreateOffer()),
            (r.TERMS_NOT_FINAL, (*cases.TO_REFERRED, SELECTED), CreateOffer()),
        ],
    ),
    (
        "answer to an offer: phase, offer, presented",
        [
            (r.NOT_APPROVED, (*cases.TO_REFERRED, FINALISED), AcceptOffer()),
            (r.NO_OFFER, (*OFFERED, OfferCancelled(offer=1)), AcceptOffer()),
            (r.OFFER_NOT_PRESENTED, OFFERED, AcceptOffer()),
        ],
    ),
    (
        "notice: declined, then once",
        [
            (r.NOT_DECLINED, cases.TO_REFERRED, NOTICE),
            (r.NOTICE_ISSUED_ALREADY, (*cases.TO_DECLINED, cases.NOTIFIED), NOTICE),
        ],
    ),
]


def _named(kind: RefusalKind) -> str:
    return kind.code


@pytest.mark.parametrize(("kind", "events", "command"), REACHED, ids=[_named(kind) for kind, _, _ in REACHED])
def test_rule_says_no(kind: RefusalKind, events: tuple[Event, ...], command: Command) -> None:
    given(*events).when(command, actor=LESSEE).then_refused(kind)


def test_every_rule_is_reached() -> None:
    """Rules over contract and lease are reached in their `test_cross_rules`."""
    declared = {code for code in REFUSALS if code.startswith("application.")}
    of_its_lease = (admission.LEASE_OPEN, admission.LEASE_BEGUN, admission.LEASE_NOT_BEGUN)
    elsewhere = {kind.code for kind in (offered.CONTRACT_IN_FORCE, *of_its_lease)}
    assert {kind.code for kind, _, _ in REACHED} == declared - elsewhere


@pytest.mark.parametrize(("title", "steps"), ORDERED, ids=[title for title, _ in ORDERED])
def test_rules_speak_in_this_order(title: str, steps: list[tuple[RefusalKind, tuple[Event, ...], Command]]) -> None:
    for kind, events, command in steps:
        given(*events).when(command, actor=LESSEE).then_refused(kind)


@pytest.mark.parametrize("command", [type_ for type_ in APPLICATION.commands if type_ is not type(DRAFT)])
def test_unknown_comes_before_everything(command: type[Command]) -> None:
    sample = next(sample for sample in cases.SAMPLES if type(sample) is command)
    given().when(sample, actor=LESSEE).then_refused(r.UNKNOWN)


def test_every_rule_reads_in_both_languages() -> None:
    for kind in (kind for code, kind in REFUSALS.items() if code.startswith("application.")):
        assert re.search("[\u4e00-\u9fff]", kind.zh), kind.code
        assert re.search("[A-Za-z]", kind.en), kind.code
        assert not kind.en.endswith("."), kind.code


def test_refusals_name_no_person() -> None:
    """A wish full of personal data is refused without repeating any of it."""
    outcome = given().when(replace(DRAFT, reference=f"JJ-{DRAFT.identity_number}"))
    outcome.then_refused(r.REFERENCE_PERSONAL)
    told = repr(outcome.answer)
    assert not [said for said in (DRAFT.name, DRAFT.identity_number, DRAFT.phone, DRAFT.address) if str(said) in told]


def test_asset_classes_without_vehicles() -> None:
    for asset_class in set(AssetClass) - {AssetClass.VEHICLE}:
        drafted = replace(cases.DRAFTED, asset_class=asset_class)
        given(drafted, cases.SUBMITTED, cases.STARTED).when(IdentifyVehicle(provider="x", vin=cases.VIN)).then_refused(
            r.NOT_A_VEHICLE, asset_class=asset_class.value
        )
