"""Random lives of a mandate: what it permits is what was granted last, from its day on, until it is stopped or ends."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.kernel.command import Command
from domain.kernel.decider import fold
from domain.kernel.event import Event, decode_body, type_of
from domain.kernel.refusal import Refusal
from domain.payments import mandate
from domain.payments.mandate import (
    LIVE,
    MANDATE,
    ExpireMandate,
    GrantMandate,
    MandateExpired,
    MandateGranted,
    MandatePhase,
    ResumeMandate,
    RevokeMandate,
    SuspendMandate,
    permits,
)
from domain.payments.payment.values import CollectionPolicy
from tests.domain.payments.cases import LEASE
from tests.given import TODAY, body_of, check_event, context

PROBES = (1, 99, 100, 500, 501, 10**6)
LEADS_TO: dict[type[Command], MandatePhase] = {
    GrantMandate: MandatePhase.GRANTED,
    SuspendMandate: MandatePhase.SUSPENDED,
    ResumeMandate: MandatePhase.GRANTED,
    RevokeMandate: MandatePhase.REVOKED,
    ExpireMandate: MandatePhase.EXPIRED,
}
"""The phase that each command leads to where it is granted."""

wishes = st.one_of(
    st.builds(
        GrantMandate,
        lease=st.just(LEASE),
        reference=st.sampled_from(["DD-1", "DD-2"]),
        policy=st.just(CollectionPolicy(channels=("bank_a",), minimum_fen=100)),
        limit_fen=st.sampled_from([None, 99, 100, 500]),
        valid_until=st.none() | st.integers(-1, 12).map(lambda days: TODAY + timedelta(days=days)),
    ),
    st.just(SuspendMandate(reason="disputed")),
    st.just(ResumeMandate()),
    st.just(RevokeMandate(reason="lessee")),
    st.just(ExpireMandate()),
)


class MandateLife(RuleBasedStateMachine):
    """One mandate of one lease, as the days go by."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.state = MANDATE.initial
        self.today = TODAY

    @initialize(command=wishes.filter(lambda one: isinstance(one, GrantMandate)))
    def begin(self, command: Command) -> None:
        self.wish(command)

    @rule(days=st.integers(1, 5))
    def days_pass(self, days: int) -> None:
        self.today += timedelta(days=days)

    @rule(command=wishes)
    def wish(self, command: Command) -> None:
        answer = MANDATE.decide(command, self.state, context(business_date=self.today))
        if isinstance(answer, Refusal):
            unknown = self.state.phase is MandatePhase.ABSENT and not isinstance(command, GrantMandate)
            assert (answer.kind is mandate.UNKNOWN) is unknown
            return
        (event,) = answer
        check_event(event)
        self.events.append(event)
        self.state = MANDATE.evolve(self.state, decode_body(type_of(event), body_of(event)))
        assert self.state.phase is LEADS_TO[type(command)]

    @invariant()
    def what_stands_is_what_was_granted_last(self) -> None:
        grants = [event for event in self.events if isinstance(event, MandateGranted)]
        if not grants:
            assert self.state == MANDATE.initial
            return
        last = grants[-1]
        kept = (self.state.lease, self.state.reference, self.state.policy, self.state.limit_fen, self.state.valid_until)
        assert kept == (last.lease, last.reference, last.policy, last.limit_fen, last.valid_until)

    @invariant()
    def a_debit_needs_all_of_it(self) -> None:
        """Standing, within its days, under its own reference, within its limit: and then it is permitted."""
        for on in (self.today, self.today + timedelta(days=1)):
            for fen in PROBES:
                assert (permits(self.state, self.state.reference, fen, on) is None) is self._may(fen, on)
                assert permits(self.state, "DD-3", fen, on) is not None

    def _may(self, fen: int, on: date) -> bool:
        state = self.state
        stands = state.phase is MandatePhase.GRANTED and (state.valid_until is None or on <= state.valid_until)
        return stands and (state.limit_fen is None or fen <= state.limit_fen)

    @invariant()
    def it_ends_once_for_every_grant(self) -> None:
        """A grant while a mandate lives is refused, so grants and ends take turns."""
        ends = [event for event in self.events if type_of(event) in {"mandate.revoked.v1", "mandate.expired.v1"}]
        grants = [event for event in self.events if isinstance(event, MandateGranted)]
        assert len(grants) - len(ends) == (self.state.phase in LIVE)

    @invariant()
    def it_expires_after_its_last_day_only(self) -> None:
        granted: MandateGranted | None = None
        for event in self.events:
            if isinstance(event, MandateGranted):
                granted = event
                assert granted.valid_until is None or granted.valid_until >= granted.granted_on
            if isinstance(event, MandateExpired):
                assert granted is not None
                assert granted.valid_until is not None
                assert event.business_date > granted.valid_until

    @invariant()
    def replay_gives_the_same_state(self) -> None:
        assert fold(MANDATE, self.events) == self.state
        assert self.state.version == len(self.events)


TestMandateLife = MandateLife.TestCase
TestMandateLife.settings = settings(stateful_step_count=25)
