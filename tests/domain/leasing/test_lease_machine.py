"""Random lives of a lease: whatever is wished in whatever order, these things stay true.

Days go on at random, payments are worth from earlier days, are reversed, refunded, waived; leases are restructured,
settled, accelerated, written off. After every event the trial balance is zero, and after every command the books agree
with the lease, the balances with a replay, and money with money.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from domain.accounting.posting import post
from domain.kernel.command import Command
from domain.kernel.decider import fold
from domain.kernel.event import Event, decode_body, type_of
from domain.kernel.refusal import REFUSALS, Refusal
from domain.leasing.account import assessed
from domain.leasing.lease.commands import (
    AccelerateLease,
    AccrueInterest,
    AssessLateFees,
    BuyBackLease,
    CaptureDeposit,
    ChargeOffLease,
    CloseLease,
    CompleteBuyout,
    CreateLease,
    DisposeAsset,
    ElectRemedy,
    IssueBill,
    PostPayment,
    QuoteBuyout,
    QuoteEarlySettlement,
    ReAgeBills,
    RecordCureExpired,
    RecordTotalLoss,
    RefundCredit,
    ReleaseDeposit,
    RemitToInvestor,
    RepossessAsset,
    RestructureLease,
    ReturnAsset,
    ReturnRefund,
    ReversePayment,
    ServeDemand,
    SettleEarly,
    TerminateLease,
    TransferLease,
    WaiveBill,
    WaivedPart,
)
from domain.leasing.lease.events import money as m
from domain.leasing.lease.events.lifecycle import LeaseAccelerated, LeaseTerminated
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import CLOSED, WRITTEN_OFF, LeasePhase
from domain.leasing.values import COMPONENTS, NewDueDate, Remedy
from domain.pricing.schedules import Component, Instalment
from tests.domain.leasing import cases
from tests.domain.leasing.books_of import check_agreement
from tests.given import body_of, check_event, context
from tests.history.lease_lives import LIVES

ALLOWED = {
    LeasePhase.ABSENT: {LeasePhase.AWAITING_DELIVERY},
    LeasePhase.AWAITING_DELIVERY: {LeasePhase.ACTIVE, LeasePhase.SETTLED},
    LeasePhase.ACTIVE: {
        *(
            LeasePhase.RETURNED,
            LeasePhase.BOUGHT_OUT,
            LeasePhase.EARLY_SETTLED,
            LeasePhase.ACCELERATED,
            LeasePhase.TERMINATED,
        ),
        *(LeasePhase.LOST_TOTAL, LeasePhase.SETTLED),
    },
    LeasePhase.TERMINATED: {LeasePhase.REPOSSESSED},
    LeasePhase.REPOSSESSED: {LeasePhase.DISPOSED},
    LeasePhase.CHARGED_OFF: {LeasePhase.RECOVERED},
    LeasePhase.RECOVERED: {LeasePhase.CHARGED_OFF, LeasePhase.SETTLED},
    LeasePhase.EARLY_SETTLED: {LeasePhase.BOUGHT_OUT},
    LeasePhase.SETTLED: {LeasePhase.REOPENED, LeasePhase.CHARGED_OFF},
}
"""The state machine as the design draws it; every ended phase may also be written off or settled."""

PASTS = {phase: past for phase, past in cases.PASTS.items() if past}

components = st.sampled_from(COMPONENTS)
amounts = st.integers(1, 260_000) | st.sampled_from([106_000, 50_000, 1_300_000])
SIGNED = {
    m.PaymentPosted: 1,
    m.PaymentReversed: -1,
    m.CreditRefunded: -1,
    m.RefundReturned: 1,
    m.DepositCaptured: 1,
}


class LeaseLife(RuleBasedStateMachine):
    """One lease, its events, and the state that was moved on event by event."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.state = LEASE.initial
        self.blind = LEASE.initial
        self.today = cases.START
        self.payments = 0
        self.money_fen = 0
        self.invested_fen = 0
        self.paid_out_fen = 0

    @initialize(
        past=st.sampled_from([*PASTS.values(), *LIVES, cases.RUNNING, cases.PHONE_RUNNING, cases.DOWN_RUNNING]),
        rate=st.sampled_from(["0", "0.0005", "0.02"]),
        order=st.permutations(COMPONENTS),
    )
    def begin(self, past: tuple[cases.Step, ...], rate: str, order: list[Component]) -> None:
        """Some past, on other terms; what is not granted on them does not happen."""
        for on, command in past:
            self.today = max(self.today, cases.day(on))
            self._do(self._on_terms(command, rate, tuple(order)))

    def _on_terms(self, command: Command, rate: str, order: tuple[Component, ...]) -> Command:
        if isinstance(command, CreateLease):
            return cases.changed(command, late_fee_daily_rate=rate, allocation=order)
        if isinstance(command, PostPayment):
            self.payments += 1
            return replace(command, payment=UUID(int=self.payments))
        if isinstance(command, ReversePayment):
            return replace(command, payment=UUID(int=self.payments))
        return command

    @rule(days=st.integers(1, 45))
    def days_pass(self, days: int) -> None:
        """Time goes on, and bills that are due are issued, as a timer would."""
        self.today += timedelta(days=days)
        while self.state.unbilled and self.state.unbilled[0].due_on <= self.today:
            before = len(self.events)
            self._do(IssueBill(number=self.state.unbilled[0].number))
            if len(self.events) == before:
                break

    @rule(fen=amounts, ago=st.integers(0, 60))
    def money_comes(self, fen: int, ago: int) -> None:
        """On time or late, too little or too much."""
        self.payments += 1
        worth = self.today - timedelta(days=ago)
        self._do(PostPayment(payment=UUID(int=self.payments), amount_fen=fen, value_date=worth))

    @precondition(lambda self: self.payments)
    @rule(data=st.data())
    def money_goes_back(self, data: st.DataObject) -> None:
        """Any payment may bounce, once."""
        payment = UUID(int=data.draw(st.integers(1, self.payments)))
        self._do(ReversePayment(payment=payment, reason="returned"))

    @precondition(lambda self: self.payments)
    @rule(fen=amounts, share=st.integers(1, 3), number=st.integers(1, 4))
    def a_refund_does_not_arrive(self, fen: int, share: int, number: int) -> None:
        """Credit goes out through a payment's provider; some of that comes back, later, and only once."""
        credit_fen = max(1, self.state.balances.credit_fen // share)
        self._do(RefundCredit(amount_fen=min(fen, credit_fen), payment=UUID(int=self.payments)))
        self._do(ReturnRefund(number=number, reason="payee_account_closed"))

    @rule(fen=amounts, ago=st.integers(0, 40))
    def ends_of_period(self, fen: int, ago: int) -> None:
        """What timers and clerks wish about money."""
        up_to = self.today - timedelta(days=ago)
        for command in (AssessLateFees(up_to=up_to), AccrueInterest(up_to=up_to), RefundCredit(amount_fen=fen)):
            self._do(command)

    @precondition(lambda self: self.state.balances.bills)
    @rule(data=st.data(), fen=amounts, component=components)
    def bills_change(self, data: st.DataObject, fen: int, component: Component) -> None:
        """A part is waived, or the bill is due later."""
        bill = data.draw(st.sampled_from(self.state.balances.bills))
        most = min(fen, max(1, bill.open_of(component)))
        part = WaivedPart(component=component, fen=most)
        self._do(WaiveBill(number=bill.number, parts=(part,), reason="goodwill"))
        later = NewDueDate(number=bill.number, due_on=self.today + timedelta(days=data.draw(st.integers(0, 20))))
        if data.draw(st.booleans()):
            self._do(ReAgeBills(due_dates=(later,), reason="hardship"))

    @precondition(lambda self: self.state.unbilled)
    @rule(interest_fen=st.integers(0, 9_000), months=st.integers(1, 4))
    def terms_change(self, interest_fen: int, months: int) -> None:
        """The rest is spread anew."""
        total, first = self.state.unbilled_principal_fen, self.state.next_number
        shares = [total // months] * (months - 1)
        principals = [*shares, total - sum(shares)]
        schedule = tuple(
            Instalment(first + n, self.today + timedelta(days=10 + 30 * n), principal, interest_fen)
            for n, principal in enumerate(principals)
        )
        self._do(RestructureLease(schedule=schedule, reason="hardship"))

    @precondition(lambda self: self.state.phase is LeasePhase.ACTIVE)
    @rule(remedy=st.sampled_from(Remedy), goes_on=st.booleans(), share_pct=st.sampled_from([0, 0, 50, 100]))
    def default(self, remedy: Remedy, goes_on: bool, share_pct: int) -> None:
        """Two bills, a demand, a period in which some of it may be paid, a choice, and what follows from it."""
        self.days_pass(35)
        self.days_pass(35)
        self._do(ServeDemand(cure_by=self.today + timedelta(days=15)))
        owed_fen = assessed(self.state.account, self.today).balances.open_fen
        self.money_comes(max(1, owed_fen * share_pct // 100), 0)
        self.today += timedelta(days=16)
        self._do(RecordCureExpired())
        self._do(ElectRemedy(remedy=remedy))
        if goes_on:
            self._do(AccelerateLease())
            self._do(TerminateLease(notice_reached_on=self.today))

    @precondition(lambda self: self.state.phase in {LeasePhase.TERMINATED, LeasePhase.REPOSSESSED})
    @rule(fen=st.integers(0, 2_000_000))
    def take_back(self, fen: int) -> None:
        """The asset is sold, perhaps for more than the debt."""
        self._do(RepossessAsset(on=self.today))
        self._do(DisposeAsset(proceeds_fen=fen, costs_fen=min(fen, 5_000)))

    @rule(data=st.data())
    def lessee_leaves(self, data: st.DataObject) -> None:
        """A quote, the money for it, perhaps not all, and the wish to settle."""
        with_buyout = data.draw(st.booleans())
        quotes = [QuoteBuyout(as_of=self.today), QuoteEarlySettlement(as_of=self.today, with_buyout=with_buyout)]
        self._do(data.draw(st.sampled_from(quotes)))
        quote = self.state.quote
        if quote is not None and quote.amount_fen > 0:
            short = data.draw(st.sampled_from([0, 0, 1]))
            self.money_comes(max(1, quote.amount_fen - short), 0)
        for command in (CompleteBuyout(), SettleEarly()):
            self._do(command)

    @precondition(lambda self: self.state.phase is LeasePhase.ACTIVE)
    @rule(fen=amounts)
    def claims_are_sold(self, fen: int) -> None:
        """The money of an investor."""
        self._do(TransferLease(investor=cases.INVESTOR, price_fen=fen))

    @precondition(lambda self: self.state.funding is not None)
    @rule(fen=amounts, back=st.booleans())
    def investor_is_paid(self, fen: int, back: bool) -> None:
        """What was collected, or a part; or the lease is put back."""
        assert self.state.funding is not None
        self._do(RemitToInvestor(amount_fen=min(fen, max(1, self.state.funding.owed_fen))))
        if back:
            self._do(BuyBackLease(price_fen=fen))

    @precondition(lambda self: self.state.phase is LeasePhase.ACTIVE)
    @rule(lost=st.booleans())
    def device_is_gone(self, lost: bool) -> None:
        """Returned early, or lost by somebody who answers for it."""
        self._do(RecordTotalLoss(on=self.today, liable=True) if lost else ReturnAsset(on=self.today))

    @precondition(
        lambda self: self.state.phase not in {LeasePhase.ABSENT, LeasePhase.ACTIVE, LeasePhase.AWAITING_DELIVERY}
    )
    @rule(written_off=st.booleans())
    def come_to_an_end(self, written_off: bool) -> None:
        """What is owed is paid or written off, what is left over goes back, and the lease is closed."""
        if written_off:
            self._do(ChargeOffLease())
        if (owed := self.state.balances.open_fen or self.state.charged_off_fen) > 0:
            self.money_comes(owed, 0)
        owed_fen = 0 if self.state.funding is None else self.state.funding.owed_fen
        for command in (
            RemitToInvestor(amount_fen=max(1, owed_fen)),
            RefundCredit(amount_fen=max(1, self.state.balances.credit_fen)),
            ReleaseDeposit(fen=max(1, self.state.deposit_held_fen)),
            CloseLease(),
        ):
            self._do(command)

    @rule(command=st.sampled_from(cases.SAMPLES))
    def wish(self, command: Command) -> None:
        """Anything else may be wished."""
        self._do(command)

    @precondition(lambda self: self.state.deposit_held_fen)
    @rule(fen=st.integers(1, 60_000))
    def deposit_is_taken(self, fen: int) -> None:
        """For what is owed, as far as it goes."""
        self._do(CaptureDeposit(fen=fen))

    def _do(self, command: Command) -> None:
        now = context(business_date=self.today)
        answer = LEASE.decide(command, self.state, now)
        assert answer == LEASE.decide(command, self.state, now)
        if isinstance(answer, Refusal):
            assert answer.kind is REFUSALS[answer.code]
            return
        assert answer, "a wish that is granted is a fact"
        for event in answer:
            check_event(event)
            self._move(event)
        check_agreement(self.events, self.state)
        self._check_money()

    def _move(self, event: Event) -> None:
        before = self.state.phase
        self.events.append(event)
        self.state = LEASE.evolve(self.state, event)
        self.blind = LEASE.evolve(self.blind, decode_body(type_of(event), body_of(event)))
        lines = post(event)
        assert sum(line.debit_fen for line in lines) == sum(line.credit_fen for line in lines)
        self._count(event)
        if self.state.phase is not before:
            standing = {LeasePhase.ABSENT, LeasePhase.ACTIVE} | CLOSED
            ends = {LeasePhase.CHARGED_OFF, LeasePhase.SETTLED} if before not in standing else set()
            assert self.state.phase in ALLOWED.get(before, set()) | ends

    def _count(self, event: Event) -> None:
        if isinstance(event, m.BuyoutCompleted):
            self.money_fen -= event.price_fen
        elif isinstance(event, m.LeaseTransferred):
            self.invested_fen, self.paid_out_fen = 0, 0
        elif isinstance(event, m.CollectedForInvestor):
            self.invested_fen += event.fen
        elif isinstance(event, m.RemittedToInvestor):
            self.paid_out_fen += event.amount_fen
        elif isinstance(event, m.AssetDisposed):
            self.money_fen += event.proceeds_fen - event.costs_fen
        elif type(event) in SIGNED:
            fen = event.fen if isinstance(event, m.DepositCaptured) else getattr(event, "amount_fen", 0)
            self.money_fen += SIGNED[type(event)] * fen

    def _check_money(self) -> None:
        """What is applied and what is credit is what came in less what went out."""
        balances = self.state.balances
        assert balances.paid_fen + balances.credit_fen == self.money_fen
        for bill in balances.bills:
            for component, amount, paid in zip(COMPONENTS, bill.amount, bill.paid, strict=True):
                assert 0 <= paid <= amount, component
                assert bill.open_of(component) >= 0

    @invariant()
    def version_counts_events(self) -> None:
        """Versions are 1, 2, 3 … without a hole."""
        assert self.state.version == len(self.events)

    @invariant()
    def replay_gives_the_same_state(self) -> None:
        """From the events, and from their stored bodies."""
        assert fold(LEASE, self.events) == self.state == self.blind

    @invariant()
    def one_remedy_at_most(self) -> None:
        """民法典 752: never both."""
        ends = {type(event) for event in self.events} & {LeaseAccelerated, LeaseTerminated}
        assert len(ends) <= 1

    @invariant()
    def what_is_settled_or_written_off_owes_nothing(self) -> None:
        """A settled lease has no balance but credit that came later, a written-off one no open bill."""
        if self.state.phase in WRITTEN_OFF | CLOSED:
            assert self.state.balances.open_fen == 0
        if self.state.phase in CLOSED:
            assert self.state.balances.credit_fen >= 0
            assert (self.state.deposit_held_fen, self.state.down_payment_held_fen) == (0, 0)

    @invariant()
    def the_investor_owns_what_met_bills_since(self) -> None:
        """All of it, signed, and not a fen of the lessee's credit."""
        funding = self.state.funding
        if funding is not None:
            assert (funding.collected_fen, funding.remitted_fen) == (self.invested_fen, self.paid_out_fen)
            assert 0 <= funding.repaid_fen <= funding.price_fen
            if funding.collected_fen >= funding.claims_fen:
                assert funding.unrepaid_fen == 0

    @invariant()
    def a_demand_that_is_cured_is_paid(self) -> None:
        """And one whose bills are paid while the lease runs is cured."""
        demand = self.state.demand
        if demand is not None and self.state.phase is LeasePhase.ACTIVE and self.state.remedy is None:
            assert demand.cured == (not demand.unpaid(self.state.balances))


TestLeaseLife = LeaseLife.TestCase
TestLeaseLife.settings = settings(stateful_step_count=25)
