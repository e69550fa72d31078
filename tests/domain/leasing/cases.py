"""Leases to test with: a financed vehicle and a rented phone, commands, and a shortest past for every phase."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from domain.kernel.command import Command
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal
from domain.kernel.values import AssetClass, Business
from domain.leasing.lease.commands import (
    AccelerateLease,
    AccrueInterest,
    ActivateLease,
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
    PreauthoriseDeposit,
    QuoteBuyout,
    QuoteEarlySettlement,
    ReAgeBills,
    RecordCureExpired,
    RecordDelivery,
    RecordDepositReceived,
    RecordDownPayment,
    RecordTotalLoss,
    RefundCredit,
    RefundDownPayment,
    ReleaseDeposit,
    RemitToInvestor,
    RenewLease,
    ReportDownPayment,
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
    WaiveDeposit,
    WaivedPart,
)
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.lease.state import LeasePhase, LeaseState
from domain.leasing.values import DepositMode, DownPaymentTo, NewDueDate, Remedy
from domain.pricing.schedules import Component, Instalment
from tests.given import TODAY, context, scenarios

given = scenarios(LEASE)

LESSEE = UUID(int=77)
INVESTOR = UUID(int=88)
PAYMENT = UUID(int=901)
DIGEST = "d" * 64

START = TODAY
"""2 March 2026: both leases are delivered and run from here."""


def day(n: int) -> date:
    """The day `n` days after the start."""
    return START + timedelta(days=n)


def monthly(months: int, principal_fen: int, interest_fen: int, first: int = 1) -> tuple[Instalment, ...]:
    """Equal instalments, due every thirty days from the start."""
    return tuple(Instalment(n, day(30 * n), principal_fen, interest_fen) for n in range(first, first + months))


def later(months: int, principal_fen: int, interest_fen: int, first: int = 1) -> tuple[Instalment, ...]:
    """Equal instalments numbered from `first`, due every thirty days from day 240."""
    return tuple(Instalment(first + n, day(240 + 30 * n), principal_fen, interest_fen) for n in range(months))


AUTO = CreateLease(
    plan="auto_level_12",
    plan_digest=DIGEST,
    business=Business.FINANCE,
    asset_class=AssetClass.VEHICLE,
    currency="CNY",
    principal_fen=1_200_000,
    annual_rate="0.12",
    schedule=monthly(12, 100_000, 6_000),
    reference="QC-2026-0001",
    deposit_fen=50_000,
    deposit_mode=DepositMode.CASH,
    buyout_fen=10_000,
    late_fee_daily_rate="0.0005",
    grace_days=3,
    policy=2,
    subject=LESSEE,
)
"""A vehicle for 12,000 yuan in twelve instalments of 1,060; 500 deposit in cash."""

PHONE = CreateLease(
    plan="phone_monthly_6",
    plan_digest=DIGEST,
    business=Business.RENTAL,
    asset_class=AssetClass.PHONE,
    currency="CNY",
    principal_fen=600_000,
    annual_rate="0",
    schedule=monthly(6, 50_000, 0),
    reference="SJ-2026-0001",
    deposit_fen=200_000,
    deposit_mode=DepositMode.WAIVED,
    buyout_fen=600_000,
    buyout_credit_ppm=800_000,
    buyout_floor_fen=100_000,
    late_fee_daily_rate="0.001",
    bill_lead_days=5,
)
"""A phone worth 6,000 yuan for six months at 500; 80 % of the rent paid counts towards buying it."""

DOWN = replace(AUTO, upfront_fee_fen=18_000, down_payment_fen=300_000)
"""The same vehicle, 3,000 down to the lessor, and a fee of 180 up front."""

Step = tuple[int, Command]
"""A command and the day it comes on, counted from the start."""


class Stopped(AssertionError):
    """A past that was meant to happen did not."""


def history(*steps: Step) -> tuple[Event, ...]:
    """The events that commands lead to, each on its day; every one of them must be granted."""
    events: list[Event] = []
    state = LEASE.initial
    for on, command in steps:
        answer = LEASE.decide(command, state, context(business_date=day(on)))
        if isinstance(answer, Refusal):
            raise Stopped(f"day {on}, {command}: {answer.sentence()}")
        for event in answer:
            state = LEASE.evolve(state, event)
        events += answer
    return tuple(events)


def state_of(events: Iterable[Event]) -> LeaseState:
    """The state after events."""
    return given(*events).state


def pay(n: int, fen: int, on: int, *, worth: int | None = None) -> Step:
    """Payment `n`, posted on a day, worth from that day or from another one."""
    return on, PostPayment(payment=UUID(int=900 + n), amount_fen=fen, value_date=day(on if worth is None else worth))


def bill(n: int, on: int | None = None) -> Step:
    """Bill `n` on its due date, or on another day."""
    return (30 * n if on is None else on), IssueBill(number=n)


def by_default(on: int, remedy: Remedy) -> tuple[Step, ...]:
    """Two bills unpaid, demanded, fifteen days passed, and a remedy chosen on a day."""
    demand = on - 16
    return (
        bill(1),
        bill(2),
        (demand, ServeDemand(cure_by=day(demand + 15), proof=DIGEST)),
        (on, ElectRemedy(remedy=remedy)),
    )


CREATED: tuple[Step, ...] = ((0, AUTO),)
RUNNING: tuple[Step, ...] = (
    *CREATED,
    (0, RecordDepositReceived(fen=50_000)),
    (0, RecordDelivery(on=START, proof=DIGEST)),
    (0, ActivateLease(on=START)),
)
PHONE_RUNNING: tuple[Step, ...] = (
    (0, PHONE),
    (0, WaiveDeposit()),
    (0, RecordDelivery(on=START)),
    (0, ActivateLease(on=START)),
)
ALL_BILLED: tuple[Step, ...] = (
    *RUNNING,
    *(step for n in range(1, 13) for step in (bill(n), pay(n, 106_000, 30 * n))),
)
PHONE_ALL_BILLED: tuple[Step, ...] = (
    *PHONE_RUNNING,
    *(step for n in range(1, 7) for step in (bill(n), pay(n, 50_000, 30 * n))),
)
DOWN_HELD: tuple[Step, ...] = (
    (0, DOWN),
    (0, RecordDepositReceived(fen=50_000)),
    (0, RecordDownPayment(fen=300_000)),
    (0, RecordDelivery(on=START, proof=DIGEST)),
)
DOWN_RUNNING: tuple[Step, ...] = (*DOWN_HELD, (0, ActivateLease(on=START)))
BILLED: tuple[Step, ...] = (*RUNNING, bill(1))
ACCELERATED: tuple[Step, ...] = (*RUNNING, *by_default(80, Remedy.ACCELERATE), (80, AccelerateLease()))
ELECTED_END: tuple[Step, ...] = (*RUNNING, *by_default(80, Remedy.TERMINATE))
TERMINATED: tuple[Step, ...] = (*ELECTED_END, (80, TerminateLease(notice_reached_on=day(80), proof=DIGEST)))
REPOSSESSED: tuple[Step, ...] = (*TERMINATED, (85, RepossessAsset(on=day(84))))
DISPOSED: tuple[Step, ...] = (*REPOSSESSED, (86, DisposeAsset(proceeds_fen=900_000, costs_fen=20_000)))
LOST: tuple[Step, ...] = (*RUNNING, (10, RecordTotalLoss(on=day(9))))
CHARGED_OFF: tuple[Step, ...] = (*DISPOSED, (86, ChargeOffLease()))
RECOVERED: tuple[Step, ...] = (*CHARGED_OFF, pay(50, 2_000_000, 86))
BOUGHT: tuple[Step, ...] = (
    *PHONE_RUNNING,
    bill(1),
    pay(1, 650_000, 30),
    (30, QuoteBuyout(as_of=day(30))),
    (30, CompleteBuyout()),
)
SETTLED_EARLY: tuple[Step, ...] = (
    *RUNNING,
    (10, QuoteEarlySettlement(as_of=day(15))),
    pay(1, 1_227_000, 15),
    (15, SettleEarly()),
)
RETURNED: tuple[Step, ...] = (*PHONE_ALL_BILLED, (180, ReturnAsset(on=day(180))))
SETTLED: tuple[Step, ...] = (*RETURNED, (181, CloseLease()))
REOPENED: tuple[Step, ...] = (*SETTLED, (182, ReversePayment(payment=UUID(int=906), reason="returned")))
TRANSFERRED: tuple[Step, ...] = (
    *RUNNING,
    (1, TransferLease(investor=INVESTOR, price_fen=1_000_000)),
    bill(1),
    pay(1, 106_000, 30),
)

PASTS: dict[LeasePhase, tuple[Step, ...]] = {
    LeasePhase.ABSENT: (),
    LeasePhase.AWAITING_DELIVERY: CREATED,
    LeasePhase.ACTIVE: RUNNING,
    LeasePhase.RETURNED: RETURNED,
    LeasePhase.BOUGHT_OUT: BOUGHT,
    LeasePhase.EARLY_SETTLED: SETTLED_EARLY,
    LeasePhase.ACCELERATED: ACCELERATED,
    LeasePhase.TERMINATED: TERMINATED,
    LeasePhase.REPOSSESSED: REPOSSESSED,
    LeasePhase.DISPOSED: DISPOSED,
    LeasePhase.LOST_TOTAL: LOST,
    LeasePhase.CHARGED_OFF: CHARGED_OFF,
    LeasePhase.RECOVERED: RECOVERED,
    LeasePhase.SETTLED: SETTLED,
    LeasePhase.REOPENED: REOPENED,
}
"""A shortest sensible past for every phase, in the order of a lease's life."""

