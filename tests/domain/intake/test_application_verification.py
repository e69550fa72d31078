"""The checks: each answer settles one step of the checklist, and a later answer settles it anew."""

from __future__ import annotations

import pytest

from domain.intake.application import refusals
from domain.intake.application.commands import (
    CompleteVerification,
    IdentifyVehicle,
    RecordCarrierNameMatched,
    RecordCarrierNameMismatched,
    RecordIdentityFailed,
    RecordIdentityVerified,
    RecordLivenessFailed,
    RecordLivenessPassed,
    RecordOdometerReading,
    StartVerification,
)
from domain.intake.application.events import (
    CarrierNameMatched,
    CarrierNameMismatched,
    IdentityFailed,
    IdentityVerified,
    LivenessFailed,
    LivenessPassed,
    OdometerAnomalyDetected,
    OdometerVerified,
    VehicleIdentified,
    VerificationCompleted,
    VerificationStarted,
)
from domain.intake.application.state import ApplicationPhase
from domain.kernel.command import Command
from domain.kernel.event import Event
from tests.domain import cases
from tests.domain.cases import given

PHONE_VERIFYING = (cases.PHONE_DRAFTED, cases.SUBMITTED, cases.STARTED)
ANSWER = cases.DIGEST_B

ANSWERS: list[tuple[Command, Event, str, str]] = [
    (
        RecordIdentityVerified(provider="ctid", answer=ANSWER),
        IdentityVerified(provider="ctid", answer=ANSWER),
        "identity_verified",
        "passed",
    ),
    (
        RecordIdentityFailed(provider="ctid", reason="expired_card", answer=ANSWER),
        IdentityFailed(provider="ctid", reason="expired_card", answer=ANSWER),
        "identity_verified",
        "failed",
    ),
    (
        RecordLivenessPassed(provider="face_house"),
        LivenessPassed(provider="face_house"),
        "liveness_passed",
        "passed",
    ),
    (
        RecordLivenessFailed(provider="face_house", reason="replay_suspected"),
        LivenessFailed(provider="face_house", reason="replay_suspected"),
        "liveness_passed",
        "failed",
    ),
    (
        RecordCarrierNameMatched(provider="carrier_a"),
        CarrierNameMatched(provider="carrier_a"),
        "carrier_name_matched",
        "passed",
    ),
    (
        RecordCarrierNameMismatched(provider="carrier_a", reason="other_name"),
        CarrierNameMismatched(provider="carrier_a", reason="other_name"),
        "carrier_name_matched",
        "failed",
    ),
]


def test_checks_begin_and_end() -> None:
    begun = given(*cases.TO_SUBMITTED).when(StartVerification()).then(VerificationStarted())
    assert begun.phase is ApplicationPhase.VERIFYING
    ended = given(*cases.TO_VERIFYING).when(CompleteVerification()).then(VerificationCompleted())
    assert ended.phase is ApplicationPhase.DECIDING


@pytest.mark.parametrize(("command", "event", "step", "state_after"), ANSWERS)
def test_answer_settles_its_step(command: Command, event: Event, step: str, state_after: str) -> None:
    before = given(*cases.TO_VERIFYING).state.step_states()
    after = given(*cases.TO_VERIFYING).when(command).then(event).step_states()
    assert before[step] == "pending"
    assert {name for name in after if after[name] != before[name]} == {step}
    assert after[step] == state_after


@pytest.mark.parametrize(("command", "event", "step", "state_after"), ANSWERS)
def test_last_answer_counts(command: Command, event: Event, step: str, state_after: str) -> None:
    all_answers = [answer for _, answer, _, _ in ANSWERS]
    state = given(*cases.TO_VERIFYING, *all_answers).when(command).then(event)
    assert state.step_states()[step] == state_after


def test_vehicle_belongs_to_the_applicant_unless_told_otherwise() -> None:
    given(*cases.TO_VERIFYING).when(IdentifyVehicle(provider="ocr_house", vin=cases.VIN)).then(
        VehicleIdentified(provider="ocr_house", subject=cases.SUBJECT, vin=cases.VIN)
    )
    given(*cases.TO_VERIFYING).when(IdentifyVehicle(provider="ocr_house", vin=cases.VIN, subject=cases.KEEPER)).then(
        VehicleIdentified(provider="ocr_house", subject=cases.KEEPER, vin=cases.VIN)
    )


def test_vehicle_needs_a_keeper() -> None:
    given(cases.NOBODYS_DRAFTED, cases.SUBMITTED, cases.STARTED).when(
        IdentifyVehicle(provider="ocr_house", vin=cases.VIN)
    ).then_refused(refusals.SUBJECT_MISSING)


def test_wrong_check_digit_is_refused_without_repeating_the_number() -> None:
    wrong = cases.VIN.replace("X", "1")
    outcome = given(*cases.TO_VERIFYING).when(IdentifyVehicle(provider="ocr_house", vin=wrong))
    outcome.then_refused(refusals.VIN_INVALID)
    assert wrong not in str(outcome.answer)


@pytest.mark.parametrize(
    "command",
    [
        IdentifyVehicle(provider="ocr_house", vin=cases.VIN),
        RecordOdometerReading(reading_km=10, provider="dealer_photo"),
    ],
)
def test_phone_has_neither_vin_nor_odometer(command: Command) -> None:
    given(*PHONE_VERIFYING).when(command).then_refused(refusals.NOT_A_VEHICLE, asset_class="phone")


@pytest.mark.parametrize(
    ("reading_km", "last_known_km", "known_km"),
    [(41_999, None, 42_000), (41_999, 30_000, 42_000), (43_000, 43_001, 43_001), (0, 50_000, 50_000)],
)
def test_reading_below_any_known_one_is_an_anomaly(reading_km: int, last_known_km: int | None, known_km: int) -> None:
    earlier = OdometerVerified(reading_km=42_000, provider="dealer_photo")
    state = (
        given(*cases.TO_VERIFYING, earlier)
        .when(RecordOdometerReading(reading_km=reading_km, provider="register", last_known_km=last_known_km))
        .then(OdometerAnomalyDetected(reading_km=reading_km, last_known_km=known_km, provider="register"))
    )
    assert (state.odometer_km, state.step_states()["odometer_verified"]) == (known_km, "failed")


@pytest.mark.parametrize("reading_km", [42_000, 42_001])
def test_reading_that_grew_or_stood_still_is_plausible(reading_km: int) -> None:
    earlier = OdometerVerified(reading_km=42_000, provider="dealer_photo")
    state = (
        given(*cases.TO_VERIFYING, earlier)
        .when(RecordOdometerReading(reading_km=reading_km, provider="register"))
        .then(OdometerVerified(reading_km=reading_km, provider="register"))
    )
    assert (state.odometer_km, state.step_states()["odometer_verified"]) == (reading_km, "passed")


def test_first_reading_may_be_zero() -> None:
    given(*cases.TO_VERIFYING).when(RecordOdometerReading(reading_km=0, provider="factory")).then(
        OdometerVerified(reading_km=0, provider="factory")
    )
