"""Deciding: what a machine may do alone, what needs a person, and what a person may always ask for."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from domain.intake.application import refusals
from domain.intake.application.commands import (
    ApproveApplication,
    CompleteHumanReview,
    DeclineApplication,
    FinaliseTerms,
    IssueAdverseNotice,
    ReferApplication,
    RequestHumanReview,
)
from domain.intake.application.events import (
    AdverseNoticeIssued,
    ApplicationApproved,
    ApplicationDeclined,
    ApplicationReferred,
    HumanReviewCompleted,
    HumanReviewRequested,
    IdentityFailed,
    OfferCancelled,
    TermsFinalised,
)
from domain.intake.application.rules import REVIEWERS
from domain.intake.application.state import ApplicationPhase
from domain.intake.application.values import Finding
from domain.kernel.command import Actor, Command
from domain.kernel.event import Event
from tests.domain import cases
from tests.domain.cases import TERMS, given

ASKED = HumanReviewRequested()
APPROVE = ApproveApplication(terms=TERMS)
DECLINE = DeclineApplication(reasons=("income_too_low",))
OFFERED = (cases.FINALISED, cases.SELECTED, cases.CREATED, cases.PRESENTED)


def test_machine_approves_what_passed_every_check() -> None:
    state = given(*cases.TO_DECIDING).when(APPROVE).then(ApplicationApproved(terms=TERMS))
    assert (state.phase, state.terms) == (ApplicationPhase.APPROVED, TERMS)
    assert (state.step_states()["terms_settled"], state.step_states()["decided"]) == ("passed", "passed")


@pytest.mark.parametrize("missing", range(len(cases.CHECKS)))
def test_missing_answer_calls_for_a_person(missing: int) -> None:
    """A check that was not evaluated is no better than a failed one."""
    checks = cases.CHECKS[:missing] + cases.CHECKS[missing + 1 :]
    outcome = given(*cases.TO_VERIFYING, *checks, cases.VERIFIED).when(APPROVE)
    outcome.then_refused(refusals.CHECKS_OPEN)


def test_failed_check_calls_for_a_person() -> None:
    failed = IdentityFailed(provider="ctid", reason="face_differs")
    given(*cases.TO_DECIDING, failed).when(APPROVE).then_refused(refusals.CHECKS_OPEN, steps="identity_verified")


def test_person_may_approve_what_a_machine_may_not() -> None:
    given(*cases.TO_DECIDING_UNCHECKED).when(APPROVE).then_refused(refusals.CHECKS_OPEN)
    given(*cases.TO_DECIDING_UNCHECKED).when(ReferApplication(reasons=("checks_open",))).then(
        ApplicationReferred(reasons=("checks_open",))
    )
    given(*cases.TO_REFERRED).when(APPROVE).then(ApplicationApproved(terms=TERMS))


@pytest.mark.parametrize("history", [cases.TO_DECIDING, cases.TO_REFERRED])
def test_terms_are_settled_while_deciding_and_while_referred(history: tuple[Event, ...]) -> None:
    before = given(*history).state
    state = given(*history).when(FinaliseTerms(terms=TERMS)).then(TermsFinalised(terms=TERMS))
    assert (state.phase, state.terms) == (before.phase, TERMS)
    given(*history, cases.FINALISED).when(FinaliseTerms(terms=cases.OTHER_TERMS)).then(
        TermsFinalised(terms=cases.OTHER_TERMS)
    )


def test_terms_stand_while_an_offer_stands() -> None:
    change = FinaliseTerms(terms=cases.OTHER_TERMS)
    given(*cases.TO_REFERRED, *OFFERED).when(change).then_refused(refusals.OFFER_OUTSTANDING, offer=1)
    given(*cases.TO_REFERRED, *OFFERED, OfferCancelled(offer=1)).when(change).then(
        TermsFinalised(terms=cases.OTHER_TERMS)
    )


@pytest.mark.parametrize("make", [FinaliseTerms, ApproveApplication])
def test_terms_are_in_the_currency_applied_for(make: type[FinaliseTerms] | type[ApproveApplication]) -> None:
    foreign = replace(TERMS, currency="EUR")
    given(*cases.TO_REFERRED).when(make(terms=foreign)).then_refused(
        refusals.CURRENCY_DIFFERS, expected="CNY", got="EUR"
    )


def test_approval_is_on_the_final_terms() -> None:
    other = ApproveApplication(terms=cases.OTHER_TERMS)
    given(*cases.TO_REFERRED, cases.FINALISED).when(other).then_refused(refusals.TERMS_DIFFER)
    given(*cases.TO_REFERRED, cases.FINALISED).when(APPROVE).then(ApplicationApproved(terms=TERMS))
    given(*cases.TO_REFERRED).when(other).then(ApplicationApproved(terms=cases.OTHER_TERMS))


@pytest.mark.parametrize("history", [cases.TO_VERIFYING, cases.TO_DECIDING, cases.TO_REFERRED])
def test_decline_keeps_its_reasons(history: tuple[Event, ...]) -> None:
    command = DeclineApplication(reasons=("income_too_low", "history_too_short"))
    event = ApplicationDeclined(reasons=("income_too_low", "history_too_short"))
    state = given(*history).when(command).then(event)
    assert (state.phase, state.reasons) == (ApplicationPhase.DECLINED, ("income_too_low", "history_too_short"))
    assert state.step_states()["decided"] == "passed"


def test_offer_lapses_with_a_decline() -> None:
    events = (*cases.TO_REFERRED, *OFFERED, cases.SECOND)
    state = given(*events).when(DECLINE).then(ApplicationDeclined(reasons=("income_too_low",)))
    assert (state.offer, state.selected) == (None, None)


@pytest.mark.parametrize("history", [h for phase, h in cases.HISTORIES.items() if phase is not ApplicationPhase.ABSENT])
def test_person_may_always_ask_for_a_person(history: tuple[Event, ...]) -> None:
    """个人信息保护法 24: before the decision, after it, and when all is over."""
    before = given(*history).state
    asked = given(*history).when(RequestHumanReview(), actor=Actor("lessee", "l-1")).then(ASKED)
    assert (asked.review_pending, asked.phase) == (True, before.phase)
    done = (
        given(*history, ASKED)
        .when(CompleteHumanReview(finding=Finding.CHANGED))
        .then(HumanReviewCompleted(finding=Finding.CHANGED))
    )
    assert (done.review_pending, done.finding, done.phase) == (False, Finding.CHANGED, before.phase)


def test_one_review_at_a_time_and_another_one_later() -> None:
    given(*cases.TO_DECIDING, ASKED).when(RequestHumanReview()).then_refused(refusals.HUMAN_REVIEW_REQUESTED_ALREADY)
    done = HumanReviewCompleted(finding=Finding.CONFIRMED)
    given(*cases.TO_DECIDING, ASKED, done).when(RequestHumanReview()).then(ASKED)


@pytest.mark.parametrize("command", [APPROVE, DECLINE])
@pytest.mark.parametrize("history", [cases.TO_DECIDING, cases.TO_REFERRED])
def test_decision_waits_for_the_person_who_was_asked(command: Command, history: tuple[Event, ...]) -> None:
    given(*history, ASKED).when(command).then_refused(refusals.HUMAN_REVIEW_PENDING)
    done = HumanReviewCompleted(finding=Finding.CONFIRMED)
    assert isinstance(given(*history, ASKED, done).when(command).answer, tuple)


def test_review_that_nobody_asked_for_is_refused() -> None:
    given(*cases.TO_DECIDING).when(CompleteHumanReview(finding=Finding.CONFIRMED)).then_refused(
        refusals.NO_HUMAN_REVIEW
    )


@pytest.mark.parametrize("role", ["lessee", "device_gateway", "collector", "auditor", "system", ""])
def test_only_the_lessors_people_review(role: str) -> None:
    given(*cases.TO_DECIDING, ASKED).when(
        CompleteHumanReview(finding=Finding.CONFIRMED), actor=Actor(role, "x")
    ).then_refused(refusals.REVIEWER_NOT_ENTITLED, role=role)


@pytest.mark.parametrize("role", sorted(REVIEWERS))
def test_each_of_the_lessors_people_may_review(role: str) -> None:
    given(*cases.TO_DECIDING, ASKED).when(CompleteHumanReview(finding=Finding.CONFIRMED), actor=Actor(role, "x")).then(
        HumanReviewCompleted(finding=Finding.CONFIRMED)
    )


def test_notice_follows_a_decline_once() -> None:
    command = IssueAdverseNotice(document=cases.DIGEST_C, channel="sms")
    event = AdverseNoticeIssued(document=cases.DIGEST_C, channel="sms")
    state = given(*cases.TO_DECLINED).when(command).then(event)
    assert state.notice_issued
    given(*cases.TO_DECLINED, event).when(command).then_refused(refusals.NOTICE_ISSUED_ALREADY)
    given(*cases.TO_APPROVED).when(command).then_refused(refusals.NOT_DECLINED, phase="approved")
