"""Random lives of a payment: whatever comes in whatever order, money is counted once and the unknown never retried."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain.kernel.command import Command
from domain.kernel.decider import fold
from domain.kernel.event import Event, decode_body, type_of
from domain.kernel.refusal import Refusal
from domain.payments.payment.commands import (
    CancelPayment,
    InitiatePayment,
    ReceiveCallback,
    RecordChargeback,
    RecordFailed,
    RecordOutcomeUnknown,
    RecordPending,
    RecordRefunded,
    RecordRefundFailed,
    RecordSucceeded,
    RefundPayment,
    RetryPayment,
)
from domain.payments.payment.events import (
    AttemptStarted,
    CallbackIgnored,
    ChannelSwitched,
    OutcomeResolved,
    PaymentChargedBack,
    PaymentOverpaid,
    PaymentRefunded,
    PaymentSucceeded,
    RefundFailed,
    RefundRequested,
)
from domain.payments.payment.rules import PAYMENT
from domain.payments.payment.state import PaymentPhase
from domain.payments.payment.values import CollectionPolicy, Ignored, Reported, Source
from tests.domain.payments.cases import BODY, BODY_2, LEASE, REF
from tests.given import TODAY, body_of, check_event, context

attempts = st.integers(1, 8)
amounts = st.integers(1, 5)
numbers = st.integers(1, 4)
codes = st.sampled_from(["insufficient_funds", "account_closed"])
sources = st.sampled_from(Source)
wishes: st.SearchStrategy[Command] = st.one_of(
    st.builds(RecordPending, attempt=attempts, ref=st.just(REF)),
    st.builds(
        RecordSucceeded,
        attempt=attempts,
        amount_fen=amounts,
        value_date=st.just(TODAY),
        ref=st.just(REF),
        source=sources,
    ),
    st.builds(RecordFailed, attempt=attempts, code=codes, source=sources),
    st.builds(RecordOutcomeUnknown, attempt=attempts, reason=st.just("timeout")),
    st.builds(RetryPayment, attempt=attempts, amount_fen=amounts),
    st.builds(CancelPayment, reason=st.just("paid_otherwise")),
    st.builds(RefundPayment, number=numbers, amount_fen=amounts, reason=st.just("credit")),
    st.builds(RecordRefunded, number=numbers, value_date=st.just(TODAY), ref=st.just(REF)),
    st.builds(RecordRefundFailed, number=numbers, code=st.just("payee_account_closed")),
    st.builds(RecordChargeback, attempt=attempts, reason=st.just("disputed")),
    st.builds(
        ReceiveCallback,
        callback=st.sampled_from([BODY, BODY_2, "c" * 64]),
        verified=st.sampled_from([True, True, False]),
        channel=st.sampled_from(["a", "b"]),
        attempt=st.integers(-1, 8),
        reported=st.sampled_from(Reported),
        amount_fen=amounts,
        value_date=st.just(TODAY),
        ref=st.just(REF),
        code=codes,
    ),
)
policies = st.builds(
    CollectionPolicy,
    channels=st.sampled_from([("a",), ("a", "b"), ("c", "b", "a")]),
    retries=st.integers(0, 2),
    spacing_days=st.sampled_from([(1,), (0, 2)]),
)


class PaymentLife(RuleBasedStateMachine):
    """One payment, its events and its state; the current attempt is wished for more often than others."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.state = PAYMENT.initial

    @initialize(policy=policies, later=st.booleans())
    def begin(self, policy: CollectionPolicy, later: bool) -> None:
        on = TODAY + timedelta(days=1) if later else None
        self._do(InitiatePayment(lease=LEASE, bill=1, amount_fen=5, policy=policy, collect_on=on), 0)

    @rule(command=wishes, days=st.integers(0, 5))
    def wish(self, command: Command, days: int) -> None:
        self._do(command, days)

    @rule(code=codes, source=sources, days=st.integers(0, 5))
    def the_current_attempt_fails(self, code: str, source: Source, days: int) -> None:
        self._do(RecordFailed(attempt=max(self.state.attempt, 1), code=code, source=source), days)
        self._do(RetryPayment(attempt=max(self.state.attempt, 1), amount_fen=2), days + 9)

    @rule()
    def the_current_attempt_is_lost(self) -> None:
        self._do(RecordOutcomeUnknown(attempt=max(self.state.attempt, 1), reason="timeout"), 0)

    def _do(self, command: Command, days: int) -> None:
        answer = PAYMENT.decide(command, self.state, context(business_date=TODAY + timedelta(days=days)))
        if isinstance(answer, Refusal):
            return
        assert answer or isinstance(command, ReceiveCallback), "only the forgeries that are too many lead to nothing"
        before = self.state
        for event in answer:
            check_event(event)
            self.events.append(event)
            self.state = PAYMENT.evolve(self.state, decode_body(type_of(event), body_of(event)))
        if before.phase is PaymentPhase.UNKNOWN:
            self._nothing_is_tried_before_it_is_known(answer)
        if any(isinstance(event, CallbackIgnored) for event in answer):
            assert len(answer) == 1
            assert self.state.received_fen == before.received_fen
        if isinstance(command, ReceiveCallback) and not command.verified:
            assert all(getattr(event, "reason", None) is Ignored.FORGED for event in answer)

    def _nothing_is_tried_before_it_is_known(self, answer: tuple[Event, ...]) -> None:
        for number, event in enumerate(answer):
            if isinstance(event, (AttemptStarted, ChannelSwitched)):
                assert any(isinstance(earlier, OutcomeResolved) for earlier in answer[:number])

    @invariant()
    def money_adds_up(self) -> None:
        """What arrived is the sum of receipts, each attempt at most once; never more goes back than came."""
        receipts = [one for one in self.events if isinstance(one, (PaymentSucceeded, PaymentOverpaid))]
        back = [one.attempt for one in self.events if isinstance(one, PaymentChargedBack)]
        assert self.state.received_fen == sum(one.amount_fen for one in receipts)
        assert len({one.attempt for one in receipts}) == len(receipts)
        assert sum(isinstance(one, PaymentSucceeded) for one in receipts) <= 1
        assert len(set(back)) == len(back)
        assert set(back) <= {one.attempt for one in receipts}

    @invariant()
    def no_more_is_refunded_than_came(self) -> None:
        """Attempt by attempt."""
        came = {one.attempt: one.amount_fen for one in self.state.received}
        for event in self.events:
            if isinstance(event, PaymentRefunded):
                came[event.attempt] -= event.amount_fen
        assert all(left >= 0 for left in came.values())

    @invariant()
    def refunds_end_once(self) -> None:
        """What was asked for ends at most once, and what ended was asked for or never covered."""
        asked = [one.number for one in self.events if isinstance(one, RefundRequested)]
        ended = [one.number for one in self.events if isinstance(one, (PaymentRefunded, RefundFailed))]
        assert len(set(asked)) == len(asked)
        assert len(set(ended)) == len(ended)
        assert {one.number for one in self.state.refunds if one.open} == set(asked) - set(ended)
        assert sum(one.reserved_fen for one in self.state.received) == sum(
            one.amount_fen for one in self.state.refunds if one.open
        )

    @invariant()
    def an_order_is_out_or_it_waits(self) -> None:
        """A payment that waits has no order at a provider; every attempt's amount was fixed by its event."""
        started = [one for one in self.events if isinstance(one, AttemptStarted)]
        assert self.state.asked_fen == tuple(one.amount_fen for one in started)
        assert [one.attempt for one in started] == list(range(1, len(started) + 1))
        if self.state.phase in (PaymentPhase.INITIATED, PaymentPhase.PENDING, PaymentPhase.UNKNOWN):
            assert self.state.under_way is self.state.phase
        elif not self.state.received:
            assert self.state.under_way is None

    @invariant()
    def attempts_keep_to_the_policy(self) -> None:
        """Channels in their order, at most one attempt and its retries in each."""
        policy = self.state.policy
        if policy is None:
            return
        tried = self.state.tried
        assert list(dict.fromkeys(tried)) == list(policy.channels[: len(set(tried))])
        assert all(tried.count(channel) <= policy.retries + 1 for channel in tried)

    @invariant()
    def replay_gives_the_same_state(self) -> None:
        assert fold(PAYMENT, self.events) == self.state
        assert self.state.version == len(self.events)


TestPaymentLife = PaymentLife.TestCase
TestPaymentLife.settings = settings(stateful_step_count=30)
