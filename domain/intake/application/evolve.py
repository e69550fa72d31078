"""Transitions of an application: each event gives the next state, for every event type and without judging it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from domain.intake.application import events as e
from domain.intake.application.state import ApplicationPhase, ApplicationState, Document, Offer, OfferStatus
from domain.intake.checklist import CHECKLISTS, StepState
from domain.kernel.event import Event
from domain.kernel.values import AssetClass

_PASSED, _FAILED = StepState.PASSED, StepState.FAILED


def _marked(state: ApplicationState, name: str | None, outcome: StepState) -> tuple[StepState, ...]:
    """The steps with one of them settled; a step that the case's checklist does not have or need stays as it is."""
    steps = state.steps
    if name is None or not state.checklist:
        return steps
    at = CHECKLISTS[state.checklist].index.get(name)
    if at is None or steps[at] is StepState.NOT_APPLICABLE:
        return steps
    return (*steps[:at], outcome, *steps[at + 1 :])


def _step(name: str, outcome: StepState) -> Callable[[ApplicationState, Event], ApplicationState]:
    def apply(state: ApplicationState, event: Event) -> ApplicationState:
        return replace(state, steps=_marked(state, name, outcome))

    return apply


def _phase(phase: ApplicationPhase, step: str | None = None) -> Callable[[ApplicationState, Event], ApplicationState]:
    def apply(state: ApplicationState, event: Event) -> ApplicationState:
        if step is None:
            return replace(state, phase=phase)
        return replace(state, phase=phase, steps=_marked(state, step, _PASSED))

    return apply


def _closed(phase: ApplicationPhase) -> Callable[[ApplicationState, Event], ApplicationState]:
    """Closing a case lets whatever was on offer lapse."""

    def apply(state: ApplicationState, event: Event) -> ApplicationState:
        return replace(state, phase=phase, selected=None, offer=None)

    return apply


@cache
def _first_steps(checklist: int, asset_class: AssetClass) -> tuple[StepState, ...]:
    """The steps of every new case of an asset class: made once, because nothing else of drafting costs so much."""
    return CHECKLISTS[checklist].initial(asset_class)


def _drafted(state: ApplicationState, event: e.ApplicationDrafted) -> ApplicationState:
    steps = _first_steps(event.checklist, event.asset_class)
    begun = replace(
        state,
        phase=ApplicationPhase.DRAFT,
        subject=event.subject,
        asset_class=event.asset_class,
        amount_fen=event.amount_fen,
        currency=event.currency,
        expires_on=event.expires_on,
        checklist=event.checklist,
        steps=steps,
    )
    return replace(begun, steps=_marked(begun, "drafted", _PASSED))


def _document_uploaded(state: ApplicationState, event: e.DocumentUploaded) -> ApplicationState:
    step = CHECKLISTS[state.checklist].uploads.get(event.kind) if state.checklist else None
    return replace(
        state,
        documents=(*state.documents, Document(event.digest, event.kind)),
        steps=_marked(state, step, _PASSED),
    )


def _document_extracted(state: ApplicationState, event: e.DocumentExtracted) -> ApplicationState:
    document = state.document(event.digest)
    if document is None or not state.checklist:
        return state
    checklist = CHECKLISTS[state.checklist]
    outcome = _PASSED if Decimal(event.confidence) >= checklist.read_confidence_min else _FAILED
    steps = _marked(state, checklist.reads.get(document.kind), outcome)
    return replace(state, steps=steps)


def _routed_to_lane(state: ApplicationState, event: e.RoutedToLane) -> ApplicationState:
    steps = _marked(state, "lane_assigned", _PASSED)
    return replace(state, lane=event.lane, steps=steps)


def _odometer_verified(state: ApplicationState, event: e.OdometerVerified) -> ApplicationState:
    steps = _marked(state, "odometer_verified", _PASSED)
    return replace(state, odometer_km=event.reading_km, steps=steps)


def _odometer_anomaly_detected(state: ApplicationState, event: e.OdometerAnomalyDetected) -> ApplicationState:
    steps = _marked(state, "odometer_verified", _FAILED)
    return replace(state, odometer_km=event.last_known_km, steps=steps)


def _referred(state: ApplicationState, event: e.ApplicationReferred) -> ApplicationState:
    return replace(state, phase=ApplicationPhase.REFERRED, referred=True)


def _human_review_requested(state: ApplicationState, event: e.HumanReviewRequested) -> ApplicationState:
    return replace(state, review_pending=True)


