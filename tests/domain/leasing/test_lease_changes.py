"""New terms, quotes and the ways a lessee ends a lease."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from domain.kernel.event import Event
from domain.kernel.refusal import RefusalKind
from domain.leasing.lease import refusals as r
from domain.leasing.lease.commands import (
    CloseLease,
    CompleteBuyout,
    QuoteBuyout,
    QuoteEarlySettlement,
    ReAgeBills,
    RecordDownPayment,
    ReleaseDeposit,
    RenewLease,
    RestructureLease,
    ReturnAsset,
    SettleEarly,
    WaiveBill,
    WaivedPart,
)
from domain.leasing.lease.events.lifecycle import (
    AssetReturned,
    BillsReAged,
    BuyoutQuoted,
    EarlySettlementQuoted,
    LeaseEarlySettled,
    LeaseRenewed,
    LeaseRestructured,
)
from domain.leasing.lease.events.money import BillIssued, BuyoutCompleted, CreditApplied, LeaseClosed
from domain.leasing.lease.state import LeasePhase
from domain.leasing.values import Applied, BillKind, NewDueDate, PartKind, QuotePart
from domain.pricing.schedules import Component, Instalment
from tests.domain.leasing import cases
from tests.domain.leasing.cases import AUTO, BILLED, PHONE, PHONE_RUNNING, RUNNING, Step, bill, day, given, history, pay

F, INT, P, L = Component.FEE, Component.INTEREST, Component.PRINCIPAL, Component.LATE_FEE


def at(*steps: Step) -> tuple[Event, ...]:
    return history(*steps)


def part(kind: PartKind, fen: int) -> QuotePart:
    return QuotePart(kind=kind, fen=fen)


# ---------------------------------------------------------------------------------------------------- new terms


def test_restructuring_keeps_the_principal() -> None:
    longer = tuple(Instalment(2 + n, day(60 + 30 * n), 50_000, 3_000) for n in range(22))
    past = at(*BILLED)
    state = (
        given(*past)
        .when(RestructureLease(schedule=longer, reason="hardship"), business_date=day(40))
        .then(LeaseRestructured(schedule=longer, reason="hardship"))
    )
    assert (state.unbilled, state.unbilled_principal_fen) == (longer, 1_100_000)
    cut = RestructureLease(schedule=longer[:-1], reason="hardship")
    given(*past).when(cut, business_date=day(40)).then_refused(r.SCHEDULE_SUM, expected=1_100_000, got=1_050_000)
    given(*past).when(RestructureLease(schedule=longer, reason="x"), business_date=day(61)).then_refused(
        r.SCHEDULE_DATES
    )
    wrong = RestructureLease(schedule=cases.monthly(11, 100_000, 0, first=3), reason="x")
    given(*past).when(wrong, business_date=day(40)).then_refused(r.SCHEDULE_NUMBERS, expected=2, got=3)
    given(*at(*cases.ALL_BILLED)).when(cut, business_date=day(360)).then_refused(r.NOTHING_TO_BILL)


def test_a_schedule_goes_on_after_what_was_billed_ahead() -> None:
    past = at(*PHONE_RUNNING, bill(1, 25))
    same_day = (Instalment(2, day(30), 250_000, 0),)
    given(*past).when(RestructureLease(schedule=same_day, reason="x"), business_date=day(26)).then_refused(
        r.SCHEDULE_DATES, instalment=2, earliest=day(31), got=day(30)
    )


def test_a_bill_is_due_later_if_it_is_open() -> None:
    def later(number: int, on: int) -> ReAgeBills:
        return ReAgeBills(due_dates=(NewDueDate(number=number, due_on=day(on)),), reason="hardship")

    past = at(*BILLED, bill(2), pay(1, 106_000, 30))
    given(*past).when(later(2, 75), business_date=day(61)).then(
        BillsReAged(on=day(61), due_dates=later(2, 75).due_dates, reason="hardship")
    )
    given(*past).when(later(1, 75), business_date=day(61)).then_refused(r.BILL_PAID)
    given(*past).when(later(3, 95), business_date=day(61)).then_refused(r.BILL_UNKNOWN)
    given(*past).when(later(2, 60), business_date=day(60)).then_refused(r.NOT_LATER)
    given(*past).when(later(2, 65), business_date=day(66)).then_refused(r.NOT_LATER)


def test_a_rental_goes_on() -> None:
    more = tuple(Instalment(7 + n, day(210 + 30 * n), 40_000, 0) for n in range(3))
    state = (
        given(*at(*cases.PHONE_ALL_BILLED))
        .when(RenewLease(months=3, schedule=more), business_date=day(185))
        .then(LeaseRenewed(months=3, schedule=more))
    )
    assert state.unbilled == more
    overlap = RenewLease(months=3, schedule=(Instalment(7, day(180), 1, 0),))
    given(*at(*PHONE_RUNNING)).when(overlap, business_date=day(5)).then_refused(
        r.SCHEDULE_DATES, instalment=7, earliest=day(181), got=day(180)
    )
    given(*at(*RUNNING)).when(RenewLease(months=3, schedule=more)).then_refused(r.NOT_A_RENTAL)


# ---------------------------------------------------------------------------------------------- early settlement


def test_an_early_settlement_is_quoted_line_by_line() -> None:
    """2 % of the principal as the policy says; half of the running month's interest; what is billed, with late fee."""
    past = at(*BILLED, pay(1, 100_000, 30))
    given(*past).when(QuoteEarlySettlement(as_of=day(45)), business_date=day(44)).then(
        EarlySettlementQuoted(
            as_of=day(45),
            valid_until=day(48),
            amount_fen=1_100_000 + 3_000 + 22_000 + 6_000 + 36,
            parts=(
                part(PartKind.REMAINING_PRINCIPAL, 1_100_000),
                part(PartKind.EARNED_INTEREST, 3_000),
                part(PartKind.SETTLEMENT_FEE, 22_000),
                part(PartKind.BILLED_PRINCIPAL, 6_000),
                part(PartKind.LATE_FEE, 36),
            ),
        )
    )


