"""The lives of a lease that its golden history tells, as commands; together they lead to every event type.

`python -m tests.history.lease_lives` writes `lease_v1.jsonl` and what its lives come to. Once these were released, only
new lives may be added.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.accounting.posting import post, trial_balance
from domain.kernel.decider import fold
from domain.kernel.event import Event, type_of
from domain.leasing.lease.commands import (
    AccrueInterest,
    ActivateLease,
    AssessLateFees,
    BuyBackLease,
    CaptureDeposit,
    CloseLease,
    PreauthoriseDeposit,
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
    RestructureLease,
    ReturnAsset,
    ReturnRefund,
    ReversePayment,
    ServeDemand,
    SettleEarly,
    WaiveBill,
    WaivedPart,
)
from domain.leasing.lease.rules.decider import LEASE
from domain.leasing.values import DepositMode, DownPaymentTo, NewDueDate
from domain.pricing.schedules import Component
from tests.domain.leasing import cases
from tests.domain.leasing.cases import bill, day, pay
from tests.given import body_of
from tests.history.golden import HERE


def _reversed(n: int, on: int) -> cases.Step:
    return on, ReversePayment(payment=UUID(int=900 + n), reason="returned")


LIVES: tuple[tuple[cases.Step, ...], ...] = (
    (
        *cases.RUNNING,
        (29, AccrueInterest(up_to=day(29))),
        bill(1),
        pay(1, 106_000, 30),
        bill(2),
        (92, AssessLateFees(up_to=day(92))),
        pay(2, 50_000, 95, worth=61),
        (96, WaiveBill(number=2, parts=(WaivedPart(component=Component.PRINCIPAL, fen=500),), reason="goodwill")),
        (97, ReAgeBills(due_dates=(NewDueDate(number=2, due_on=day(120)),), reason="hardship")),
        (98, RestructureLease(schedule=cases.later(10, 100_000, 5_000, first=3), reason="hardship")),
        _reversed(2, 130),
        (131, CaptureDeposit(fen=20_000)),
    ),
    (
        *cases.RUNNING,
        (10, QuoteEarlySettlement(as_of=day(15), with_buyout=True)),
        pay(1, 1_237_000, 15),
        (15, SettleEarly()),
        (15, ReleaseDeposit(fen=50_000)),
        (16, CloseLease()),
    ),
    (*cases.RECOVERED, _reversed(50, 90)),
    cases.ACCELERATED,
    cases.LOST,
    (*cases.BOUGHT, (31, RefundCredit(amount_fen=40_000)), (32, CloseLease())),
    (
        *cases.PHONE_RUNNING,
        pay(1, 120_000, 5),
        *(bill(n) for n in range(1, 3)),
        (61, RenewLease(months=2, schedule=cases.later(2, 40_000, 0, first=7))),
        bill(3),
    ),
    (*cases.REOPENED, pay(9, 60_000, 183), (184, RefundCredit(amount_fen=9_000)), pay(10, 700, 185)),
    (
        (0, replace(cases.AUTO, deposit_mode=DepositMode.PREAUTHORISED)),
        (0, PreauthoriseDeposit(fen=50_000, hold="HOLD-1")),
        (0, RecordDelivery(on=cases.START)),
        (0, ActivateLease(on=cases.START)),
        (1, ReleaseDeposit(fen=50_000)),
    ),
    (
        (0, cases.DOWN),
        (0, RecordDownPayment(fen=200_000)),
        (1, RefundDownPayment(fen=200_000)),
        (2, RecordDownPayment(fen=300_000)),
        (2, RecordDepositReceived(fen=50_000)),
        (3, RecordDelivery(on=day(3))),
        (3, ActivateLease(on=day(3))),
        pay(1, 118_000, 20),
        bill(1),
    ),
    (
        (0, replace(cases.DOWN, down_payment_to=DownPaymentTo.SUPPLIER)),
        (0, ReportDownPayment(proof=cases.DIGEST)),
        (0, RecordDepositReceived(fen=50_000)),
        (0, RecordDelivery(on=cases.START)),
        (0, ActivateLease(on=cases.START)),
    ),
    (
        *cases.TRANSFERRED,
        (31, RemitToInvestor(amount_fen=106_000)),
        _reversed(1, 40),
        pay(2, 50_000, 41),
        (42, BuyBackLease(price_fen=900_000)),
    ),
    (*cases.RUNNING, bill(1), bill(2), (64, ServeDemand(cure_by=day(79))), pay(1, 216_000, 75)),
    (*cases.SITUATIONS["not_cured"], (197, RecordCureExpired())),
    (*cases.PHONE_RUNNING, bill(1), pay(1, 50_000, 30), (45, ReturnAsset(on=day(44)))),
    (*cases.PHONE_RUNNING, bill(1), pay(1, 50_000, 30), (45, RecordTotalLoss(on=day(44), liable=True))),
    (
        *(*cases.RUNNING, pay(1, 500, 3)),
        (4, RefundCredit(amount_fen=500, payment=UUID(int=901))),
        (9, ReturnRefund(number=1, reason="payee_account_closed")),
    ),
)
"""Each from its creation, on the days of `tests.domain.leasing.cases`."""


def line_of(event: Event) -> bytes:
    """One line of a golden history."""
    return b'{"body":%b,"type":"%b"}' % (body_of(event), type_of(event).encode())


def _books_of(life: Iterable[Event]) -> bytes:
    return msgspec.json.encode(trial_balance(chain.from_iterable(map(post, life))), order="sorted")


def write() -> None:
    """Write the history, the states after each life, and the books."""
    told = [cases.history(*life) for life in LIVES]
    files = {
        "lease_v1.jsonl": list(map(line_of, chain.from_iterable(told))),
        "lease_v1_states.jsonl": [msgspec.json.encode(fold(LEASE, life), order="sorted") for life in told],
        "lease_v1_books.jsonl": list(map(_books_of, told)),
    }
    for name, lines in files.items():
        (HERE / name).write_bytes(b"\n".join(lines) + b"\n")


if __name__ == "__main__":
    write()