def _human_review_completed(state: ApplicationState, event: e.HumanReviewCompleted) -> ApplicationState:
    return replace(state, review_pending=False, finding=event.finding)


def _terms_finalised(state: ApplicationState, event: e.TermsFinalised) -> ApplicationState:
    steps = _marked(state, "terms_settled", _PASSED)
    return replace(state, terms=event.terms, steps=steps)


def _approved(state: ApplicationState, event: e.ApplicationApproved) -> ApplicationState:
    settled = replace(state, steps=_marked(state, "terms_settled", _PASSED))
    steps = _marked(settled, "decided", _PASSED)
    return replace(state, phase=ApplicationPhase.APPROVED, terms=event.terms, steps=steps)


def _declined(state: ApplicationState, event: e.ApplicationDeclined) -> ApplicationState:
    return replace(
        state,
        phase=ApplicationPhase.DECLINED,
        reasons=event.reasons,
        selected=None,
        offer=None,
        steps=_marked(state, "decided", _PASSED),
    )


def _adverse_notice_issued(state: ApplicationState, event: e.AdverseNoticeIssued) -> ApplicationState:
    return replace(state, notice_issued=True)


def _offer_selected(state: ApplicationState, event: e.OfferSelected) -> ApplicationState:
    return replace(state, offers=event.offer, selected=event.offer)


def _offer_created(state: ApplicationState, event: e.OfferCreated) -> ApplicationState:
    title = "" if event.title is UNSET else event.title
    offer = Offer(event.offer, OfferStatus.CREATED, event.terms, title)
    return replace(state, selected=None, offer=offer)


def _offer_in(status: OfferStatus) -> Callable[[ApplicationState, Event], ApplicationState]:
    def apply(state: ApplicationState, event: Event) -> ApplicationState:
        offer = None if state.offer is None else replace(state.offer, status=status)
        return replace(state, offer=offer)

    return apply


def _offer_accepted(state: ApplicationState, event: e.OfferAccepted) -> ApplicationState:
    offer = None if state.offer is None else replace(state.offer, status=OfferStatus.ACCEPTED)
    return replace(state, phase=ApplicationPhase.OFFER_ACCEPTED, selected=None, offer=offer)


def _offer_gone(state: ApplicationState, event: e.OfferCancelled | e.OfferDeclined) -> ApplicationState:
    if state.selected == event.offer:
        return replace(state, selected=None)
    return replace(state, offer=None)


def _work_scheduled(state: ApplicationState, event: e.WorkScheduled) -> ApplicationState:
    if event.lane in state.work:
        return state
    return replace(state, work=state.work | {event.lane})


def _recorded(state: ApplicationState, event: Event) -> ApplicationState:
    """A fact that changes nothing but the count."""
    return state


EVOLVE: dict[type[Event], Callable[[ApplicationState, Any], ApplicationState]] = {
    e.ApplicationDrafted: _drafted,
    e.ApplicationSubmitted: _phase(ApplicationPhase.SUBMITTED, "submitted"),
    e.DocumentUploaded: _document_uploaded,
    e.DocumentExtracted: _document_extracted,
    e.RoutedToLane: _routed_to_lane,
    e.VerificationStarted: _phase(ApplicationPhase.VERIFYING, "verification_started"),
    e.IdentityVerified: _step("identity_verified", _PASSED),
    e.IdentityFailed: _step("identity_verified", _FAILED),
    e.LivenessPassed: _step("liveness_passed", _PASSED),
    e.LivenessFailed: _step("liveness_passed", _FAILED),
    e.CarrierNameMatched: _step("carrier_name_matched", _PASSED),
    e.CarrierNameMismatched: _step("carrier_name_matched", _FAILED),
    e.VehicleIdentified: _step("vehicle_identified", _PASSED),
    e.OdometerVerified: _odometer_verified,
    e.OdometerAnomalyDetected: _odometer_anomaly_detected,
    e.VerificationCompleted: _phase(ApplicationPhase.DECIDING, "verification_completed"),
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
    e.ContractingStarted: _phase(ApplicationPhase.CONTRACTING),
    e.ApplicationCompleted: _phase(ApplicationPhase.COMPLETED),
    e.ApplicationWithdrawn: _closed(ApplicationPhase.WITHDRAWN),
    e.ApplicationExpired: _closed(ApplicationPhase.EXPIRED),
    e.WorkScheduled: _work_scheduled,
    e.WorkStarted: _recorded,
    e.WorkCompleted: _recorded,
}