SAMPLES: tuple[Command, ...] = (
    AUTO,
    WaiveDeposit(),
    PreauthoriseDeposit(fen=50_000, hold="HOLD-1"),
    RecordDepositReceived(fen=50_000),
    ReleaseDeposit(fen=1),
    CaptureDeposit(fen=1),
    RecordDownPayment(fen=1_000),
    RefundDownPayment(fen=1_000),
    ReportDownPayment(),
    RecordDelivery(on=START),
    ActivateLease(on=START),
    IssueBill(number=1),
    AccrueInterest(up_to=day(29)),
    AssessLateFees(up_to=day(200)),
    PostPayment(payment=PAYMENT, amount_fen=1_000, value_date=START),
    ReversePayment(payment=PAYMENT, reason="returned"),
    RefundCredit(amount_fen=1),
    ReturnRefund(number=1, reason="payee_account_closed"),
    WaiveBill(number=1, parts=(WaivedPart(component=Component.INTEREST, fen=1),), reason="goodwill"),
    RestructureLease(schedule=later(24, 50_000, 2_000), reason="hardship"),
    ReAgeBills(due_dates=(NewDueDate(number=1, due_on=day(300)),), reason="hardship"),
    RenewLease(months=6, schedule=later(6, 40_000, 0, first=7)),
    QuoteBuyout(as_of=day(200)),
    CompleteBuyout(),
    QuoteEarlySettlement(as_of=day(200)),
    SettleEarly(),
    TransferLease(investor=INVESTOR, price_fen=1_000_000),
    RemitToInvestor(amount_fen=1_000),
    BuyBackLease(price_fen=900_000),
    ServeDemand(cure_by=day(220)),
    RecordCureExpired(),
    ElectRemedy(remedy=Remedy.TERMINATE),
    AccelerateLease(),
    TerminateLease(notice_reached_on=day(200)),
    RepossessAsset(on=day(200)),
    DisposeAsset(proceeds_fen=1),
    ChargeOffLease(),
    RecordTotalLoss(on=day(200)),
    ReturnAsset(on=day(200)),
    CloseLease(),
)
"""One command of each type, in the aggregate's own order."""


