"""An investor's money over a whole life: whatever comes and goes, investor, lessee and lessor each have their own."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from domain.accounting import chart
from domain.kernel.decider import fold
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal
from domain.leasing.lease import refusals as r
from domain.leasing.lease.commands import (
    AssessLateFees,
    BuyBackLease,
    CaptureDeposit,
    ChargeOffLease,
    CloseLease,
    IssueBill,
    PostPayment,
    RecordTotalLoss,
    ReleaseDeposit,
    RemitToInvestor,
    ReversePayment,
    TransferLease,
    WaiveBill,
    WaivedPart,
)
from domain.leasing.lease.events.money import CollectedForInvestor, LeaseClosed, RemittedToInvestor
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import LeasePhase, LeaseState
from domain.pricing.schedules import Component
from tests.domain.leasing import cases
from tests.domain.leasing.books_of import check_agreement, totals_of
from tests.domain.leasing.cases import (
    ALL_BILLED,
    INVESTOR,
    PHONE_RUNNING,
    RUNNING,
    TRANSFERRED,
    Step,
    bill,
    day,
    given,
    history,
    pay,
    state_of,
)
from tests.given import context

SELL = TransferLease(investor=INVESTOR, price_fen=1_000_000)
CLAIMS_FEN = 12 * 106_000


def collections(events: tuple[Event, ...]) -> list[int]:
    """What each of the events brought to the investor, in fen."""
    return [event.fen for event in events if isinstance(event, CollectedForInvestor)]


def owed_to_the_investor(steps: tuple[Step, ...]) -> int:
    """What was collected and not remitted, after the books agreed with it."""
    events = history(*steps)
    state = state_of(events)
    check_agreement(events, state)
    assert state.funding is not None
    return state.funding.owed_fen


# ------------------------------------------------------------------------------------------------- what is sold


def test_what_was_paid_before_is_not_sold() -> None:
    """One bill is paid, one is open, ten are to come: eleven are sold."""
    steps = (*RUNNING, bill(1), pay(1, 106_000, 30), bill(2), (61, SELL))
    funding = state_of(history(*steps)).funding
    assert funding is not None
    assert (funding.claims_fen, funding.collected_fen) == (11 * 106_000, 0)
    assert collections(history(*steps)) == []


def test_a_bill_that_was_open_is_the_investors_when_it_is_paid() -> None:
    assert owed_to_the_investor((*RUNNING, bill(1), (30, SELL), pay(1, 106_000, 30))) == 106_000


def test_rent_of_a_rental_is_sold_like_any_other() -> None:
    """Six rents of 500 yuan; the value of the device is the lessor's."""
    steps: tuple[Step, ...] = (*PHONE_RUNNING, (1, TransferLease(investor=INVESTOR, price_fen=250_000)))
    funding = state_of(history(*steps)).funding
    assert funding is not None
    assert funding.claims_fen == 300_000
    assert owed_to_the_investor((*steps, bill(1), pay(1, 50_000, 30))) == 50_000


def test_only_a_running_lease_is_sold() -> None:
    for past, kind in (
        (cases.CREATED, r.NOT_ACTIVE),
        (cases.ACCELERATED, r.NOT_ACTIVE),
        (cases.CHARGED_OFF, r.NOT_ACTIVE),
        (cases.SETTLED, r.CLOSED),
    ):
        given(*history(*past)).when(SELL).then_refused(kind)


# ------------------------------------------------------------------------------------------- whose money it is


def test_a_part_of_a_bill_is_the_investors_to_the_fen() -> None:
    part = (*RUNNING, (1, SELL), bill(1), pay(1, 6_001, 30))
    assert owed_to_the_investor(part) == 6_001
    assert owed_to_the_investor((*part, pay(2, 99_999, 30))) == 106_000


