"""Days make the class, and what would be lost is the exposure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounting.provisioning import PROVISION_POLICIES, FiveClass
from domain.leasing.lease.commands import AccrueInterest
from tests.domain.leasing import cases
from tests.domain.leasing.cases import bill, day, history, pay, state_of
from tests.projections.accounting.provisions_of_states import classify, days_overdue, exposure_fen

POLICY = PROVISION_POLICIES[1]


@pytest.mark.parametrize(
    ("days", "zh"),
    [
        *((0, "正常"), (1, "关注"), (60, "关注"), (61, "次级"), (120, "次级")),
        *((121, "可疑"), (180, "可疑"), (181, "损失"), (9_999, "损失")),
    ],
)
def test_days_make_the_class(days: int, zh: str) -> None:
    assert classify(days, POLICY).zh == zh


@given(st.integers(0, 400), st.integers(0, 400))
def test_later_is_never_better(some: int, more: int) -> None:
    order = list(FiveClass)
    assert order.index(classify(some, POLICY)) <= order.index(classify(some + more, POLICY))


def test_days_run_from_the_oldest_unpaid_rent() -> None:
    both = state_of(history(*cases.BILLED, bill(2)))
    assert [days_overdue(both, day(n)) for n in (30, 31, 70)] == [0, 1, 40]
    first_paid = state_of(history(*cases.BILLED, pay(1, 106_000, 30), bill(2)))
    assert [days_overdue(first_paid, day(n)) for n in (60, 70)] == [0, 10]


def test_exposure_is_what_would_be_lost() -> None:
    billed = state_of(history(*cases.BILLED, (40, AccrueInterest(up_to=day(40)))))
    assert exposure_fen(billed) == 106_000 + 1_100_000 + 2_000
    phone = state_of(history(*cases.PHONE_RUNNING, bill(1)))
    assert exposure_fen(phone) == 50_000