SITUATIONS: dict[str, tuple[Step, ...]] = {
    "held": ((0, replace(AUTO, deposit_mode=DepositMode.PREAUTHORISED)),),
    "phone": ((0, PHONE),),
    "down": ((0, DOWN),),
    "down_direct": ((0, replace(DOWN, down_payment_to=DownPaymentTo.SUPPLIER)),),
    "down_held": DOWN_HELD,
    "down_running": DOWN_RUNNING,
    "delivered": RUNNING[:-1],
    "phone_running": PHONE_RUNNING,
    "billed": BILLED,
    "paid": (*BILLED, (40, PostPayment(payment=PAYMENT, amount_fen=110_000, value_date=day(30)))),
    "demanded": (*RUNNING, bill(1), bill(2), (180, ServeDemand(cure_by=day(199)))),
    "phone_demanded": (*PHONE_RUNNING, bill(1), (180, ServeDemand(cure_by=day(190)))),
    "not_cured": (*RUNNING, bill(1), bill(2), (180, ServeDemand(cure_by=day(196)))),
    "transferred": TRANSFERRED,
    "chose_all": (*RUNNING, *by_default(80, Remedy.ACCELERATE)),
    "chose_end": ELECTED_END,
    "quoted": (*RUNNING, (200, QuoteEarlySettlement(as_of=day(200))), pay(1, 1_300_000, 200)),
    "phone_quoted": (*PHONE_RUNNING, (200, QuoteBuyout(as_of=day(200))), pay(1, 600_000, 200)),
    "all_billed": ALL_BILLED[:-1],
    "phone_all_billed": PHONE_ALL_BILLED,
    "refunding": (
        *(*BILLED, (40, PostPayment(payment=PAYMENT, amount_fen=110_000, value_date=day(30)))),
        (41, RefundCredit(amount_fen=4_000, payment=PAYMENT)),
    ),
}
"""What else may be the case while a lease waits or runs."""


def changed(command: CreateLease, **fields: Any) -> CreateLease:
    """A creation with other fields."""
    return replace(command, **fields)