def test_late_fees_on_sold_bills_are_the_investors_too() -> None:
    """They were not among the claims that were sold, but they are on bills that were."""
    late = (*RUNNING, (1, SELL), bill(1), (50, AssessLateFees(up_to=day(50))))
    fee_fen = state_of(history(*late)).balances.open_fen - 106_000
    assert fee_fen > 0
    steps = (*late, pay(1, 106_000 + fee_fen, 50))
    assert owed_to_the_investor(steps) == 106_000 + fee_fen


def test_a_deposit_that_pays_a_sold_bill_is_collected() -> None:
    """The lessor held it, the bill was the investor's."""
    steps = (*RUNNING, (1, SELL), bill(1), (40, CaptureDeposit(fen=50_000)))
    assert collections(history(*steps)) == [50_000]
    assert owed_to_the_investor(steps) == 50_000


def test_what_is_waived_brings_the_investor_nothing() -> None:
    waived = WaiveBill(number=1, parts=(WaivedPart(component=Component.INTEREST, fen=6_000),), reason="goodwill")
    steps = (*RUNNING, (1, SELL), bill(1), (30, waived), pay(1, 106_000, 31))
    assert collections(history(*steps)) == [100_000]
    assert state_of(history(*steps)).balances.credit_fen == 6_000


def test_nothing_is_collected_after_the_lease_went_back() -> None:
    steps = (*TRANSFERRED, (31, BuyBackLease(price_fen=900_000)), bill(2), pay(2, 106_000, 60))
    assert collections(history(*steps)) == [106_000]
    again = (*steps, (61, TransferLease(investor=cases.LESSEE, price_fen=500_000)))
    funding = state_of(history(*again)).funding
    assert funding is not None
    assert (funding.investor, funding.claims_fen, funding.owed_fen) == (cases.LESSEE, 10 * 106_000, 0)


def test_a_lost_asset_leaves_the_claims_with_the_investor_until_it_is_bought_back() -> None:
    lost = (*TRANSFERRED, (40, RecordTotalLoss(on=day(40))))
    assert state_of(history(*lost)).phase is LeasePhase.LOST_TOTAL
    back = (*lost, (41, BuyBackLease(price_fen=900_000)))
    gone = history(*back, (42, ChargeOffLease()))
    state = state_of(gone)
    assert (state.phase, state.funding, state.balances.open_fen) == (LeasePhase.CHARGED_OFF, None, 0)
    check_agreement(gone, state)


# ------------------------------------------------------------------------------------------------- remittances


@pytest.mark.parametrize(("asked_fen", "granted"), [(1, True), (106_000, True), (106_001, False)])
def test_a_remittance_is_at_most_what_is_owed(asked_fen: int, granted: bool) -> None:
    outcome = given(*history(*TRANSFERRED)).when(RemitToInvestor(amount_fen=asked_fen), business_date=day(31))
    if granted:
        outcome.then(RemittedToInvestor(investor=INVESTOR, on=day(31), amount_fen=asked_fen))
    else:
        outcome.then_refused(r.REMITTANCE_TOO_LARGE, owed_fen=106_000, asked_fen=asked_fen)


def test_what_the_investor_owes_is_taken_from_what_is_collected_next() -> None:
    """106,000 were remitted and bounced: of the next bill's money nothing is remitted until that is made good."""
    steps = (
        *TRANSFERRED,
        (31, RemitToInvestor(amount_fen=106_000)),
        (40, ReversePayment(payment=UUID(int=901), reason="returned")),
    )
    assert owed_to_the_investor(steps) == -106_000
    given(*history(*steps)).when(RemitToInvestor(amount_fen=1)).then_refused(r.REMITTANCE_TOO_LARGE)
    made_good = (*steps, pay(2, 106_001, 41), bill(2))
    assert owed_to_the_investor(made_good) == 1


def test_a_lease_that_the_investor_owes_money_on_is_bought_back_for_less() -> None:
    steps = (
        *TRANSFERRED,
        (31, RemitToInvestor(amount_fen=106_000)),
        (40, ReversePayment(payment=UUID(int=901), reason="returned")),
    )
    before = totals_of(history(*steps))
    after = totals_of(history(*steps, (41, BuyBackLease(price_fen=900_000))))
    assert after[chart.CASH] == before[chart.CASH] - 900_000 + 106_000
    assert {chart.BORROWINGS, chart.INVESTORS}.isdisjoint(after)


