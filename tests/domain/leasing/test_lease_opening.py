"""How a lease begins: creation, deposit, delivery, activation."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.kernel.event import Event
from domain.kernel.refusal import RefusalKind
from domain.leasing.lease import refusals as r
from domain.leasing.lease.commands import (
    ActivateLease,
    CaptureDeposit,
    CreateLease,
    PreauthoriseDeposit,
    RecordDelivery,
    RecordDepositReceived,
    RefundCredit,
    ReleaseDeposit,
    ReversePayment,
    WaiveDeposit,
)
from domain.leasing.lease.events.lifecycle import LeaseCreated
from domain.leasing.lease.events.money import DepositCaptured, DepositReceived, DepositReleased, LeaseActivated
from domain.leasing.values import Applied, DepositMode
from domain.pricing.schedules import Component, Instalment
from tests.domain.leasing import cases
from tests.domain.leasing.books_of import check_agreement
from tests.domain.leasing.cases import AUTO, BILLED, PHONE, RUNNING, Step, day, given, history, pay

F, INT, P, L = Component.FEE, Component.INTEREST, Component.PRINCIPAL, Component.LATE_FEE


def at(*steps: Step) -> tuple[Event, ...]:
    return history(*steps)


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


def test_a_deposit_secures_credit_that_fell_below_zero() -> None:
    """Money that was paid out again and then taken back by the bank is owed, though no bill is open."""
    owing = at(
        *RUNNING,
        pay(1, 30_000, 5),
        (6, RefundCredit(amount_fen=30_000)),
        (7, ReversePayment(payment=UUID(int=901), reason="chargeback")),
    )
    given(*owing).when(ReleaseDeposit(fen=1), business_date=day(8)).then_refused(r.BALANCE_OPEN, open_fen=30_000)
    given(*owing).when(CaptureDeposit(fen=30_001), business_date=day(8)).then_refused(
        r.CAPTURE_EXCEEDS_DEBT, owed_fen=30_000, asked_fen=30_001
    )
    captured = DepositCaptured(fen=30_000, mode=DepositMode.CASH, on=day(8), applied=(), credit_fen=30_000)
    state = given(*owing).when(CaptureDeposit(fen=30_000), business_date=day(8)).then(captured)
    assert (state.balances.owed_fen, state.deposit_held_fen) == (0, 20_000)
    check_agreement((*owing, captured), state)
