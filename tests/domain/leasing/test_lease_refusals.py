"""Every rule of a lease that says no: each is reached somewhere, each has its sentences, their order is fixed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from domain.kernel.command import Command
from domain.kernel.refusal import REFUSALS, RefusalKind
from domain.leasing.lease import refusals as r
from domain.leasing.lease.commands import (
    CaptureDeposit,
    CompleteBuyout,
    ElectRemedy,
    IssueBill,
    PostPayment,
    RestructureLease,
    ServeDemand,
    SettleEarly,
)
from domain.leasing.values import Remedy
from tests.domain.leasing import cases
from tests.domain.leasing.cases import RUNNING, Step, bill, day, given, history, pay

HERE = Path(__file__).parent
MINE = {code: kind for code, kind in REFUSALS.items() if code.startswith("lease.")}
STATUTE = re.compile(r"(民法典|融资租赁解释) [0-9]+(；|$)|^$")


@pytest.mark.parametrize("kind", MINE.values(), ids=MINE.keys())
def test_a_rule_is_told_in_two_languages_and_cites_only_statutes(kind: RefusalKind) -> None:
    assert kind.en[0].isupper()
    assert not kind.en.endswith(".")
    assert re.search(r"[\u4e00-\u9fff]", kind.zh)
    assert all(STATUTE.search(part) for part in kind.source.split("；"))


@pytest.mark.parametrize("name", sorted(name for name in vars(r) if name.isupper()))
def test_every_rule_is_reached_by_a_test_or_the_table(name: str) -> None:
    kind = getattr(r, name)
    assert MINE[kind.code] is kind
    told = (HERE / "lease_table.txt").read_text("utf-8")
    tests = "".join(path.read_text("utf-8") for path in sorted(HERE.glob("test_lease_*.py")))
    in_table = f"✗ {kind.code.removeprefix('lease.')} " in told
    assert in_table or f"r.{name}" in tests, f"{kind.code} is never reached"


# Several rules speak at once; the first one is heard, then the wish is mended and the next one is heard.
ORDERED: list[tuple[str, list[tuple[RefusalKind, tuple[Step, ...], Command, int]]]] = [
    (
        "bill: unknown, not active, none left, not next, too early",
        [
            (r.UNKNOWN, (), IssueBill(number=9), 0),
            (r.NOT_ACTIVE, cases.CREATED, IssueBill(number=9), 0),
            (r.NOTHING_TO_BILL, cases.ALL_BILLED, IssueBill(number=9), 360),
            (r.BILL_NOT_NEXT, RUNNING, IssueBill(number=9), 0),
            (r.BILL_TOO_EARLY, RUNNING, IssueBill(number=1), 0),
        ],
    ),
    (
        "remedy: chosen, too small, no demand, period, cured",
        [
            (r.REMEDIES_EXCLUDE, cases.ELECTED_END, ElectRemedy(remedy=Remedy.TERMINATE), 81),
            (r.DEFAULT_TOO_SMALL, RUNNING, ElectRemedy(remedy=Remedy.TERMINATE), 81),
            (r.NO_DEMAND, (*RUNNING, bill(1), bill(2)), ElectRemedy(remedy=Remedy.TERMINATE), 81),
            (
                r.CURE_PERIOD_RUNNING,
                (*RUNNING, bill(1), bill(2), (70, ServeDemand(cure_by=day(90)))),
                ElectRemedy(remedy=Remedy.TERMINATE),
                81,
            ),
        ],
    ),
    (
        "settlement: no quote, expired, bills open, too little credit",
        [
            (r.NO_QUOTE, RUNNING, SettleEarly(), 10),
            (r.NO_QUOTE, cases.SITUATIONS["phone_quoted"], SettleEarly(), 200),
            (r.QUOTE_EXPIRED, cases.SITUATIONS["quoted"], SettleEarly(), 204),
            (r.CREDIT_TOO_SMALL, cases.SITUATIONS["quoted"][:-1], SettleEarly(), 203),
            (r.CREDIT_TOO_SMALL, cases.SITUATIONS["phone_quoted"][:-1], CompleteBuyout(), 203),
        ],
    ),
    (
        "payment: known, from the future, settled",
        [
            (r.PAYMENT_KNOWN, cases.SITUATIONS["paid"], pay(1, 5, 99)[1], 50),
            (r.DATE_IN_FUTURE, RUNNING, pay(2, 5, 99)[1], 50),
            (r.PAYMENT_KNOWN, cases.SETTLED, pay(2, 5, 99)[1], 50),
            (r.CLOSED, cases.SETTLED, IssueBill(number=7), 200),
        ],
    ),
    (
        "capture: not held, not owed",
        [
            (r.DEPOSIT_TOO_SMALL, RUNNING, CaptureDeposit(fen=50_001), 1),
            (r.CAPTURE_EXCEEDS_DEBT, RUNNING, CaptureDeposit(fen=50_000), 1),
        ],
    ),
    (
        "new schedule: chosen, none left",
        [
            (
                r.REMEDY_CHOSEN,
                cases.ELECTED_END,
                RestructureLease(schedule=cases.later(1, 1, 0), reason="x"),
                80,
            ),
            (r.NOTHING_TO_BILL, cases.ALL_BILLED, RestructureLease(schedule=cases.later(1, 1, 0), reason="x"), 360),
        ],
    ),
]


@pytest.mark.parametrize("steps", [steps for _, steps in ORDERED], ids=[name for name, _ in ORDERED])
def test_rules_speak_in_a_fixed_order(steps: list[tuple[RefusalKind, tuple[Step, ...], Command, int]]) -> None:
    for kind, past, command, on in steps:
        given(*history(*past)).when(command, business_date=day(on)).then_refused(kind)


def test_a_refusal_says_what_made_it_apply() -> None:
    answer = (
        given(*history(*RUNNING))
        .when(PostPayment(payment=cases.PAYMENT, amount_fen=1, value_date=day(9)), business_date=day(8))
        .answer
    )
    assert str(getattr(answer, "sentence", str)()) == (
        "That day has not come yet (on=2026-03-11, business_date=2026-03-10)"
    )