def test_a_lease_does_not_close_while_a_fen_is_owed_to_the_investor() -> None:
    sold = (*RUNNING, (1, SELL), *ALL_BILLED[len(RUNNING) :], (361, ReleaseDeposit(fen=50_000)))
    short = (*sold, (361, RemitToInvestor(amount_fen=CLAIMS_FEN - 1)))
    given(*history(*short)).when(CloseLease(), business_date=day(361)).then_refused(r.INVESTOR_OPEN, owed_fen=1)
    done = (*short, (361, RemitToInvestor(amount_fen=1)))
    given(*history(*done)).when(CloseLease(), business_date=day(361)).then(LeaseClosed(on=day(361)))


# ---------------------------------------------------------------------------------------------- a whole life

amounts = st.integers(1, 250_000) | st.just(106_000)
happenings = st.lists(st.tuples(st.sampled_from(["pay", "bounce", "remit", "fees"]), amounts), max_size=14)


def wished(what: str, fen: int, paid: list[UUID], state: LeaseState, on: int) -> Step | None:
    """The command of a happening; none where there is nothing to bounce or to remit."""
    owed_fen = 0 if state.funding is None else state.funding.owed_fen
    if what == "pay":
        paid.append(UUID(int=1_000 + on))
        return on, PostPayment(payment=paid[-1], amount_fen=fen, value_date=day(on))
    if what == "bounce" and paid:
        return on, ReversePayment(payment=paid.pop(fen % len(paid)), reason="returned")
    if what == "remit" and owed_fen > 0:
        return on, RemitToInvestor(amount_fen=min(fen, owed_fen))
    return (on, AssessLateFees(up_to=day(on))) if what == "fees" else None


@forall(happenings, st.integers(0, 2 * CLAIMS_FEN))
def test_what_met_bills_is_the_investors_whatever_happens(found: list[tuple[str, int]], price_fen: int) -> None:
    """What was paid on sold bills is remitted or owed, to the fen; what goes back for its price cost all that."""
    sold = TransferLease(investor=INVESTOR, price_fen=price_fen)
    events = list(history(*RUNNING, (1, sold)))
    state, paid = state_of(events), list[UUID]()
    for n, (what, fen) in enumerate(found, start=1):
        on = 13 * n
        due = [(on, IssueBill(number=state.next_number))] if state.unbilled[0].due_on <= day(on) else []
        for step in (*due, wished(what, fen, paid, state, on)):
            if step is not None:
                answer = _granted(step, state)
                state = fold(LEASE, answer, state)
                events += answer
    _check(events, state)
    back = _granted((300, BuyBackLease(price_fen=price_fen)), state)
    check_agreement([*events, *back], fold(LEASE, back, state))
    collected_fen = sum(collections(tuple(events)))
    assert totals_of([*events, *back]).get(chart.FUNDING_COST, 0) == collected_fen


def _granted(step: Step, state: LeaseState) -> tuple[Event, ...]:
    """The events of a command; a month end at which nothing changes may be refused."""
    answer = LEASE.decide(step[1], state, context(business_date=day(step[0])))
    if isinstance(answer, Refusal):
        assert isinstance(step[1], AssessLateFees), answer.sentence()
        return ()
    return answer


def _check(events: list[Event], state: LeaseState) -> None:
    """The books before the end: what was collected less what it repaid is what the money has cost so far."""
    funding = state.funding
    assert funding is not None
    assert funding.collected_fen == sum(sum(one.paid) for one in state.balances.bills)
    assert funding.repaid_fen == funding.repaid_at(funding.collected_fen)
    check_agreement(events, state)
    assert totals_of(events).get(chart.FUNDING_COST, 0) == funding.collected_fen - funding.repaid_fen