def test_credit_counts_in_the_lessees_favour() -> None:
    answer = (
        given(*at(*RUNNING, pay(1, 5_000, 3))).when(QuoteEarlySettlement(as_of=day(3)), business_date=day(3)).answer
    )
    assert isinstance(answer, tuple)
    quoted = answer[0]
    assert isinstance(quoted, EarlySettlementQuoted)
    assert part(PartKind.CREDIT, -5_000) in quoted.parts
    assert quoted.amount_fen == sum(line.fen for line in quoted.parts)


def test_settling_bills_the_rest_as_quoted_and_the_credit_pays_it() -> None:
    past = at(*cases.SETTLED_EARLY[:-1])
    state = (
        given(*past)
        .when(SettleEarly(), business_date=day(17))
        .then(
            LeaseEarlySettled(on=day(17), amount_fen=1_227_000),
            BillIssued(
                number=1,
                issued_on=day(17),
                due_on=day(17),
                principal_fen=1_200_000,
                interest_fen=3_000,
                fee_fen=24_000,
                accrued_fen=0,
                business=AUTO.business,
                kind=BillKind.REST,
            ),
            CreditApplied(
                on=day(17),
                applied=(
                    Applied(number=1, component=P, fen=1_200_000),
                    Applied(number=1, component=INT, fen=3_000),
                    Applied(number=1, component=F, fen=24_000),
                ),
                credit_fen=-1_227_000,
            ),
        )
    )
    assert (state.balances.open_fen, state.balances.credit_fen) == (0, 0)


def test_a_quote_has_an_end_and_needs_its_money() -> None:
    quoted: tuple[Step, ...] = (*RUNNING, (10, QuoteEarlySettlement(as_of=day(15))))
    given(*at(*RUNNING)).when(SettleEarly()).then_refused(r.NO_QUOTE)
    given(*at(*quoted)).when(SettleEarly(), business_date=day(19)).then_refused(
        r.QUOTE_EXPIRED, valid_until=day(18), business_date=day(19)
    )
    short = at(*quoted, pay(1, 1_226_999, 15))
    given(*short).when(SettleEarly(), business_date=day(15)).then_refused(
        r.CREDIT_TOO_SMALL, credit_fen=1_226_999, asked_fen=1_227_000
    )
    given(*at(*RUNNING)).when(QuoteEarlySettlement(as_of=day(9)), business_date=day(10)).then_refused(r.AS_OF_PASSED)
    given(*at(*PHONE_RUNNING)).when(QuoteEarlySettlement(as_of=day(9)), business_date=day(9)).then_refused(
        r.NOT_A_FINANCE_LEASE
    )


def test_a_bill_lets_a_quote_lapse() -> None:
    past = at(*RUNNING, (28, QuoteEarlySettlement(as_of=day(29))), bill(1))
    given(*past).when(SettleEarly(), business_date=day(30)).then_refused(r.NO_QUOTE)


def test_open_bills_are_paid_before_a_settlement() -> None:
    past = at(*BILLED, (31, QuoteEarlySettlement(as_of=day(31))))
    given(*past).when(SettleEarly(), business_date=day(31)).then_refused(r.BALANCE_OPEN, open_fen=106_000)


# ------------------------------------------------------------------------------------------------------- buy-out


@pytest.mark.parametrize(("bills", "price_fen"), [(0, 600_000), (1, 560_000), (6, 360_000)])
def test_paid_rent_counts_towards_the_price(bills: int, price_fen: int) -> None:
    """Four fifths of every 500 yuan paid."""
    steps = [step for n in range(1, bills + 1) for step in (bill(n), pay(n, 50_000, 30 * n))]
    past = at(*PHONE_RUNNING, *steps)
    answer = given(*past).when(QuoteBuyout(as_of=day(200)), business_date=day(200)).answer
    assert isinstance(answer, tuple)
    assert isinstance(answer[0], BuyoutQuoted)
    assert (answer[0].price_fen, answer[0].amount_fen) == (price_fen, price_fen)


