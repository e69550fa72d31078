"""Random lives of an application: whatever is wished in whatever order, these things stay true.

Half of the wishes are drawn blindly, so that refusals are met; the other half among those the case would grant, so
that lives get long.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from domain.intake.application.commands import (
    ApproveApplication,
    CompleteHumanReview,
    CompleteWork,
    DeclineApplication,
    DraftApplication,
    ExpireApplication,
    FinaliseTerms,
    IdentifyVehicle,
    RecordDocumentExtraction,
    RecordOdometerReading,
    RouteToLane,
    ScheduleWork,
    StartWork,
    UploadDocument,
    WithdrawApplication,
)
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import CLOSED, ApplicationPhase, OfferStatus
from domain.intake.application.values import DocumentKind, Finding, Terms
from domain.kernel.command import Actor, Command
from domain.kernel.decider import fold
from domain.kernel.event import Event, decode_body, type_of
from domain.kernel.refusal import REFUSALS, Refusal
from domain.kernel.values import AssetClass
from tests.domain import cases
from tests.given import CLERK, TODAY, body_of, check_event, context

ALLOWED = {
    ApplicationPhase.ABSENT: {ApplicationPhase.DRAFT},
    ApplicationPhase.DRAFT: {ApplicationPhase.SUBMITTED},
    ApplicationPhase.SUBMITTED: {ApplicationPhase.VERIFYING},
    ApplicationPhase.VERIFYING: {ApplicationPhase.DECIDING, ApplicationPhase.DECLINED},
    ApplicationPhase.DECIDING: {ApplicationPhase.APPROVED, ApplicationPhase.REFERRED, ApplicationPhase.DECLINED},
    ApplicationPhase.REFERRED: {ApplicationPhase.APPROVED, ApplicationPhase.DECLINED},
    ApplicationPhase.APPROVED: {ApplicationPhase.OFFER_ACCEPTED},
    ApplicationPhase.OFFER_ACCEPTED: {ApplicationPhase.CONTRACTING},
    ApplicationPhase.CONTRACTING: {ApplicationPhase.COMPLETED},
}
"""The state machine as the design draws it; every open phase may also be withdrawn or expire."""

ENDS = {ApplicationPhase.WITHDRAWN, ApplicationPhase.EXPIRED}
FINAL_WISHES = (WithdrawApplication, ExpireApplication, DeclineApplication)

digests = st.sampled_from([cases.DIGEST_A, cases.DIGEST_B, cases.DIGEST_C, cases.DIGEST_D])
lanes = st.sampled_from(["retail_fast", "vip", "Nabellen offertes"])
terms = st.builds(
    Terms,
    amount_fen=st.sampled_from([0, 650_000]),
    currency=st.sampled_from(["CNY", "CNY", "EUR"]),
    months=st.sampled_from([None, 12]),
)
kilometres = st.integers(0, 90_000)
persons = st.sampled_from([None, cases.SUBJECT, cases.KEEPER])
drafts = st.builds(
    DraftApplication,
    reference=st.sampled_from(["JJ-1", "13800138000"]),
    asset_class=st.sampled_from(AssetClass),
    product=st.just("phone_rental"),
    channel=st.just("app"),
    amount_fen=st.integers(0, 2**53 - 1),
    currency=st.just("CNY"),
    expires_on=st.sampled_from([None, TODAY, TODAY - timedelta(days=1)]),
    subject=persons,
    name=st.text(min_size=1, max_size=20),
    phone=st.from_regex("1[3-9][0-9]{9}", fullmatch=True),
)
uploads = st.builds(
    UploadDocument,
    digest=digests,
    kind=st.sampled_from(DocumentKind),
    media_type=st.just("image/jpeg"),
    size_bytes=st.integers(1, 9),
)
varied: st.SearchStrategy[Command] = st.one_of(
    drafts,
    uploads,
    st.builds(
        RecordDocumentExtraction,
        digest=digests,
        confidence=st.sampled_from(["0", "0.79", "0.800000", "1"]),
        provider=st.just("ocr_house"),
    ),
    st.builds(RouteToLane, lane=lanes),
    st.builds(ScheduleWork, lane=lanes),
    st.builds(StartWork, lane=lanes),
    st.builds(CompleteWork, lane=lanes),
    st.builds(FinaliseTerms, terms=terms),
    st.builds(ApproveApplication, terms=terms),
    st.builds(
        IdentifyVehicle, provider=st.just("x"), vin=st.sampled_from([cases.VIN, "0" * 16 + "1"]), subject=persons
    ),
    st.builds(
        RecordOdometerReading, reading_km=kilometres, provider=st.just("x"), last_known_km=st.none() | kilometres
    ),
    st.builds(CompleteHumanReview, finding=st.sampled_from(Finding)),
)
wishes: st.SearchStrategy[Command] = st.sampled_from(cases.SAMPLES) | varied
actors = st.sampled_from([CLERK, Actor("lessee", "l-1"), Actor("device_gateway", "g-1")])
days = st.integers(0, 3)


class ApplicationLife(RuleBasedStateMachine):
    """One case, its events, and the state that was moved on event by event."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.state = APPLICATION.initial
        self.blind = APPLICATION.initial
        self.refused: Refusal | None = None

    @rule(command=wishes, actor=actors, later=days)
    def wish(self, command: Command, actor: Actor, later: int) -> None:
        """Anything may be wished by anyone on any day."""
        self._do(command, actor=actor, business_date=TODAY + timedelta(days=later))

    @precondition(lambda self: self.state.phase not in CLOSED)
    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        """One of the usual wishes that would be granted now, and that does not end the case."""
        possible = [
            command
            for command in cases.SAMPLES
            if not isinstance(command, FINAL_WISHES)
            and not isinstance(APPLICATION.decide(command, self.state, context()), Refusal)
        ]
        self._do(data.draw(st.sampled_from(possible)))

    def _do(self, command: Command, **changes: Any) -> None:
        answer = APPLICATION.decide(command, self.state, context(**changes))
        assert answer == APPLICATION.decide(command, self.state, context(**changes))
        if isinstance(answer, Refusal):
            assert answer.kind is REFUSALS[answer.code]
            return
        assert answer, "a wish that is granted is a fact"
        for event in answer:
            check_event(event)
            self._move(event)

    def _move(self, event: Event) -> None:
        before = self.state.phase
        self.events.append(event)
        self.state = APPLICATION.evolve(self.state, event)
        self.blind = APPLICATION.evolve(self.blind, decode_body(type_of(event), body_of(event)))
        if self.state.phase is not before:
            assert before not in CLOSED, "closed cases never reopen"
            ends = ENDS if before is not ApplicationPhase.ABSENT else set()
            assert self.state.phase in ALLOWED[before] | ends

    @invariant()
    def version_counts_events(self) -> None:
        """Versions are 1, 2, 3 … without a hole."""
        assert self.state.version == len(self.events)

    @invariant()
    def replay_gives_the_same_state(self) -> None:
        """From the events, and from their stored bodies without personal data."""
        assert fold(APPLICATION, self.events) == self.state
        assert self.blind == self.state

    @invariant()
    def offers_are_in_order(self) -> None:
        """At most one current offer, on the final terms; at most one selected, later than it."""
        offer, selected = self.state.offer, self.state.selected
        numbers = [] if offer is None else [offer.number]
        numbers += [] if selected is None else [selected]
        assert numbers == sorted(set(numbers))
        assert all(1 <= number <= self.state.offers for number in numbers)
        assert offer is None or offer.terms == self.state.terms
        accepted = offer is not None and offer.status is OfferStatus.ACCEPTED
        assert accepted == (
            self.state.phase
            in {ApplicationPhase.OFFER_ACCEPTED, ApplicationPhase.CONTRACTING, ApplicationPhase.COMPLETED}
        )

    @invariant()
    def failed_cases_offer_nothing(self) -> None:
        """What was on offer lapsed."""
        if self.state.phase in CLOSED - {ApplicationPhase.COMPLETED}:
            assert (self.state.offer, self.state.selected) == (None, None)

    @invariant()
    def nothing_personal_is_known(self) -> None:
        """The state has no text of a person in it."""
        told = repr(self.state)
        assert str(cases.DRAFT.name) not in told
        assert cases.VIN not in told

    @invariant()
    def approval_has_terms_and_decline_has_reasons(self) -> None:
        """No decision without its content, and no notice without a decline."""
        if self.state.phase in {
            ApplicationPhase.APPROVED,
            ApplicationPhase.OFFER_ACCEPTED,
            ApplicationPhase.CONTRACTING,
            ApplicationPhase.COMPLETED,
        }:
            assert self.state.terms is not None
        assert bool(self.state.reasons) == (self.state.phase is ApplicationPhase.DECLINED)
        assert not self.state.notice_issued or self.state.phase is ApplicationPhase.DECLINED


TestApplicationLife = ApplicationLife.TestCase
TestApplicationLife.settings = settings(stateful_step_count=40)
