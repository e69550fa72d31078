"""What a lessee pays before the lease runs: a down payment that is passed on, a fee that is billed and never netted."""

from __future__ import annotations

from msgspec.structs import replace

from domain.accounting import chart
from domain.leasing.lease import refusals as r
from domain.leasing.lease.commands import (
    ActivateLease,
    AssessLateFees,
    CloseLease,
    IssueBill,
    RecordDelivery,
    RecordDepositReceived,
    RecordDownPayment,
    RefundDownPayment,
    ReportDownPayment,
)
from domain.leasing.lease.events.lifecycle import DownPaymentReported
from domain.leasing.lease.events.money import (
    BillIssued,
    CreditApplied,
    DownPaymentReceived,
    DownPaymentRefunded,
    LeaseActivated,
)
from domain.leasing.values import Applied, BillKind, DownPaymentTo
from domain.pricing.schedules import Component
from tests.domain.leasing import cases
from tests.domain.leasing.books_of import check_agreement, totals_of
from tests.domain.leasing.cases import DOWN, DOWN_HELD, DOWN_RUNNING, PHONE, Step, day, given, history, pay, state_of

DIRECT = replace(DOWN, down_payment_to=DownPaymentTo.SUPPLIER)
READY: tuple[Step, ...] = ((0, RecordDepositReceived(fen=50_000)), (0, RecordDelivery(on=day(0))))
RUN = ActivateLease(on=day(0))
FEE = BillIssued(
    number=0,
    issued_on=day(0),
    due_on=day(0),
    principal_fen=0,
    interest_fen=0,
    fee_fen=18_000,
    accrued_fen=0,
    business=DOWN.business,
    kind=BillKind.UPFRONT_FEE,
)


def began(down_payment_fen: int) -> LeaseActivated:
    return LeaseActivated(on=day(0), business=DOWN.business, principal_fen=1_200_000, down_payment_fen=down_payment_fen)


def test_a_down_payment_is_held_until_the_lease_begins_and_goes_to_the_supplier() -> None:
    past = history((0, DOWN), (0, RecordDownPayment(fen=100_000)))
    given(*past).when(RecordDownPayment(fen=200_001)).then_refused(
        r.DOWN_PAYMENT_TOO_LARGE, open_fen=200_000, asked_fen=200_001
    )
    given(*past).when(RecordDownPayment(fen=200_000)).then(DownPaymentReceived(fen=200_000, on=day(0)))
    assert totals_of(history(*DOWN_HELD))[chart.DOWN_PAYMENTS] == -300_000
    state = given(*history(*DOWN_HELD)).when(RUN).then(began(300_000), FEE)
    assert state.down_payment_held_fen == 0
    totals = totals_of(history(*DOWN_RUNNING))
    assert (totals[chart.SUPPLIERS], totals.get(chart.DOWN_PAYMENTS, 0)) == (-1_500_000, 0)
    check_agreement(history(*DOWN_RUNNING), state)


def test_a_lease_does_not_begin_while_the_down_payment_is_open() -> None:
    past = history((0, DOWN), *READY, (0, RecordDownPayment(fen=299_999)))
    given(*past).when(RUN).then_refused(r.DOWN_PAYMENT_OPEN, agreed_fen=300_000, open_fen=1)


def test_a_lease_that_never_begins_gives_the_down_payment_back() -> None:
    past = history((0, DOWN), (0, RecordDownPayment(fen=300_000)))
    given(*past).when(CloseLease()).then_refused(r.DOWN_PAYMENT_HELD, held_fen=300_000)
    given(*past).when(RefundDownPayment(fen=300_001)).then_refused(r.DOWN_PAYMENT_TOO_SMALL)
    given(*past).when(RefundDownPayment(fen=300_000)).then(DownPaymentRefunded(fen=300_000, on=day(0)))
    back = history((0, DOWN), (0, RecordDownPayment(fen=300_000)), (1, RefundDownPayment(fen=300_000)))
    assert totals_of(back) == {}
    assert isinstance(given(*back).when(CloseLease()).answer, tuple)


def test_what_goes_to_the_supplier_at_once_is_a_fact_without_cash() -> None:
    past = history((0, DIRECT), *READY)
    given(*past).when(RUN).then_refused(r.DOWN_PAYMENT_OPEN)
    given(*past).when(RecordDownPayment(fen=1)).then_refused(r.DOWN_PAYMENT_PAYEE_DIFFERS)
    given(*history((0, DOWN))).when(ReportDownPayment()).then_refused(r.DOWN_PAYMENT_PAYEE_DIFFERS)
    told = DownPaymentReported(fen=300_000, on=day(0), proof=cases.DIGEST)
    given(*past).when(ReportDownPayment(proof=cases.DIGEST)).then(told)
    given(*past, told).when(ReportDownPayment()).then_refused(r.DOWN_PAYMENT_TOO_LARGE)
    given(*past, told).when(RUN).then(began(0), FEE)
    assert totals_of((*past, told)) == totals_of(past)


def test_a_rental_has_no_down_payment() -> None:
    given().when(replace(PHONE, down_payment_fen=1)).then_refused(r.NOT_A_FINANCE_LEASE)
    assert isinstance(given().when(replace(PHONE, upfront_fee_fen=1)).answer, tuple)


def test_the_fee_up_front_is_billed_and_not_taken_off_what_is_paid_out() -> None:
    """In a lease-back the supplier is the lessee: it is owed all of the principal, and owes the fee as bill 0."""
    totals = totals_of(history(*DOWN_RUNNING))
    assert totals[chart.SUPPLIERS] == -DOWN.principal_fen - DOWN.down_payment_fen
    assert (totals[chart.RECEIVABLE_FEE], totals[chart.FEE_INCOME]) == (18_000, -18_000)


def test_the_schedule_keeps_its_numbers_behind_the_fee() -> None:
    state = state_of(history(*DOWN_RUNNING))
    assert (state.next_number, state.unbilled[0].number, state.period_start) == (1, 1, day(0))
    given(*history(*DOWN_RUNNING)).when(IssueBill(number=0)).then_refused(r.BILL_NOT_NEXT, expected=1, got=0)
    assert state_of(history(*DOWN_RUNNING, cases.bill(1))).next_number == 2


def test_money_pays_the_fee_first_and_a_late_fee_is_no_rent() -> None:
    given(*history(*DOWN_RUNNING, cases.bill(1))).when(pay(1, 20_000, 30)[1], business_date=day(30))
    state = state_of(history(*DOWN_RUNNING, cases.bill(1), pay(1, 20_000, 30)))
    assert [bill.open_fen for bill in state.balances.bills] == [0, 104_000]
    given(*history(*DOWN_RUNNING)).when(AssessLateFees(up_to=day(90)), business_date=day(90)).then_refused(
        r.NOTHING_TO_ASSESS
    )
    assert state_of(history(*DOWN_RUNNING)).overdue(day(90)) == ()


def test_money_paid_in_advance_meets_the_fee() -> None:
    past = history(*DOWN_HELD, pay(1, 20_000, 0))
    met = CreditApplied(
        on=day(0), applied=(Applied(number=0, component=Component.FEE, fen=18_000),), credit_fen=-18_000
    )
    given(*past).when(RUN).then(began(300_000), FEE, met)
