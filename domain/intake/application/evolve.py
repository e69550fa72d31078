"""What an event changes: total over every event of the aggregate, judging nothing."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from domain.intake.application import events as e
from domain.intake.application.checklist import CHECKLISTS, StepState
from domain.intake.application.state import ApplicationState, Document, Offer, OfferStatus, Phase
from domain.intake.application.values import AssetClass
from domain.kernel.event import Event

State = ApplicationState
_PASSED, _FAILED = StepState.PASSED, StepState.FAILED


def _marked(state: State, name: str | None, outcome: StepState) -> tuple[StepState, ...]:
    """The steps with one of them settled; a step that the case's checklist does not have or need stays as it is."""
    steps = state.steps
    if name is None or not state.checklist:
        return steps
    at = CHECKLISTS[state.checklist].index.get(name)
    if at is None or steps[at] is StepState.NOT_APPLICABLE:
        return steps
    return (*steps[:at], outcome, *steps[at + 1 :])


def _step(name: str, outcome: StepState) -> Callable[[State, Event], State]:
    def apply(state: State, event: Event) -> State:
        return replace(state, version=state.version + 1, steps=_marked(state, name, outcome))

    return apply


def _phase(phase: Phase, step: str | None = None) -> Callable[[State, Event], State]:
    def apply(state: State, event: Event) -> State:
        if step is None:
            return replace(state, version=state.version + 1, phase=phase)
        return replace(state, version=state.version + 1, phase=phase, steps=_marked(state, step, _PASSED))

    return apply


def _closed(phase: Phase) -> Callable[[State, Event], State]:
    """Closing a case lets whatever was on offer lapse."""

    def apply(state: State, event: Event) -> State:
        return replace(state, version=state.version + 1, phase=phase, selected=None, offer=None)

    return apply


@cache
def _first_steps(checklist: int, asset_class: AssetClass) -> tuple[StepState, ...]:
    """The steps of every new case of an asset class: made once, because nothing else of drafting costs so much."""
    return CHECKLISTS[checklist].initial(asset_class)


def _drafted(state: State, event: e.ApplicationDrafted) -> State:
    steps = _first_steps(event.checklist, event.asset_class)
    begun = replace(
        state,
        version=state.version + 1,
        phase=Phase.DRAFT,
        subject=event.subject,
        asset_class=event.asset_class,
        amount_fen=event.amount_fen,
        currency=event.currency,
        expires_on=event.expires_on,
        checklist=event.checklist,
        steps=steps,
    )
    return replace(begun, steps=_marked(begun, "drafted", _PASSED))


def _document_uploaded(state: State, event: e.DocumentUploaded) -> State:
    step = CHECKLISTS[state.checklist].uploads.get(event.kind) if state.checklist else None
    return replace(
        state,
        version=state.version + 1,
        documents=(*state.documents, Document(event.digest, event.kind)),
        steps=_marked(state, step, _PASSED),
    )


def _document_extracted(state: State, event: e.DocumentExtracted) -> State:
    document = state.document(event.digest)
    if document is None or not state.checklist:
        return replace(state, version=state.version + 1)
    checklist = CHECKLISTS[state.checklist]
    outcome = _PASSED if Decimal(event.confidence) >= checklist.read_confidence_min else _FAILED
    steps = _marked(state, checklist.reads.get(document.kind), outcome)
    return replace(state, version=state.version + 1, steps=steps)


def _routed_to_lane(state: State, event: e.RoutedToLane) -> State:
    steps = _marked(state, "lane_assigned", _PASSED)
    return replace(state, version=state.version + 1, lane=event.lane, steps=steps)


def _odometer_verified(state: State, event: e.OdometerVerified) -> State:
    steps = _marked(state, "odometer_verified", _PASSED)
    return replace(state, version=state.version + 1, odometer_km=event.reading_km, steps=steps)


def _odometer_anomaly_detected(state: State, event: e.OdometerAnomalyDetected) -> State:
    steps = _marked(state, "odometer_verified", _FAILED)
    return replace(state, version=state.version + 1, odometer_km=event.last_known_km, steps=steps)


def _referred(state: State, event: e.ApplicationReferred) -> State:
    return replace(state, version=state.version + 1, phase=Phase.REFERRED, referred=True)


def _human_review_requested(state: State, event: e.HumanReviewRequested) -> State:
    return replace(state, version=state.version + 1, review_pending=True)


def _human_review_completed(state: State, event: e.HumanReviewCompleted) -> State:
    return replace(state, version=state.version + 1, review_pending=False, finding=event.finding)


def _terms_finalised(state: State, event: e.TermsFinalised) -> State:
    steps = _marked(state, "terms_settled", _PASSED)
    return replace(state, version=state.version + 1, terms=event.terms, steps=steps)


