"""The intake checklist: released data, never changed, and derived from events alone."""

from __future__ import annotations

import pytest

from domain.intake.application.events import DocumentUploaded, IdentityVerified
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationState
from domain.intake.application.values import DocumentKind
from domain.intake.checklist import CHECKLISTS, CURRENT_CHECKLIST, StepState
from domain.kernel.values import AssetClass
from tests.domain import cases
from tests.domain.cases import given

RELEASED = {
    1: (
        "drafted submitted identity_card_front_uploaded identity_card_back_uploaded identity_card_read "
        "income_proof_uploaded income_proof_read bank_statement_uploaded bank_statement_read "
        "driving_licence_uploaded driving_licence_read vehicle_registration_uploaded vehicle_registration_read "
        "vehicle_photo_uploaded purchase_invoice_uploaded lane_assigned verification_started identity_verified "
        "liveness_passed carrier_name_matched vehicle_identified odometer_verified verification_completed "
        "terms_settled decided"
    ),
}


def test_released_steps_never_change() -> None:
    assert {v: " ".join(step.name for step in c.steps) for v, c in CHECKLISTS.items()} == RELEASED
    assert CURRENT_CHECKLIST is CHECKLISTS[max(CHECKLISTS)]


@pytest.mark.parametrize("version", CHECKLISTS)
def test_checklist_is_sound(version: int) -> None:
    checklist = CHECKLISTS[version]
    names = [step.name for step in checklist.steps]
    assert checklist.version == version
    assert len(names) == len(set(names)) >= 20
    assert list(checklist.index) == names
    assert {*checklist.uploads.values(), *checklist.reads.values()} <= set(names)
    assert all(step.en and step.zh for step in checklist.steps)


def test_vehicle_steps_are_for_vehicles_only() -> None:
    car, phone = given(cases.DRAFTED).state.step_states(), given(cases.PHONE_DRAFTED).state.step_states()
    assert StepState.NOT_APPLICABLE not in car.values()
    assert [name for name, state in phone.items() if state is StepState.NOT_APPLICABLE] == [
        "driving_licence_uploaded",
        "driving_licence_read",
        "vehicle_registration_uploaded",
        "vehicle_registration_read",
        "vehicle_photo_uploaded",
        "vehicle_identified",
        "odometer_verified",
    ]


def test_step_that_does_not_apply_stays_so() -> None:
    licence = DocumentUploaded(
        digest=cases.DIGEST_B, kind=DocumentKind.DRIVING_LICENCE, media_type="image/jpeg", size_bytes=9
    )
    state = given(cases.PHONE_DRAFTED, licence).state
    assert state.step_states()["driving_licence_uploaded"] is StepState.NOT_APPLICABLE
    assert len(state.documents) == 1


@pytest.mark.parametrize("kind", DocumentKind)
def test_each_kind_of_document_settles_at_most_its_own_step(kind: DocumentKind) -> None:
    before = given(cases.DRAFTED).state.step_states()
    upload = DocumentUploaded(digest=cases.DIGEST_B, kind=kind, media_type="image/jpeg", size_bytes=9)
    after = given(cases.DRAFTED, upload).state.step_states()
    expected = {f"{kind.value}_uploaded"} & set(before)
    assert {name for name in after if after[name] != before[name]} == expected


def test_open_steps_are_the_required_ones_that_did_not_pass() -> None:
    assert given(*cases.TO_DECIDING).state.open_steps() == ()
    assert given(*cases.TO_DECIDING_UNCHECKED).state.open_steps() == (
        "identity_card_back_uploaded",
        "identity_card_read",
        "driving_licence_uploaded",
        "driving_licence_read",
        "identity_verified",
        "liveness_passed",
        "carrier_name_matched",
        "vehicle_identified",
        "odometer_verified",
    )
    phone = given(cases.PHONE_DRAFTED).state
    assert not [step for step in phone.open_steps() if "vehicle" in step or "driving" in step]
    assert phone.asset_class is AssetClass.PHONE


def test_checklist_is_empty_before_the_draft() -> None:
    state = ApplicationState()
    assert state.step_states() == {}
    assert APPLICATION.evolve(state, IdentityVerified(provider="ctid")).steps == ()
