"""Days that news of money may name: near the day on which it is heard, whatever day is caught up."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from msgspec.structs import replace

from domain.kernel.command import SYSTEM, Actor
from domain.kernel.times import BEIJING
from domain.payments.payment import refusals
from domain.payments.payment.commands import InitiatePayment, RecordChargeback, RecordRefunded, RecordSucceeded
from domain.payments.payment.values import Reported
from tests.domain.payments import cases
from tests.domain.payments.cases import BEGUN, FEN, LEASE, POLICY, REF, callback, given
from tests.given import TODAY


@pytest.mark.parametrize(("days", "granted"), [(1, True), (31, True), (32, False), (36_525, False)])
def test_money_is_worth_from_a_day_near_the_news_of_it(days: int, granted: bool) -> None:
    """A slip by years would keep it from its lease until then."""
    on = TODAY + timedelta(days=days)
    news = RecordSucceeded(attempt=1, amount_fen=FEN, value_date=on, ref=REF)
    called = callback(on=on)
    back = RecordChargeback(attempt=1, reason="disputed", value_date=on)
    called_back = replace(callback(on=on), reported=Reported.CHARGED_BACK, code="disputed")
    out = RecordRefunded(number=1, value_date=on, ref=REF)
    paid = (*BEGUN, cases.succeeded())
    for past, command in (
        (BEGUN, news),
        (BEGUN, called),
        (paid, back),
        (paid, called_back),
        ((*paid, cases.ASKED), out),
    ):
        outcome = given(*past).when(command)
        if granted:
            assert isinstance(outcome.answer, tuple)
        else:
            outcome.then_refused(refusals.VALUE_DATE_FAR, latest=TODAY + timedelta(days=31), got=on)


def test_news_of_today_is_near_however_far_the_business_date_stayed_behind() -> None:
    """Days stood still for forty days, and a month ahead of today is near today."""
    today = TODAY + timedelta(days=40)
    by = {"now": datetime.combine(today, time(0, 5), BEIJING)}
    for days, granted in ((31, True), (32, False)):
        on = today + timedelta(days=days)
        news = RecordSucceeded(attempt=1, amount_fen=FEN, value_date=on, ref=REF)
        for command in (news, callback(on=on)):
            answer = given(*BEGUN).when(command, **by).answer
            assert isinstance(answer, tuple) is granted


def test_what_the_program_was_answered_was_judged_when_it_was_heard() -> None:
    """Its command is of the day of the question, which may be caught up long after."""
    program = Actor(SYSTEM, "process:collector")
    news = RecordSucceeded(attempt=1, amount_fen=FEN, value_date=TODAY + timedelta(days=400), ref=REF)
    assert isinstance(given(*BEGUN).when(news, actor=program).answer, tuple)


@pytest.mark.parametrize(("days", "granted"), [(366, True), (367, False)])
def test_a_payment_is_collected_within_a_year(days: int, granted: bool) -> None:
    """One of a slip by years would wait for ever."""
    on = TODAY + timedelta(days=days)
    outcome = given().when(InitiatePayment(lease=LEASE, bill=None, amount_fen=FEN, policy=POLICY, collect_on=on))
    if granted:
        assert isinstance(outcome.answer, tuple)
    else:
        outcome.then_refused(refusals.COLLECT_ON_FAR, latest=TODAY + timedelta(days=366), got=on)
