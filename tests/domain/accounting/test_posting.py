"""Postings: what each event does to the books, and that debits are always credits."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounting import chart
from domain.accounting.chart import ACCOUNTS, AccountKind
from domain.accounting.posting import MONEY_EVENTS, Line, Unbalanced, post, trial_balance
from domain.accounting.provision import ProvisionRecognised
from domain.intake.application.events import ApplicationSubmitted
from domain.kernel.event import Event
from domain.kernel.values import Business
from domain.leasing.lease.commands import AccrueInterest
from domain.leasing.lease.events import money as m
from domain.leasing.lease.events.money import (
    AssetDisposed,
    BillIssued,
    BillWaived,
    BuyoutCompleted,
    CreditRefunded,
    DepositCaptured,
    DepositReceived,
    DepositReleased,
    InterestAccrued,
    LateFeeAssessed,
    LeaseActivated,
    LeaseChargedOff,
    LeaseTransferred,
    PaymentPosted,
    PaymentReversed,
)
from domain.leasing.values import COMPONENTS, Applied, BillKind, DepositMode, Part
from domain.pricing.schedules import Component
from tests.domain.leasing import cases
from tests.domain.leasing.books_of import totals_of
from tests.domain.leasing.cases import bill, day, history, pay
from tests.history.golden import event_of, lines_of

P, INT, F, L = Component
ON = cases.START
ANYONE = UUID(int=1)


def debit(account: str, fen: int) -> Line:
    return Line(account, debit_fen=fen)


def credit(account: str, fen: int) -> Line:
    return Line(account, credit_fen=fen)


def applied(component: Component, fen: int) -> Applied:
    return Applied(number=1, component=component, fen=fen)


def bill_of(business: Business, *, accrued_fen: int = 0) -> BillIssued:
    return BillIssued(
        number=1,
        issued_on=ON,
        due_on=ON,
        principal_fen=1_000,
        interest_fen=60,
        fee_fen=5,
        accrued_fen=accrued_fen,
        business=business,
    )


def posted(fen: int, credit_fen: int, *moves: Applied) -> PaymentPosted:
    return PaymentPosted(
        payment=ANYONE, amount_fen=fen, value_date=ON, posted_on=ON, applied=moves, credit_fen=credit_fen
    )


def recognised(held_fen: int, required_fen: int) -> ProvisionRecognised:
    return ProvisionRecognised(
        as_of=ON, currency="CNY", policy=1, classes=(), held_fen=held_fen, required_fen=required_fen
    )


EXAMPLES: list[tuple[Event, set[Line]]] = [
    (
        LeaseActivated(on=ON, business=Business.FINANCE, principal_fen=9),
        {debit(chart.NET_INVESTMENT, 9), credit(chart.SUPPLIERS, 9)},
    ),
    (LeaseActivated(on=ON, business=Business.RENTAL, principal_fen=9), set()),
    (
        bill_of(Business.FINANCE, accrued_fen=20),
        {
            debit(chart.RECEIVABLE_PRINCIPAL, 1_000),
            debit(chart.RECEIVABLE_INTEREST, 60),
            debit(chart.RECEIVABLE_FEE, 5),
            credit(chart.NET_INVESTMENT, 1_000),
            credit(chart.ACCRUED_INTEREST, 20),
            credit(chart.INTEREST_INCOME, 40),
            credit(chart.FEE_INCOME, 5),
        },
    ),
    (
        bill_of(Business.RENTAL),
        {
            debit(chart.RECEIVABLE_PRINCIPAL, 1_000),
            debit(chart.RECEIVABLE_INTEREST, 60),
            debit(chart.RECEIVABLE_FEE, 5),
            credit(chart.RENT_INCOME, 1_060),
            credit(chart.FEE_INCOME, 5),
        },
    ),
    (InterestAccrued(up_to=ON, fen=7), {debit(chart.ACCRUED_INTEREST, 7), credit(chart.INTEREST_INCOME, 7)}),
    (InterestAccrued(up_to=ON, fen=-7), {credit(chart.ACCRUED_INTEREST, 7), debit(chart.INTEREST_INCOME, 7)}),
    (
        LateFeeAssessed(number=1, fen=-3, up_to=ON),
        {credit(chart.RECEIVABLE_LATE_FEE, 3), debit(chart.LATE_FEE_INCOME, 3)},
    ),
    (
        posted(100, 10, applied(P, 50), applied(INT, 40)),
        {
            debit(chart.CASH, 100),
            credit(chart.RECEIVABLE_PRINCIPAL, 50),
            credit(chart.RECEIVABLE_INTEREST, 40),
            credit(chart.LESSEE_CREDIT, 10),
        },
    ),
    (
        posted(100, -20, applied(P, 150), applied(L, -30)),
        {
            debit(chart.CASH, 100),
            debit(chart.RECEIVABLE_LATE_FEE, 30),
            debit(chart.LESSEE_CREDIT, 20),
            credit(chart.RECEIVABLE_PRINCIPAL, 150),
        },
    ),
    (
        PaymentReversed(
            payment=ANYONE, amount_fen=9, reason="returned", on=ON, applied=(applied(F, -9),), credit_fen=0
        ),
        {credit(chart.CASH, 9), debit(chart.RECEIVABLE_FEE, 9)},
    ),
    (
        m.CreditApplied(on=ON, applied=(applied(P, 4),), credit_fen=-4),
        {debit(chart.LESSEE_CREDIT, 4), credit(chart.RECEIVABLE_PRINCIPAL, 4)},
    ),
    (CreditRefunded(amount_fen=4, on=ON), {debit(chart.LESSEE_CREDIT, 4), credit(chart.CASH, 4)}),
    (
        m.RefundReturned(
            number=1, amount_fen=4, value_date=ON, on=ON, reason="failed", applied=(applied(F, 3),), credit_fen=1
        ),
        {debit(chart.CASH, 4), credit(chart.RECEIVABLE_FEE, 3), credit(chart.LESSEE_CREDIT, 1)},
    ),
    (
        BillWaived(
            number=1,
            parts=(Part(number=1, component=INT, fen=6),),
            reason="goodwill",
            on=ON,
            applied=(applied(INT, -2),),
            credit_fen=2,
        ),
        {debit(chart.WAIVERS, 6), credit(chart.RECEIVABLE_INTEREST, 4), credit(chart.LESSEE_CREDIT, 2)},
    ),
    (
        BuyoutCompleted(on=ON, price_fen=8, credit_fen=-8),
        {debit(chart.LESSEE_CREDIT, 8), credit(chart.BUYOUT_INCOME, 8)},
    ),
    (DepositReceived(fen=8, on=ON), {debit(chart.CASH, 8), credit(chart.DEPOSITS, 8)}),
    (
        DepositReleased(fen=8, mode=DepositMode.CASH, on=ON),
        {debit(chart.DEPOSITS, 8), credit(chart.CASH, 8)},
    ),
    (DepositReleased(fen=8, mode=DepositMode.PREAUTHORISED, on=ON), set()),
    *(
        (
            DepositCaptured(fen=8, mode=mode, on=ON, applied=(applied(P, 8),), credit_fen=0),
            {debit(source, 8), credit(chart.RECEIVABLE_PRINCIPAL, 8)},
        )
        for mode, source in ((DepositMode.CASH, chart.DEPOSITS), (DepositMode.PREAUTHORISED, chart.CASH))
    ),
    (
        LeaseTransferred(investor=ANYONE, on=ON, price_fen=8, claims_fen=10),
        {debit(chart.CASH, 8), credit(chart.BORROWINGS, 8)},
    ),
    (
        m.CollectedForInvestor(investor=ANYONE, on=ON, fen=10, repaid_fen=8),
        {debit(chart.BORROWINGS, 8), debit(chart.FUNDING_COST, 2), credit(chart.INVESTORS, 10)},
    ),
    (
        m.CollectedForInvestor(investor=ANYONE, on=ON, fen=-10, repaid_fen=-8),
        {credit(chart.BORROWINGS, 8), credit(chart.FUNDING_COST, 2), debit(chart.INVESTORS, 10)},
    ),
    (
        m.RemittedToInvestor(investor=ANYONE, on=ON, amount_fen=10),
        {debit(chart.INVESTORS, 10), credit(chart.CASH, 10)},
    ),
    (
        m.LeaseBoughtBack(investor=ANYONE, on=ON, price_fen=5, owed_fen=3, released_fen=4),
        {
            debit(chart.BORROWINGS, 4),
            debit(chart.FUNDING_COST, 1),
            debit(chart.INVESTORS, 3),
            credit(chart.CASH, 8),
        },
    ),
    (m.LeaseClosed(on=ON), set()),
    (m.LeaseClosed(on=ON, released_fen=4), {debit(chart.BORROWINGS, 4), credit(chart.FUNDING_COST, 4)}),
    (m.DownPaymentReceived(fen=6, on=ON), {debit(chart.CASH, 6), credit(chart.DOWN_PAYMENTS, 6)}),
    (m.DownPaymentRefunded(fen=6, on=ON), {debit(chart.DOWN_PAYMENTS, 6), credit(chart.CASH, 6)}),
    (
        LeaseActivated(on=ON, business=Business.FINANCE, principal_fen=9, down_payment_fen=6),
        {debit(chart.NET_INVESTMENT, 9), debit(chart.DOWN_PAYMENTS, 6), credit(chart.SUPPLIERS, 15)},
    ),
    (
        BillIssued(
            number=3,
            issued_on=ON,
            due_on=ON,
            principal_fen=0,
            interest_fen=0,
            fee_fen=7,
            accrued_fen=0,
            business=Business.RENTAL,
            kind=BillKind.COMPENSATION,
        ),
        {debit(chart.RECEIVABLE_FEE, 7), credit(chart.COMPENSATION_INCOME, 7)},
    ),
    (recognised(20, 50), {debit(chart.IMPAIRMENT, 30), credit(chart.ALLOWANCE, 30)}),
    (recognised(50, 20), {credit(chart.IMPAIRMENT, 30), debit(chart.ALLOWANCE, 30)}),
    (recognised(-50, 20), {debit(chart.IMPAIRMENT, 70), credit(chart.ALLOWANCE, 70)}),
    (recognised(20, 20), set()),
    (
        AssetDisposed(on=ON, proceeds_fen=100, costs_fen=10, surplus_fen=20, applied=(applied(P, 70),), credit_fen=20),
        {
            debit(chart.CASH, 100),
            credit(chart.DISPOSAL_COSTS, 10),
            credit(chart.RECEIVABLE_PRINCIPAL, 70),
            credit(chart.LESSEE_CREDIT, 20),
        },
    ),
    (
        LeaseChargedOff(on=ON, parts=(Part(number=1, component=P, fen=3), Part(number=2, component=P, fen=4))),
        {debit(chart.ALLOWANCE, 7), credit(chart.RECEIVABLE_PRINCIPAL, 7)},
    ),
    (
        m.DebtRecovered(payment=ANYONE, amount_fen=3, value_date=ON, posted_on=ON),
        {debit(chart.CASH, 3), credit(chart.RECOVERY_INCOME, 3)},
    ),
    (
        m.RecoveryReversed(payment=ANYONE, amount_fen=3, reason="returned", on=ON),
        {credit(chart.CASH, 3), debit(chart.RECOVERY_INCOME, 3)},
    ),
]


@pytest.mark.parametrize(("event", "lines"), EXAMPLES, ids=[type(event).__name__ for event, _ in EXAMPLES])
def test_an_event_is_posted_like_this(event: Event, lines: set[Line]) -> None:
    got = post(event)
    assert set(got) == lines
    assert len(got) == len(lines)
    assert sum(line.debit_fen for line in got) == sum(line.credit_fen for line in got)


def test_every_money_event_has_an_example_and_a_posting() -> None:
    """An event class of the money module that nobody posts would be money that the books never see."""
    classes = {cls for cls in vars(m).values() if isinstance(cls, type) and issubclass(cls, Event)} - {Event}
    assert classes | {ProvisionRecognised} == MONEY_EVENTS
    assert {type(event) for event, _ in EXAMPLES} == MONEY_EVENTS


def test_other_events_move_no_money() -> None:
    assert post(ApplicationSubmitted()) == ()
    released = [event_of(line) for line in lines_of("lease_v1.jsonl")]
    assert {type(event) for event in released if post(event)} <= MONEY_EVENTS


def test_an_event_whose_amounts_do_not_add_up_is_not_posted() -> None:
    with pytest.raises(Unbalanced, match=r"lease\.payment_posted\.v1: .* got a difference of 1 fen"):
        post(posted(100, 0, applied(P, 99)))


@given(st.lists(st.tuples(st.sampled_from(COMPONENTS), st.integers(-500, 500)), max_size=6), st.integers(-500, 500))
def test_whatever_moves_debits_are_credits(moves: list[tuple[Component, int]], credit_fen: int) -> None:
    total = sum(fen for _, fen in moves) + credit_fen
    lines = post(posted(total, credit_fen, *(applied(component, fen) for component, fen in moves)))
    assert sum(trial_balance(lines).values()) == 0
    assert all((line.debit_fen == 0) != (line.credit_fen == 0) for line in lines)
    assert len({line.account for line in lines}) == len(lines)


# --------------------------------------------------------------------------------------------------- the chart


def test_the_chart_has_every_account_once_with_names() -> None:
    codes = {value for name, value in vars(chart).items() if name.isupper() and type(value) is str}
    assert set(ACCOUNTS) == codes
    assert all(account.code == code and account.en and account.zh for code, account in ACCOUNTS.items())
    assert len({account.zh for account in ACCOUNTS.values()}) == len(ACCOUNTS)
    assert {account.kind for account in ACCOUNTS.values()} == set(AccountKind)


# ---------------------------------------------------------------------------------------- whole lives, by hand


def test_a_financed_vehicle_earns_its_interest() -> None:
    """Twelve bills paid: cash is rent and deposit, the supplier is owed the price, income is twelve times 60 yuan."""
    assert totals_of(history(*cases.ALL_BILLED)) == {
        chart.CASH: 12 * 106_000 + 50_000,
        chart.SUPPLIERS: -1_200_000,
        chart.DEPOSITS: -50_000,
        chart.INTEREST_INCOME: -72_000,
    }


def test_a_rented_phone_earns_its_rent() -> None:
    assert totals_of(history(*cases.RETURNED)) == {chart.CASH: 300_000, chart.RENT_INCOME: -300_000}


def test_income_is_the_same_with_and_without_accrual() -> None:
    """A month end only brings interest forward."""
    plain = history(*cases.BILLED, pay(1, 106_000, 30))
    accrued = history(*cases.RUNNING, (29, AccrueInterest(up_to=day(29))), bill(1), pay(1, 106_000, 30))
    assert totals_of(plain) == totals_of(accrued)
    assert totals_of(history(*cases.RUNNING, (29, AccrueInterest(up_to=day(29)))))[chart.INTEREST_INCOME] == -5_800


def test_a_write_off_takes_the_allowance_and_a_recovery_is_income() -> None:
    totals = totals_of(history(*cases.RECOVERED))
    assert totals[chart.ALLOWANCE] > 0
    assert totals[chart.RECOVERY_INCOME] == -2_000_000