def test_rent_that_the_quote_asks_for_is_not_in_its_price_again() -> None:
    """Two bills are open: who pays the quote has paid their rent, and pays no more in all than who paid in time."""
    late = at(*PHONE_RUNNING, bill(1), bill(2))
    paid = at(*PHONE_RUNNING, bill(1), pay(1, 50_000, 30), bill(2), pay(2, 50_000, 60))
    quotes = [given(*past).when(QuoteBuyout(as_of=day(60)), business_date=day(60)).answer for past in (late, paid)]
    [one, other] = [answer[0] for answer in quotes if isinstance(answer, tuple)]
    assert isinstance(one, BuyoutQuoted)
    assert isinstance(other, BuyoutQuoted)
    late_fee_fen = sum(line.fen for line in one.parts if line.kind is PartKind.LATE_FEE)
    assert one.price_fen == other.price_fen == 520_000
    assert one.amount_fen - late_fee_fen == other.amount_fen + 100_000


def test_waived_rent_does_not_come_back_in_the_price() -> None:
    waived = WaiveBill(number=1, parts=(WaivedPart(component=Component.PRINCIPAL, fen=50_000),), reason="defect")
    past = at(*PHONE_RUNNING, bill(1), (30, waived))
    answer = given(*past).when(QuoteBuyout(as_of=day(30)), business_date=day(30)).answer
    assert isinstance(answer, tuple)
    assert isinstance(answer[0], BuyoutQuoted)
    assert (answer[0].price_fen, answer[0].amount_fen) == (560_000, 560_000)


def test_the_price_has_a_floor() -> None:
    dear = replace(PHONE, buyout_fen=120_000)
    past = at((0, dear), *PHONE_RUNNING[1:], bill(1), pay(1, 50_000, 30))
    given(*past).when(QuoteBuyout(as_of=day(30)), business_date=day(30)).then(
        BuyoutQuoted(
            as_of=day(30),
            valid_until=day(33),
            price_fen=100_000,
            amount_fen=100_000,
            parts=(part(PartKind.BUYOUT_PRICE, 120_000), part(PartKind.PAID_RENT, -20_000)),
        )
    )


def test_a_device_is_bought_out_of_credit() -> None:
    quoted = (*PHONE_RUNNING, (10, QuoteBuyout(as_of=day(10))))
    given(*at(*quoted)).when(CompleteBuyout(), business_date=day(10)).then_refused(r.CREDIT_TOO_SMALL)
    given(*at(*quoted)).when(SettleEarly(), business_date=day(10)).then_refused(r.NO_QUOTE)
    state = (
        given(*at(*quoted, pay(1, 600_000, 11)))
        .when(CompleteBuyout(), business_date=day(12))
        .then(BuyoutCompleted(on=day(12), price_fen=600_000, credit_fen=-600_000))
    )
    assert (state.phase, state.unbilled, state.balances.credit_fen) == (LeasePhase.BOUGHT_OUT, (), 0)


def test_a_vehicle_is_bought_at_the_end() -> None:
    given(*at(*RUNNING)).when(QuoteBuyout(as_of=day(5)), business_date=day(5)).then_refused(
        r.TERM_NOT_OVER, unbilled=12
    )
    past = at(*cases.ALL_BILLED, (360, QuoteBuyout(as_of=day(360))), pay(20, 10_000, 360))
    assert isinstance(given(*past).when(CompleteBuyout(), business_date=day(360)).answer, tuple)
    given(*past).when(QuoteBuyout(as_of=day(1)), business_date=day(360)).then_refused(r.AS_OF_PASSED)


# ----------------------------------------------------------------------------------------------------------- end


def test_a_device_comes_back_at_the_end_of_the_term() -> None:
    back = ReturnAsset(on=day(180))
    given(*at(*RUNNING)).when(back, business_date=day(180)).then_refused(r.TERM_NOT_OVER, unbilled=12)
    given(*at(*cases.PHONE_ALL_BILLED)).when(back, business_date=day(179)).then_refused(r.DATE_IN_FUTURE)
    given(*at(*cases.PHONE_ALL_BILLED)).when(back, business_date=day(181)).then(AssetReturned(on=day(180)))


@pytest.mark.parametrize(
    ("past", "refused"),
    [
        (RUNNING, r.TERM_NOT_OVER),
        (cases.ALL_BILLED[:-1], r.BALANCE_OPEN),
        (cases.BOUGHT, r.CREDIT_OPEN),
        (cases.ALL_BILLED, r.DEPOSIT_HELD),
        (((0, cases.DOWN), (0, RecordDownPayment(fen=1))), r.DOWN_PAYMENT_HELD),
        (cases.CHARGED_OFF, r.CLAIM_STANDS),
        (cases.SETTLED, r.CLOSED),
    ],
)
def test_a_lease_closes_only_when_every_balance_is_zero(past: tuple[Step, ...], refused: RefusalKind) -> None:
    given(*at(*past)).when(CloseLease(), business_date=day(365)).then_refused(refused)


def test_a_lease_with_nothing_left_closes() -> None:
    past = at(*cases.ALL_BILLED, (361, ReleaseDeposit(fen=50_000)))
    given(*past).when(CloseLease(), business_date=day(361)).then(LeaseClosed(on=day(361)))
