"""An investor's money: what meets bills since the transfer is the investor's, also when it is taken back."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given as forall
from hypothesis import strategies as st

from domain.accounting import chart
from domain.leasing.lease import refusals as r
from domain.leasing.lease.commands import (
    BuyBackLease,
    ChargeOffLease,
    CloseLease,
    CompleteBuyout,
    QuoteBuyout,
    RecordTotalLoss,
    ReleaseDeposit,
    RemitToInvestor,
    ReversePayment,
    TransferLease,
)
from domain.leasing.lease.events.money import (
    CollectedForInvestor,
    LeaseBoughtBack,
    LeaseClosed,
    LeaseTransferred,
    RemittedToInvestor,
)
from domain.leasing.lease.state import Funding
from tests.domain.leasing import cases
from tests.domain.leasing.books_of import check_agreement, totals_of
from tests.domain.leasing.cases import ALL_BILLED, INVESTOR, RUNNING, TRANSFERRED, Step, bill, day, given, history, pay
from tests.domain.leasing.cases import state_of as folded

SELL = TransferLease(investor=INVESTOR, price_fen=1_000_000)
CLAIMS_FEN = 12 * 106_000


def collected(fen: int, repaid_fen: int, on: int) -> CollectedForInvestor:
    return CollectedForInvestor(investor=INVESTOR, on=day(on), fen=fen, repaid_fen=repaid_fen)


def last(steps: tuple[Step, ...]) -> object:
    return history(*steps)[-1]


def test_everything_owed_or_to_be_billed_is_sold_once() -> None:
    sold = LeaseTransferred(investor=INVESTOR, on=day(30), price_fen=1_000_000, claims_fen=CLAIMS_FEN)
    past = history(*RUNNING, bill(1))
    state = given(*past).when(SELL, business_date=day(30)).then(sold)
    assert state.funding == Funding(investor=INVESTOR, claims_fen=CLAIMS_FEN, price_fen=1_000_000)
    given(*past, sold).when(SELL).then_refused(r.TRANSFERRED_ALREADY, investor=INVESTOR)
    given(*history(*ALL_BILLED)).when(SELL, business_date=day(400)).then_refused(r.NOTHING_TO_TRANSFER)


def test_the_price_is_borrowed_and_the_claims_stay_in_the_books() -> None:
    before, after = totals_of(history(*RUNNING)), totals_of(history(*RUNNING, (1, SELL)))
    assert after == {**before, chart.CASH: before[chart.CASH] + 1_000_000, chart.BORROWINGS: -1_000_000}


def test_what_meets_bills_is_the_investors_and_credit_is_not() -> None:
    """106,000 of 1,272,000: a twelfth of the price is repaid by it, the rest is what the money costs."""
    assert last(TRANSFERRED) == collected(106_000, 83_333, 30)
    ahead = (*TRANSFERRED, pay(2, 200_000, 40))
    assert not isinstance(last(ahead), CollectedForInvestor)
    assert last((*ahead, bill(2))) == collected(106_000, 83_334, 60)


def test_what_was_collected_is_remitted_and_no_more() -> None:
    past = history(*TRANSFERRED)
    too_much = RemitToInvestor(amount_fen=106_001)
    given(*past).when(too_much).then_refused(r.REMITTANCE_TOO_LARGE, owed_fen=106_000, asked_fen=106_001)
    state = (
        given(*past)
        .when(RemitToInvestor(amount_fen=6_000), business_date=day(31))
        .then(RemittedToInvestor(investor=INVESTOR, on=day(31), amount_fen=6_000))
    )
    assert state.funding is not None
    assert state.funding.owed_fen == 100_000
    given(*history(*RUNNING)).when(RemitToInvestor(amount_fen=1)).then_refused(r.NOT_TRANSFERRED)


def test_money_taken_back_after_the_remittance_makes_the_investor_owe_it() -> None:
    steps = (
        *TRANSFERRED,
        (31, RemitToInvestor(amount_fen=106_000)),
        (40, ReversePayment(payment=UUID(int=901), reason="returned")),
    )
    assert last(steps) == collected(-106_000, -83_333, 40)
    state, totals = folded(history(*steps)), totals_of(history(*steps))
    assert state.funding is not None
    assert (state.funding.owed_fen, totals[chart.INVESTORS]) == (-106_000, 106_000)
    assert totals[chart.BORROWINGS] == -1_000_000
    check_agreement(history(*steps), state)
    again = (*steps, pay(2, 106_000, 41))
    assert totals_of(history(*again)).get(chart.INVESTORS, 0) == 0


def test_a_lease_goes_back_for_a_price_and_what_was_collected() -> None:
    past = history(*TRANSFERRED)
    bought = LeaseBoughtBack(
        investor=INVESTOR, on=day(31), price_fen=950_000, owed_fen=106_000, released_fen=1_000_000 - 83_333
    )
    state = given(*past).when(BuyBackLease(price_fen=950_000), business_date=day(31)).then(bought)
    assert state.funding is None
    totals, before = totals_of((*past, bought)), totals_of(past)
    assert totals[chart.CASH] == before[chart.CASH] - 950_000 - 106_000
    assert totals[chart.FUNDING_COST] == 56_000, "paid 106,000 and 950,000 for 1,000,000"
    assert {chart.BORROWINGS, chart.INVESTORS}.isdisjoint(totals)
    given(*past, bought).when(BuyBackLease(price_fen=1)).then_refused(r.NOT_TRANSFERRED)


def test_the_transfer_is_with_recourse() -> None:
    past = history(*TRANSFERRED, (40, RecordTotalLoss(on=day(40))))
    given(*past).when(ChargeOffLease(), business_date=day(41)).then_refused(r.BUY_BACK_FIRST, investor=INVESTOR)


def test_the_price_of_the_asset_is_the_lessors() -> None:
    steps = (
        *RUNNING,
        (0, SELL),
        *ALL_BILLED[len(RUNNING) :],
        (360, QuoteBuyout(as_of=day(360))),
        pay(30, 10_000, 360),
    )
    answer = given(*history(*steps)).when(CompleteBuyout(), business_date=day(360)).answer
    assert isinstance(answer, tuple)
    assert len(answer) == 1


def test_a_transferred_lease_closes_when_the_investor_has_everything() -> None:
    """Eleven bills were paid to the investor; the twelfth was not sold, for it had been waived before."""
    steps = (*RUNNING, (0, SELL), *ALL_BILLED[len(RUNNING) :], (361, ReleaseDeposit(fen=50_000)))
    given(*history(*steps)).when(CloseLease(), business_date=day(361)).then_refused(
        r.INVESTOR_OPEN, owed_fen=CLAIMS_FEN
    )
    done = (*steps, (361, RemitToInvestor(amount_fen=CLAIMS_FEN)))
    given(*history(*done)).when(CloseLease(), business_date=day(361)).then(LeaseClosed(on=day(361)))
    totals = totals_of(history(*done))
    assert totals[chart.FUNDING_COST] == CLAIMS_FEN - 1_000_000
    assert {chart.BORROWINGS, chart.INVESTORS}.isdisjoint(totals)


@forall(st.integers(0, 10**6), st.integers(1, 10**6), st.lists(st.integers(-(10**6), 10**6), max_size=12))
def test_repayments_add_up_to_the_price(price_fen: int, claims_fen: int, moves: list[int]) -> None:
    """However the money comes and goes; beyond the claims nothing more is repaid, and below nothing nothing."""
    funding, total, repaid = Funding(investor=INVESTOR, claims_fen=claims_fen, price_fen=price_fen), 0, 0
    for fen in moves:
        total += fen
        now = funding.repaid_at(total)
        assert 0 <= now <= price_fen
        assert (now - repaid) * fen >= 0
        repaid = now
    assert funding.repaid_at(claims_fen) == price_fen
    assert funding.repaid_at(total) == repaid or not moves


def test_the_investor_of_another_case() -> None:
    """A price may be above the claims: then the money is cheaper than nothing."""
    dear = (*RUNNING, (1, TransferLease(investor=cases.LESSEE, price_fen=2 * CLAIMS_FEN)), bill(1), pay(1, 106_000, 30))
    totals = totals_of(history(*dear))
    assert totals[chart.FUNDING_COST] == -106_000
