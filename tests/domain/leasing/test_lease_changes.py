"""Creation, new terms, quotes and the ways a lessee ends a lease."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from domain.kernel import Event, RefusalKind
from domain.leasing.lease import (
    ActivateLease,
    AssetReturned,
    BillIssued,
    BillsReAged,
    BuyoutCompleted,
    BuyoutQuoted,
    CaptureDeposit,
    CloseLease,
    CompleteBuyout,
    CreateLease,
    CreditApplied,
    DepositCaptured,
    DepositReceived,
    DepositReleased,
    EarlySettlementQuoted,
    LeaseActivated,
    LeaseClosed,
    LeaseCreated,
    LeaseEarlySettled,
    LeaseRenewed,
    LeaseRestructured,
    LeaseTransferred,
    Phase,
    PreauthoriseDeposit,
    QuoteBuyout,
    QuoteEarlySettlement,
    ReAgeBills,
    RecordDelivery,
    RecordDepositReceived,
    ReleaseDeposit,
    RenewLease,
    RestructureLease,
    ReturnAsset,
    SettleEarly,
    TransferLease,
    WaiveDeposit,
)
from domain.leasing.lease import refusals as r
from domain.leasing.values import Applied, Component, DepositMode, Instalment, NewDueDate, PartKind, QuotePart
from tests.domain.leasing import cases
from tests.domain.leasing.cases import AUTO, BILLED, PHONE, PHONE_RUNNING, RUNNING, Step, bill, day, given, history, pay

F, INT, P, L = Component.FEE, Component.INTEREST, Component.PRINCIPAL, Component.LATE_FEE


def at(*steps: Step) -> tuple[Event, ...]:
    return history(*steps)


def part(kind: PartKind, fen: int) -> QuotePart:
    return QuotePart(kind=kind, fen=fen)


# ----------------------------------------------------------------------------------------------------- creation


@pytest.mark.parametrize("lease", [AUTO, PHONE], ids=["auto", "phone"])
def test_a_lease_is_what_the_contract_says(lease: CreateLease) -> None:
    fields = {name: getattr(lease, name) for name in lease.__struct_fields__}
    state = given().when(lease).then(LeaseCreated(**fields))
    assert (state.unbilled, state.account.terms.allocation) == (lease.schedule, lease.allocation)


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({"reference": "13800138000"}, r.REFERENCE_PERSONAL),
        ({"policy": 99}, r.POLICY_UNKNOWN),
        ({"allocation": (F, F, INT, P)}, r.ALLOCATION_INCOMPLETE),
        ({"schedule": cases.monthly(12, 100_000, 0, first=2)}, r.SCHEDULE_NUMBERS),
        ({"schedule": (Instalment(1, day(30), 600_000, 0), Instalment(2, day(30), 600_000, 0))}, r.SCHEDULE_DATES),
        ({"principal_fen": 1_200_001}, r.SCHEDULE_SUM),
    ],
)
def test_what_cannot_be_created(fields: dict[str, Any], refused: RefusalKind) -> None:
    given().when(cases.changed(AUTO, **fields)).then_refused(refused)


def test_the_rent_of_a_device_is_not_its_value() -> None:
    """600,000 of value against 300,000 of rent is a lease; in a finance lease the sums have to meet."""
    assert sum(instalment.principal_fen for instalment in PHONE.schedule) != PHONE.principal_fen
    assert isinstance(given().when(PHONE).answer, tuple)


# ---------------------------------------------------------------------------------------------- deposit, delivery


@pytest.mark.parametrize(
    ("mode", "command"),
    [
        (DepositMode.CASH, WaiveDeposit()),
        (DepositMode.CASH, PreauthoriseDeposit(fen=1, hold="H")),
        (DepositMode.WAIVED, PreauthoriseDeposit(fen=1, hold="H")),
        (DepositMode.WAIVED, RecordDepositReceived(fen=1)),
        (DepositMode.PREAUTHORISED, RecordDepositReceived(fen=1)),
        (DepositMode.PREAUTHORISED, WaiveDeposit()),
    ],
)
def test_a_deposit_is_secured_as_agreed(mode: DepositMode, command: Any) -> None:
    past = at((0, replace(AUTO, deposit_mode=mode)))
    given(*past).when(command).then_refused(r.DEPOSIT_MODE_DIFFERS, expected=mode)


def test_rent_runs_after_delivery_and_deposit() -> None:
    run = ActivateLease(on=day(1))
    given(*at((0, AUTO))).when(run, business_date=day(1)).then_refused(r.NOT_DELIVERED)
    delivered = (*at((0, AUTO), (0, RecordDepositReceived(fen=49_999)), (0, RecordDelivery(on=day(0)))),)
    given(*delivered).when(run, business_date=day(1)).then_refused(r.DEPOSIT_OPEN, agreed_fen=50_000, held_fen=49_999)
    ready = (*delivered, DepositReceived(fen=1, on=day(0)))
    given(*ready).when(ActivateLease(on=day(2)), business_date=day(1)).then_refused(r.DATE_IN_FUTURE)
    given(*ready).when(ActivateLease(on=date(2026, 3, 1)), business_date=day(1)).then_refused(r.BEFORE_DELIVERY)
    given(*ready).when(run, business_date=day(1)).then(
        LeaseActivated(on=day(1), business=AUTO.business, principal_fen=1_200_000)
    )


def test_no_deposit_needs_no_waiver_and_a_waived_one_does() -> None:
    deliver: Step = (0, RecordDelivery(on=day(0)))
    given(*at((0, PHONE), deliver)).when(ActivateLease(on=day(0))).then_refused(r.DEPOSIT_OPEN)
    free = replace(PHONE, deposit_fen=0)
    assert isinstance(given(*at((0, free), deliver)).when(ActivateLease(on=day(0))).answer, tuple)


def test_delivery_happens_once_and_not_tomorrow() -> None:
    past = at((0, AUTO), (0, RecordDelivery(on=day(0))))
    given(*past).when(RecordDelivery(on=day(0))).then_refused(r.DELIVERED_ALREADY)
    given(*at((0, AUTO))).when(RecordDelivery(on=day(1)), business_date=day(0)).then_refused(r.DATE_IN_FUTURE)


def test_a_deposit_goes_back_when_nothing_is_owed() -> None:
    given(*at(*BILLED)).when(ReleaseDeposit(fen=50_000), business_date=day(30)).then_refused(r.BALANCE_OPEN)
    given(*at(*RUNNING)).when(ReleaseDeposit(fen=50_001)).then_refused(r.DEPOSIT_TOO_SMALL)
    state = (
        given(*at(*RUNNING))
        .when(ReleaseDeposit(fen=50_000), business_date=day(1))
        .then(DepositReleased(fen=50_000, mode=DepositMode.CASH, on=day(1)))
    )
    assert state.deposit_held_fen == 0


def test_a_deposit_is_taken_for_what_is_owed_and_no_more() -> None:
    past = at(*BILLED, pay(1, 100_000, 30))
    given(*past).when(CaptureDeposit(fen=6_001), business_date=day(30)).then_refused(
        r.CAPTURE_EXCEEDS_DEBT, owed_fen=6_000, asked_fen=6_001
    )
    state = (
        given(*past)
        .when(CaptureDeposit(fen=6_000), business_date=day(30))
        .then(
            DepositCaptured(
                fen=6_000,
                mode=DepositMode.CASH,
                on=day(30),
                applied=(Applied(number=1, component=P, fen=6_000),),
                credit_fen=0,
            )
        )
    )
    assert (state.deposit_held_fen, state.balances.open_fen) == (44_000, 0)
    given(*past).when(CaptureDeposit(fen=50_001)).then_refused(r.DEPOSIT_TOO_SMALL)


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


def test_a_claim_is_transferred_once_and_the_lease_goes_on() -> None:
    sell = TransferLease(investor=cases.INVESTOR, price_fen=1_000_000)
    state = (
        given(*at(*RUNNING))
        .when(sell, business_date=day(3))
        .then(LeaseTransferred(investor=cases.INVESTOR, on=day(3), price_fen=1_000_000))
    )
    assert (state.phase, state.investor) == (Phase.ACTIVE, cases.INVESTOR)
    given(*at(*RUNNING, (3, sell))).when(sell).then_refused(r.TRANSFERRED_ALREADY)


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
    assert (state.phase, state.unbilled, state.balances.credit_fen) == (Phase.BOUGHT_OUT, (), 0)


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
    given(*at(*PHONE_RUNNING)).when(back, business_date=day(180)).then_refused(r.TERM_NOT_OVER, unbilled=6)
    given(*at(*cases.PHONE_ALL_BILLED)).when(back, business_date=day(179)).then_refused(r.DATE_IN_FUTURE)
    given(*at(*cases.PHONE_ALL_BILLED)).when(back, business_date=day(181)).then(AssetReturned(on=day(180)))


@pytest.mark.parametrize(
    ("past", "refused"),
    [
        (RUNNING, r.TERM_NOT_OVER),
        (cases.ALL_BILLED[:-1], r.BALANCE_OPEN),
        (cases.BOUGHT, r.CREDIT_OPEN),
        (cases.ALL_BILLED, r.DEPOSIT_HELD),
        (cases.CHARGED_OFF, r.CLAIM_STANDS),
        (cases.SETTLED, r.CLOSED),
    ],
)
def test_a_lease_closes_only_when_every_balance_is_zero(past: tuple[Step, ...], refused: RefusalKind) -> None:
    given(*at(*past)).when(CloseLease(), business_date=day(365)).then_refused(refused)


def test_a_lease_with_nothing_left_closes() -> None:
    past = at(*cases.ALL_BILLED, (361, ReleaseDeposit(fen=50_000)))
    given(*past).when(CloseLease(), business_date=day(361)).then(LeaseClosed(on=day(361)))
