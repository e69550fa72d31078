"""How a case ends, and the work that goes on beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from domain.intake.application import refusals
from domain.intake.application.commands import (
    CompleteApplication,
    CompleteWork,
    ExpireApplication,
    ScheduleWork,
    StartContracting,
    StartWork,
    WithdrawApplication,
)
from domain.intake.application.events import (
    ApplicationCompleted,
    ApplicationExpired,
    ApplicationWithdrawn,
    ContractingStarted,
    WorkCompleted,
    WorkScheduled,
    WorkStarted,
)
from domain.intake.application.state import CLOSED, OPEN, ApplicationPhase
from domain.kernel.command import Command
from domain.kernel.event import Event
from tests.domain import cases
from tests.domain.cases import given
from tests.given import TODAY

LANE = "Nabellen offertes"
SCHEDULED = WorkScheduled(lane=LANE)


def test_contract_is_made_and_in_force() -> None:
    making = given(*cases.TO_ACCEPTED).when(StartContracting()).then(ContractingStarted())
    assert making.phase is ApplicationPhase.CONTRACTING
    done = given(*cases.TO_CONTRACTING).when(CompleteApplication()).then(ApplicationCompleted())
    assert (done.phase, done.version) == (ApplicationPhase.COMPLETED, len(cases.TO_CONTRACTING) + 1)


def test_contract_needs_an_accepted_offer() -> None:
    given(*cases.TO_APPROVED).when(StartContracting()).then_refused(refusals.OFFER_NOT_ACCEPTED, phase="approved")
    given(*cases.TO_APPROVED).when(CompleteApplication()).then_refused(refusals.NOT_CONTRACTING, phase="approved")


@pytest.mark.parametrize("phase", sorted(OPEN))
def test_every_open_case_may_be_withdrawn_and_its_offer_lapses(phase: ApplicationPhase) -> None:
    events = (*cases.HISTORIES[phase], cases.FINALISED, cases.SELECTED, cases.CREATED, cases.SECOND)
    command = WithdrawApplication(reason="changed_mind")
    state = given(*events).when(command).then(ApplicationWithdrawn(reason="changed_mind"))
    assert (state.phase, state.offer, state.selected) == (ApplicationPhase.WITHDRAWN, None, None)


@pytest.mark.parametrize("phase", sorted(OPEN))
def test_every_open_case_expires_after_its_last_day(phase: ApplicationPhase) -> None:
    state = given(*cases.HISTORIES[phase]).when(ExpireApplication()).then(ApplicationExpired(business_date=TODAY))
    assert (state.phase, state.offer) == (ApplicationPhase.EXPIRED, None)


@pytest.mark.parametrize("days_left", [0, 1, 300])
def test_case_lives_through_its_last_day(days_left: int) -> None:
    last_day = TODAY + timedelta(days=days_left)
    given(replace(cases.DRAFTED, expires_on=last_day)).when(ExpireApplication()).then_refused(
        refusals.NOT_YET_EXPIRED, expires_on=last_day, business_date=TODAY
    )


def test_case_without_a_last_day_does_not_expire() -> None:
    given(cases.PHONE_DRAFTED).when(ExpireApplication()).then_refused(refusals.NOT_YET_EXPIRED)


@pytest.mark.parametrize("phase", [phase for phase in ApplicationPhase if phase is not ApplicationPhase.ABSENT])
def test_work_happens_in_every_phase(phase: ApplicationPhase) -> None:
    """People finish their work after a case is closed; that is a fact, and facts are recorded."""
    history = cases.HISTORIES[phase]
    scheduled = given(*history).when(ScheduleWork(lane=LANE)).then(SCHEDULED)
    assert (scheduled.phase, scheduled.work) == (phase, frozenset({LANE}))
    given(*history, SCHEDULED).when(StartWork(lane=LANE)).then(WorkStarted(lane=LANE))
    given(*history, SCHEDULED).when(CompleteWork(lane=LANE)).then(WorkCompleted(lane=LANE))


@pytest.mark.parametrize("command", [StartWork(lane=LANE), CompleteWork(lane=LANE)])
def test_lane_must_have_been_scheduled_once(command: Command) -> None:
    other = WorkScheduled(lane="Valideren aanvraag")
    given(*cases.TO_VERIFYING, other).when(command).then_refused(refusals.WORK_NOT_SCHEDULED, lane=LANE)


def test_work_repeats_in_any_order() -> None:
    events: list[Event] = [*cases.TO_VERIFYING]
    story: list[tuple[Command, Event]] = [
        (ScheduleWork(lane=LANE), SCHEDULED),
        (StartWork(lane=LANE), WorkStarted(lane=LANE)),
        (ScheduleWork(lane=LANE), SCHEDULED),
        (CompleteWork(lane=LANE), WorkCompleted(lane=LANE)),
        (CompleteWork(lane=LANE), WorkCompleted(lane=LANE)),
        (StartWork(lane=LANE), WorkStarted(lane=LANE)),
    ]
    for command, event in story:
        given(*events).when(command).then(event)
        events.append(event)
    assert given(*events).state.version == len(events)


def test_phases_are_open_or_closed_or_not_there() -> None:
    assert OPEN | CLOSED | {ApplicationPhase.ABSENT} == set(ApplicationPhase)
    assert not OPEN & CLOSED
