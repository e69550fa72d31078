"""Offers: at most one current and one selected; conditional before approval, binding after it."""

from __future__ import annotations

import pytest

from domain.intake.application import refusals
from domain.intake.application.commands import (
    AcceptOffer,
    CancelOffer,
    CreateOffer,
    DeclineOffer,
    PresentOffer,
    RecordOfferReturned,
    SelectOffer,
)
from domain.intake.application.events import (
    OfferAccepted,
    OfferCancelled,
    OfferCreated,
    OfferDeclined,
    OfferPresented,
    OfferReturned,
    OfferSelected,
)
from domain.intake.application.state import ApplicationPhase, Offer, OfferStatus
from domain.kernel.command import Command
from domain.kernel.event import Event
from tests.domain import cases
from tests.domain.cases import CREATED, FINALISED, PRESENTED, RETURNED, SECOND, SELECTED, TERMS, given

BEFORE = (*cases.TO_REFERRED, FINALISED)
AFTER = cases.TO_APPROVED

# As offers really went in a bank's own log: cancelled while the next one is selected already, twice over.
STORY: list[tuple[Command, Event]] = [
    (SelectOffer(), OfferSelected(offer=1)),
    (CreateOffer(), OfferCreated(offer=1, terms=TERMS)),
    (PresentOffer(), OfferPresented(offer=1)),
    (SelectOffer(), OfferSelected(offer=2)),
    (CancelOffer(), OfferCancelled(offer=1)),
    (CreateOffer(), OfferCreated(offer=2, terms=TERMS)),
    (PresentOffer(), OfferPresented(offer=2)),
    (RecordOfferReturned(), OfferReturned(offer=2)),
    (SelectOffer(), OfferSelected(offer=3)),
    (CancelOffer(), OfferCancelled(offer=2)),
    (CreateOffer(), OfferCreated(offer=3, terms=TERMS)),
    (PresentOffer(), OfferPresented(offer=3)),
]


@pytest.mark.parametrize("start", [BEFORE, AFTER], ids=["conditional", "approved"])
def test_offers_are_renewed_as_in_real_life(start: tuple[Event, ...]) -> None:
    events = list(start)
    for command, event in STORY:
        given(*events).when(command).then(event)
        events.append(event)
    state = given(*events).state
    assert state.offer == Offer(3, OfferStatus.PRESENTED, TERMS)
    assert (state.offers, state.selected) == (3, None)


@pytest.mark.parametrize("past", [(PRESENTED,), (PRESENTED, RETURNED)], ids=["presented", "returned"])
def test_acceptance_counts_when_approved(past: tuple[Event, ...]) -> None:
    events = (*AFTER, SELECTED, CREATED, *past)
    state = given(*events).when(AcceptOffer()).then(OfferAccepted(offer=1))
    assert state.phase is ApplicationPhase.OFFER_ACCEPTED
    assert state.offer == Offer(1, OfferStatus.ACCEPTED, TERMS)


def test_acceptance_of_a_conditional_offer_is_refused() -> None:
    events = (*BEFORE, SELECTED, CREATED, PRESENTED)
    given(*events).when(AcceptOffer()).then_refused(refusals.NOT_APPROVED, phase="referred")
    given(*events, cases.APPROVED).when(AcceptOffer()).then(OfferAccepted(offer=1))


def test_acceptance_drops_a_further_selection() -> None:
    events = (*AFTER, SELECTED, CREATED, PRESENTED, SECOND)
    state = given(*events).when(AcceptOffer()).then(OfferAccepted(offer=1))
    assert state.selected is None


def test_selection_waits_for_its_creation() -> None:
    given(*BEFORE, SELECTED).when(SelectOffer()).then_refused(refusals.OFFER_SELECTED_ALREADY, offer=1)


def test_creation_needs_a_selection_a_free_place_and_final_terms() -> None:
    given(*BEFORE).when(CreateOffer()).then_refused(refusals.NO_OFFER_SELECTED)
    given(*BEFORE, SELECTED, CREATED, SECOND).when(CreateOffer()).then_refused(refusals.OFFER_OUTSTANDING, offer=1)
    given(*cases.TO_REFERRED, SELECTED).when(CreateOffer()).then_refused(refusals.TERMS_NOT_FINAL)


@pytest.mark.parametrize("command", [PresentOffer(), RecordOfferReturned(), CancelOffer(), DeclineOffer()])
def test_without_an_offer_there_is_nothing_to_do(command: Command) -> None:
    given(*BEFORE).when(command).then_refused(refusals.NO_OFFER)


def test_acceptance_without_an_offer_is_refused() -> None:
    given(*AFTER).when(AcceptOffer()).then_refused(refusals.NO_OFFER)


@pytest.mark.parametrize("past", [(PRESENTED,), (PRESENTED, RETURNED)])
def test_offer_is_presented_once(past: tuple[Event, ...]) -> None:
    given(*BEFORE, SELECTED, CREATED, *past).when(PresentOffer()).then_refused(
        refusals.OFFER_PRESENTED_ALREADY, offer=1
    )


@pytest.mark.parametrize("command", [RecordOfferReturned(), AcceptOffer(), DeclineOffer()])
def test_offer_that_was_not_presented_has_no_answer(command: Command) -> None:
    given(*AFTER, SELECTED, CREATED).when(command).then_refused(refusals.OFFER_NOT_PRESENTED, offer=1)


def test_offer_comes_back_once() -> None:
    given(*BEFORE, SELECTED, CREATED, PRESENTED, RETURNED).when(RecordOfferReturned()).then_refused(
        refusals.OFFER_RETURNED_ALREADY, offer=1
    )


def test_cancelling_takes_the_current_offer_before_the_selection() -> None:
    state = given(*BEFORE, SELECTED, CREATED, SECOND).when(CancelOffer()).then(OfferCancelled(offer=1))
    assert (state.offer, state.selected) == (None, 2)
    state = given(*BEFORE, SELECTED).when(CancelOffer()).then(OfferCancelled(offer=1))
    assert (state.offer, state.selected, state.offers) == (None, None, 1)


@pytest.mark.parametrize("past", [(PRESENTED,), (PRESENTED, RETURNED)])
def test_declining_leaves_the_case_and_the_selection(past: tuple[Event, ...]) -> None:
    events = (*AFTER, SELECTED, CREATED, *past, SECOND)
    state = given(*events).when(DeclineOffer()).then(OfferDeclined(offer=1))
    assert (state.phase, state.offer, state.selected) == (ApplicationPhase.APPROVED, None, 2)
