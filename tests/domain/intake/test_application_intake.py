"""Opening, submitting and filling a case."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from domain.intake.application import refusals
from domain.intake.application.commands import RecordDocumentExtraction, RouteToLane, SubmitApplication, UploadDocument
from domain.intake.application.events import (
    ApplicationDrafted,
    ApplicationSubmitted,
    DocumentExtracted,
    DocumentUploaded,
    RoutedToLane,
)
from domain.intake.application.state import ApplicationPhase
from domain.intake.application.values import DOCUMENTS_MAX, DocumentKind
from domain.kernel.event import personal_fields
from tests.domain import cases
from tests.domain.cases import given
from tests.given import TODAY

ANONYMOUS = replace(cases.DRAFT, subject=None, name=UNSET, identity_number=UNSET, phone=UNSET, address=UNSET)


def test_draft_takes_every_field_over() -> None:
    state = (
        given()
        .when(cases.DRAFT)
        .then(
            ApplicationDrafted(
                reference="JJ-2026-000173",
                asset_class=cases.DRAFT.asset_class,
                product="auto_retail",
                channel="dealer",
                amount_fen=8_000_000,
                currency="CNY",
                checklist=1,
                expires_on=cases.NEXT_YEAR,
                subject=cases.SUBJECT,
                name="王小明",
                identity_number="11010519491231002X",
                phone="13800138000",
                address="北京市朝阳区",
            )
        )
    )
    assert (state.phase, state.version, state.amount_fen) == (ApplicationPhase.DRAFT, 1, 8_000_000)


def test_everything_about_the_person_is_personal() -> None:
    assert personal_fields(ApplicationDrafted) == ("name", "identity_number", "phone", "address")


@pytest.mark.parametrize("field", ["name", "identity_number", "phone", "address"])
def test_personal_field_needs_its_person(field: str) -> None:
    anonymous = replace(ANONYMOUS, **{field: "x"})
    given().when(anonymous).then_refused(refusals.SUBJECT_MISSING)


def test_draft_needs_no_person() -> None:
    answer = given().when(ANONYMOUS).answer
    assert isinstance(answer, tuple)
    assert isinstance(answer[0], ApplicationDrafted)
    assert answer[0].subject is None


@pytest.mark.parametrize("reference", ["13800138000", "JJ-13800138000", "11010519491231002X", "x/11010519491231002x"])
def test_reference_is_not_a_persons_number(reference: str) -> None:
    given().when(replace(cases.DRAFT, reference=reference)).then_refused(refusals.REFERENCE_PERSONAL)


def test_draft_may_expire_today_but_not_yesterday() -> None:
    assert isinstance(given().when(replace(cases.DRAFT, expires_on=TODAY)).answer, tuple)
    yesterday = TODAY - timedelta(days=1)
    given().when(replace(cases.DRAFT, expires_on=yesterday)).then_refused(
        refusals.EXPIRY_PASSED, expires_on=yesterday, business_date=TODAY
    )


def test_submission() -> None:
    state = given(*cases.TO_DRAFT).when(SubmitApplication()).then(ApplicationSubmitted())
    assert state.phase is ApplicationPhase.SUBMITTED
    assert state.step_states()["submitted"] == "passed"


def test_document_enters_by_digest() -> None:
    state = (
        given(*cases.TO_DRAFT)
        .when(cases.UPLOAD)
        .then(
            DocumentUploaded(
                digest=cases.DIGEST_D,
                kind=DocumentKind.BANK_STATEMENT,
                media_type="application/pdf",
                size_bytes=90_210,
            )
        )
    )
    assert [document.digest for document in state.documents] == [cases.DIGEST_A, cases.DIGEST_D]
    assert state.step_states()["bank_statement_uploaded"] == "passed"


def test_same_document_twice_is_refused() -> None:
    again = UploadDocument(digest=cases.DIGEST_A, kind=DocumentKind.OTHER, media_type="image/jpeg", size_bytes=51_200)
    given(*cases.TO_DRAFT).when(again).then_refused(refusals.DOCUMENT_KNOWN, digest=cases.DIGEST_A)


def test_documents_are_limited() -> None:
    uploads = [
        DocumentUploaded(digest=f"{n:064x}", kind=DocumentKind.OTHER, media_type="image/png", size_bytes=1)
        for n in range(DOCUMENTS_MAX)
    ]
    given(cases.DRAFTED, *uploads).when(cases.UPLOAD).then_refused(refusals.DOCUMENTS_FULL, limit=DOCUMENTS_MAX)
    assert isinstance(given(cases.DRAFTED, *uploads[1:]).when(cases.UPLOAD).answer, tuple)


@pytest.mark.parametrize(
    ("confidence", "state_after"), [("0.79", "failed"), ("0.80", "passed"), ("0.8", "passed"), ("1", "passed")]
)
def test_reading_counts_from_the_checklists_confidence(confidence: str, state_after: str) -> None:
    command = RecordDocumentExtraction(digest=cases.DIGEST_A, confidence=confidence, provider="ocr_house")
    event = DocumentExtracted(digest=cases.DIGEST_A, confidence=confidence, provider="ocr_house")
    state = given(*cases.TO_DRAFT).when(command).then(event)
    assert state.step_states()["identity_card_read"] == state_after


def test_better_reading_mends_a_failed_one() -> None:
    failed = DocumentExtracted(digest=cases.DIGEST_A, confidence="0.2", provider="ocr_house")
    state = (
        given(*cases.TO_DRAFT, failed)
        .when(cases.EXTRACT)
        .then(DocumentExtracted(digest=cases.DIGEST_A, confidence="0.93", provider="ocr_house"))
    )
    assert state.step_states()["identity_card_read"] == "passed"


def test_unknown_document_cannot_be_read() -> None:
    command = RecordDocumentExtraction(digest=cases.DIGEST_B, confidence="0.9", provider="ocr_house")
    given(*cases.TO_DRAFT).when(command).then_refused(refusals.DOCUMENT_UNKNOWN, digest=cases.DIGEST_B)


def test_lane_can_change_but_not_to_itself() -> None:
    routed = RoutedToLane(lane="retail_fast")
    state = given(*cases.TO_SUBMITTED).when(RouteToLane(lane="retail_fast")).then(routed)
    assert (state.lane, state.step_states()["lane_assigned"]) == ("retail_fast", "passed")
    given(*cases.TO_SUBMITTED, routed).when(RouteToLane(lane="vip")).then(RoutedToLane(lane="vip"))
    given(*cases.TO_SUBMITTED, routed).when(RouteToLane(lane="retail_fast")).then_refused(
        refusals.LANE_UNCHANGED, lane="retail_fast"
    )
