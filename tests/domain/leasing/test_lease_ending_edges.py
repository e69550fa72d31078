"""Edges of default: fees that fall due at once, a sale that brings nothing, days to come, a choice that stands."""

from __future__ import annotations

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st
from msgspec.structs import replace

from domain.accounting import chart
from domain.kernel.command import Command
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal
from domain.kernel.values import Business
from domain.leasing.lease import refusals as r
from domain.leasing.lease.commands import (
    AccelerateLease,
    ChargeOffLease,
    DisposeAsset,
    ElectRemedy,
    RecordCureExpired,
    RecordTotalLoss,
    RepossessAsset,
    ReturnAsset,
    ServeDemand,
    TerminateLease,
)
from domain.leasing.lease.events.lifecycle import LeaseTerminated
from domain.leasing.lease.events.money import AssetDisposed, BillIssued, LeaseChargedOff
from domain.leasing.lease.state import LeasePhase
from domain.leasing.values import BillKind, Remedy
from tests.domain.leasing import cases
from tests.domain.leasing.books_of import check_agreement, totals_of
from tests.domain.leasing.cases import RUNNING, Step, bill, day, given, history, pay, state_of

WITH_FEES = cases.changed(
    cases.AUTO, schedule=tuple(replace(one, fee_fen=700 + one.number) for one in cases.monthly(12, 100_000, 6_000))
)
"""The vehicle with a fee in every instalment, each a different one."""


def bills_of(events: tuple[Event, ...]) -> list[BillIssued]:
    return [event for event in events if isinstance(event, BillIssued)]


# ------------------------------------------------------------------------------------------------- acceleration


def test_minfadian_752_acceleration_bills_every_part_of_every_instalment() -> None:
    """Principal, interest and fee as agreed; as bills of a finance lease, due today."""
    steps = ((0, WITH_FEES), *RUNNING[1:], *cases.by_default(80, Remedy.ACCELERATE), (80, AccelerateLease()))
    events = history(*steps)
    bills = bills_of(events)[2:]
    assert [(one.number, one.principal_fen, one.interest_fen, one.fee_fen) for one in bills] == [
        (n, 100_000, 6_000, 700 + n) for n in range(3, 13)
    ]
    assert {(one.business, one.kind, one.due_on, one.issued_on) for one in bills} == {
        (Business.FINANCE, BillKind.INSTALMENT, day(80), day(80))
    }
    state = state_of(events)
    assert (state.phase, state.unbilled) == (LeasePhase.ACCELERATED, ())
    check_agreement(events, state)


def test_acceleration_is_met_by_credit_bill_by_bill() -> None:
    """Money that came after the choice meets what is billed now, the oldest first."""
    steps = (*RUNNING, *cases.by_default(80, Remedy.ACCELERATE), pay(1, 430_000, 80))
    before = state_of(history(*steps))
    credit_fen = before.balances.credit_fen
    assert 200_000 < credit_fen < 3 * 106_000
    events = history(*steps, (80, AccelerateLease()))
    state = state_of(events)
    assert state.balances.credit_fen == 0
    assert state.balances.open_fen == 10 * 106_000 - credit_fen
    assert [one.number for one in state.balances.bills if one.open_fen] == list(range(5, 13))
    check_agreement(events, state)


def test_acceleration_happens_once() -> None:
    given(*history(*cases.ACCELERATED)).when(AccelerateLease(), business_date=day(81)).then_refused(
        r.NOT_ACTIVE, phase="accelerated"
    )
    given(*history(*cases.TERMINATED)).when(
        TerminateLease(notice_reached_on=day(80)), business_date=day(81)
    ).then_refused(r.NOT_ACTIVE, phase="terminated")


@pytest.mark.parametrize("remedy", Remedy)
def test_a_choice_ends_the_period_whichever_it_was(remedy: Remedy) -> None:
    past = history(*RUNNING, *cases.by_default(80, remedy))
    given(*past).when(RecordCureExpired(), business_date=day(81)).then_refused(r.REMEDY_CHOSEN, remedy=remedy)


def test_the_proof_of_a_notice_is_kept() -> None:
    """Whether the contract ended turns on it; a notice without one is recorded without one."""
    past = history(*cases.ELECTED_END)
    for proof in (cases.DIGEST, None):
        end = TerminateLease(notice_reached_on=day(80), proof=proof)
        answer = given(*past).when(end, business_date=day(80)).answer
        assert isinstance(answer, tuple)
        assert answer[0] == LeaseTerminated(notice_reached_on=day(80), proof=proof)


def test_a_remedy_that_was_not_chosen_is_named() -> None:
    past = history(*RUNNING, bill(1))
    for command, remedy in (
        (AccelerateLease(), Remedy.ACCELERATE),
        (TerminateLease(notice_reached_on=day(80)), Remedy.TERMINATE),
    ):
        given(*past).when(command, business_date=day(80)).then_refused(r.NO_REMEDY, remedy=remedy)


# ----------------------------------------------------------------------------------------------------- days to come


@pytest.mark.parametrize(
    ("past", "command"),
    [
        (cases.ELECTED_END, TerminateLease(notice_reached_on=day(86))),
        (cases.TERMINATED, RepossessAsset(on=day(86))),
        (RUNNING, RecordTotalLoss(on=day(86))),
        (cases.PHONE_RUNNING, ReturnAsset(on=day(86))),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Command) else "",
)
def test_what_has_not_happened_is_not_recorded(past: tuple[Step, ...], command: Command) -> None:
    """The day itself is early enough."""
    events = history(*past)
    given(*events).when(command, business_date=day(85)).then_refused(
        r.DATE_IN_FUTURE, on=day(86), business_date=day(85)
    )
    assert not isinstance(given(*events).when(command, business_date=day(86)).answer, Refusal)