def _approved(state: State, event: e.ApplicationApproved) -> State:
    settled = replace(state, steps=_marked(state, "terms_settled", _PASSED))
    steps = _marked(settled, "decided", _PASSED)
    return replace(state, version=state.version + 1, phase=Phase.APPROVED, terms=event.terms, steps=steps)


def _declined(state: State, event: e.ApplicationDeclined) -> State:
    return replace(
        state,
        version=state.version + 1,
        phase=Phase.DECLINED,
        reasons=event.reasons,
        selected=None,
        offer=None,
        steps=_marked(state, "decided", _PASSED),
    )


def _adverse_notice_issued(state: State, event: e.AdverseNoticeIssued) -> State:
    return replace(state, version=state.version + 1, notice_issued=True)


def _offer_selected(state: State, event: e.OfferSelected) -> State:
    return replace(state, version=state.version + 1, offers=event.offer, selected=event.offer)


def _offer_created(state: State, event: e.OfferCreated) -> State:
    title = "" if event.title is UNSET else event.title
    offer = Offer(event.offer, OfferStatus.CREATED, event.terms, title)
    return replace(state, version=state.version + 1, selected=None, offer=offer)


def _offer_in(status: OfferStatus) -> Callable[[State, Event], State]:
    def apply(state: State, event: Event) -> State:
        offer = None if state.offer is None else replace(state.offer, status=status)
        return replace(state, version=state.version + 1, offer=offer)

    return apply


def _offer_accepted(state: State, event: e.OfferAccepted) -> State:
    offer = None if state.offer is None else replace(state.offer, status=OfferStatus.ACCEPTED)
    return replace(state, version=state.version + 1, phase=Phase.OFFER_ACCEPTED, selected=None, offer=offer)


def _offer_gone(state: State, event: e.OfferCancelled | e.OfferDeclined) -> State:
    if state.selected == event.offer:
        return replace(state, version=state.version + 1, selected=None)
    return replace(state, version=state.version + 1, offer=None)


def _work_scheduled(state: State, event: e.WorkScheduled) -> State:
    if event.lane in state.work:
        return replace(state, version=state.version + 1)
    return replace(state, version=state.version + 1, work=state.work | {event.lane})


def _recorded(state: State, event: Event) -> State:
    """A fact that changes nothing but the count."""
    return replace(state, version=state.version + 1)


_EVOLVE: dict[type[Event], Callable[[State, Any], State]] = {
    e.ApplicationDrafted: _drafted,
    e.ApplicationSubmitted: _phase(Phase.SUBMITTED, "submitted"),
    e.DocumentUploaded: _document_uploaded,
    e.DocumentExtracted: _document_extracted,
    e.RoutedToLane: _routed_to_lane,
    e.VerificationStarted: _phase(Phase.VERIFYING, "verification_started"),
    e.IdentityVerified: _step("identity_verified", _PASSED),
    e.IdentityFailed: _step("identity_verified", _FAILED),
    e.LivenessPassed: _step("liveness_passed", _PASSED),
    e.LivenessFailed: _step("liveness_passed", _FAILED),
    e.CarrierNameMatched: _step("carrier_name_matched", _PASSED),
    e.CarrierNameMismatched: _step("carrier_name_matched", _FAILED),
    e.VehicleIdentified: _step("vehicle_identified", _PASSED),
    e.OdometerVerified: _odometer_verified,
    e.OdometerAnomalyDetected: _odometer_anomaly_detected,
    e.VerificationCompleted: _phase(Phase.DECIDING, "verification_completed"),
    e.ApplicationReferred: _referred,
    e.HumanReviewRequested: _human_review_requested,
    e.HumanReviewCompleted: _human_review_completed,
    e.TermsFinalised: _terms_finalised,
    e.ApplicationApproved: _approved,
    e.ApplicationDeclined: _declined,
    e.AdverseNoticeIssued: _adverse_notice_issued,
    e.OfferSelected: _offer_selected,
    e.OfferCreated: _offer_created,
    e.OfferPresented: _offer_in(OfferStatus.PRESENTED),
    e.OfferReturned: _offer_in(OfferStatus.RETURNED),
    e.OfferAccepted: _offer_accepted,
    e.OfferCancelled: _offer_gone,
    e.OfferDeclined: _offer_gone,
    e.ContractingStarted: _phase(Phase.CONTRACTING),
    e.ApplicationCompleted: _phase(Phase.COMPLETED),
    e.ApplicationWithdrawn: _closed(Phase.WITHDRAWN),
    e.ApplicationExpired: _closed(Phase.EXPIRED),
    e.WorkScheduled: _work_scheduled,
    e.WorkStarted: _recorded,
    e.WorkCompleted: _recorded,
}


def evolve(state: ApplicationState, event: Event) -> ApplicationState:
    """The state after one event. Raises `TypeError` for an event of another aggregate."""
    apply = _EVOLVE.get(type(event))
    if apply is None:
        raise TypeError(f"expected an event of an application, got {type(event).__name__}")
    return apply(state, event)