# --------------------------------------------------------------------------------------- days before the delivery


@pytest.mark.parametrize(
    ("past", "command"),
    [
        (cases.ELECTED_END, TerminateLease(notice_reached_on=day(-1))),
        (cases.TERMINATED, RepossessAsset(on=day(-1))),
        (RUNNING, RecordTotalLoss(on=day(-1))),
        (cases.PHONE_RUNNING, ReturnAsset(on=day(-1))),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Command) else "",
)
def test_nothing_ends_before_the_asset_was_delivered(past: tuple[Step, ...], command: Command) -> None:
    events = history(*past)
    delivered = state_of(events).delivered_on
    assert delivered is not None
    given(*events).when(command, business_date=day(85)).then_refused(
        r.BEFORE_DELIVERY, on=day(-1), delivered_on=delivered
    )


# --------------------------------------------------------------------------------------------------------- a disposal


def sold(proceeds_fen: int, costs_fen: int) -> tuple[Event, ...]:
    """The history up to a sale on day 86."""
    return history(*cases.REPOSSESSED, (86, DisposeAsset(proceeds_fen=proceeds_fen, costs_fen=costs_fen)))


@pytest.mark.parametrize(("proceeds_fen", "costs_fen"), [(0, 0), (20_000, 20_000)])
def test_a_sale_that_brings_nothing_pays_nothing(proceeds_fen: int, costs_fen: int) -> None:
    """Its costs may be all that it brings; the debt stays as it was."""
    events = sold(proceeds_fen, costs_fen)
    (found,) = [event for event in events if isinstance(event, AssetDisposed)]
    assert (found.applied, found.surplus_fen, found.credit_fen) == ((), 0, 0)
    state = state_of(events)
    assert state.phase is LeasePhase.DISPOSED
    assert state.balances.open_fen >= state_of(history(*cases.REPOSSESSED)).balances.open_fen
    check_agreement(events, state)


@forall(st.integers(0, 2_000_000), st.integers(0, 50_000))
def test_minfadian_758_what_a_sale_brings_is_debt_paid_or_surplus(proceeds_fen: int, costs_fen: int) -> None:
    """To the fen; a surplus exists exactly when nothing is owed any more."""
    if costs_fen > proceeds_fen:
        proceeds_fen, costs_fen = costs_fen, proceeds_fen
    events = sold(proceeds_fen, costs_fen)
    (found,) = [event for event in events if isinstance(event, AssetDisposed)]
    state, paid_fen = state_of(events), sum(one.fen for one in found.applied)
    assert paid_fen + found.surplus_fen == proceeds_fen - costs_fen
    assert found.surplus_fen == state.balances.credit_fen
    assert found.surplus_fen == 0 or state.balances.open_fen == 0
    assert (found.on, found.proceeds_fen, found.costs_fen) == (day(86), proceeds_fen, costs_fen)
    check_agreement(events, state)


def test_credit_from_before_is_part_of_the_surplus() -> None:
    """All that was owed was paid, and 500 yuan more; then the whole of the sale is the lessee's."""
    owed_fen = state_of(history(*cases.REPOSSESSED)).balances.open_fen
    ahead = (*cases.REPOSSESSED, pay(1, owed_fen + 50_000, 86))
    before = state_of(history(*ahead)).balances
    assert before.open_fen == 0 < before.credit_fen
    events = history(*ahead, (86, DisposeAsset(proceeds_fen=10_000, costs_fen=1)))
    (found,) = [event for event in events if isinstance(event, AssetDisposed)]
    assert (found.applied, found.credit_fen) == ((), 9_999)
    assert found.surplus_fen == state_of(events).balances.credit_fen == before.credit_fen + 9_999


# ------------------------------------------------------------------------------------------------------- a write-off


def test_a_write_off_takes_late_fees_up_to_its_day_with_it() -> None:
    """A later one writes off more, for the same debt."""
    gone = []
    for on in (86, 186):
        events = history(*cases.DISPOSED, (on, ChargeOffLease()))
        (found,) = [event for event in events if isinstance(event, LeaseChargedOff)]
        state = state_of(events)
        assert (found.on, state.balances.open_fen) == (day(on), 0)
        assert state.charged_off_fen == sum(part.fen for part in found.parts)
        assert not any(totals_of(events).get(code) for code in chart.RECEIVABLES.values())
        check_agreement(events, state)
        gone.append(state.charged_off_fen)
    assert gone[0] < gone[1]


def test_nothing_open_is_not_written_off() -> None:
    given(*history(*cases.RETURNED)).when(ChargeOffLease(), business_date=day(181)).then_refused(r.NOTHING_OPEN)


# --------------------------------------------------------------------------------------------------------- a demand


def test_a_demand_says_what_is_overdue_on_its_day() -> None:
    """A bill that is due today is not overdue, and a part that was paid is not demanded."""
    past = history(*RUNNING, bill(1), pay(1, 6_000, 30), bill(2))
    answer = given(*past).when(ServeDemand(cure_by=day(75)), business_date=day(60)).answer
    assert isinstance(answer, tuple)
    state = state_of((*past, *answer))
    assert state.demand is not None
    assert state.demand.bills == (1,)
    assert getattr(answer[0], "overdue_fen", 0) == 100_000


def test_a_remedy_is_not_chosen_for_what_fell_due_after_the_demand() -> None:
    """Two are overdue, but the one that was demanded is paid."""
    past = history(*RUNNING, bill(1), (31, ServeDemand(cure_by=day(46))), pay(1, 107_000, 40), bill(2), bill(3))
    given(*past).when(ElectRemedy(remedy=Remedy.TERMINATE), business_date=day(100)).then_refused(
        r.DEMAND_CURED, bills="1"
    )
