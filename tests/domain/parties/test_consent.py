"""A consent's life: what is asked for, what is granted, how it ends, and every rule that says no."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from domain.kernel.command import Command
from domain.kernel.event import EVENT_TYPES, Event, personal_fields
from domain.kernel.refusal import REFUSALS, RefusalKind
from domain.parties import consent as r
from domain.parties import permission
from domain.parties.consent import (
    CONSENT,
    ConsentDeclined,
    ConsentExpired,
    ConsentGranted,
    ConsentPhase,
    ConsentRenewed,
    ConsentRequested,
    ConsentWithdrawn,
    ExpireConsent,
)
from domain.parties.purposes import IN_WRITING, RENEWALS_MAX, Period, Purpose
from tests.domain.parties import consents as c
from tests.domain.parties.consents import given
from tests.given import TODAY

GOLDEN = Path(__file__).with_name("consent_table.txt")
MANY = tuple(
    ConsentRenewed(clause=c.CLAUSE, renewed_on=TODAY, expires_on=c.UNTIL, evidence=c.EVIDENCE)
    for _ in range(RENEWALS_MAX)
)
BIOMETRICS = replace(c.REQUESTED, purpose=Purpose.BIOMETRICS, uses=())


def test_table_is_as_agreed() -> None:
    """A changed cell is a changed business rule: read the difference, then write the table anew."""
    assert c.text().splitlines() == GOLDEN.read_text("utf-8").splitlines()


def test_table_has_every_command_and_phase() -> None:
    assert tuple(type(command) for command in c.SAMPLES) == CONSENT.commands
    assert tuple(c.HISTORIES) == tuple(ConsentPhase)
    for phase, history in c.HISTORIES.items():
        assert given(*history).state.phase is phase


def test_request_names_everything() -> None:
    state = given().when(c.REQUEST).then(c.REQUESTED)
    assert (state.phase, state.subject, state.purpose) == (ConsentPhase.REQUESTED, c.SUBJECT, Purpose.CREDIT_INQUIRY)
    assert state.periods == ()


def test_grant_may_be_narrower_than_the_request() -> None:
    state = given(c.REQUESTED).when(c.GRANT).then(replace(c.GRANTED, granted_on=TODAY))
    assert state.recipients == (c.BUREAU,)
    assert state.periods == (Period(TODAY, c.UNTIL),)


def test_grant_may_end_today() -> None:
    granted = replace(c.GRANTED, granted_on=TODAY, expires_on=TODAY)
    given(c.REQUESTED).when(replace(c.GRANT, expires_on=TODAY)).then(granted)


@pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose not in IN_WRITING])
def test_other_purposes_need_no_writing(purpose: Purpose) -> None:
    asked = replace(c.REQUESTED, purpose=purpose, uses=())
    state = (
        given(asked)
        .when(replace(c.GRANT, uses=(), evidence=None))
        .then(
            ConsentGranted(
                purpose=purpose, recipients=(c.BUREAU,), clause=c.CLAUSE, granted_on=TODAY, expires_on=c.UNTIL
            )
        )
    )
    assert state.phase is ConsentPhase.GRANTED


def test_decline_is_an_end() -> None:
    state = given(c.REQUESTED).when(c.DECLINE).then(ConsentDeclined(channel="app"))
    assert state.phase is ConsentPhase.DECLINED


def test_withdrawal_keeps_what_was() -> None:
    state = given(*c.TO_GRANTED).when(c.WITHDRAW).then(ConsentWithdrawn(withdrawn_on=TODAY, channel="app"))
    assert state.periods == (Period(c.GRANTED.granted_on, c.UNTIL),)
    assert state.withdrawn_on == TODAY


def test_renewal_in_time_prolongs() -> None:
    state = (
        given(*c.TO_GRANTED)
        .when(c.RENEW)
        .then(ConsentRenewed(clause=c.NEWER, renewed_on=TODAY, expires_on=c.LATER, evidence=c.EVIDENCE))
    )
    assert state.periods == (Period(c.GRANTED.granted_on, c.LATER),)
    assert state.clause == c.NEWER


def test_late_renewal_leaves_the_gap() -> None:
    tomorrow = TODAY + timedelta(days=1)
    state = (
        given(*c.HISTORIES[ConsentPhase.EXPIRED])
        .when(c.RENEW, business_date=tomorrow)
        .then(ConsentRenewed(clause=c.NEWER, renewed_on=tomorrow, expires_on=c.LATER, evidence=c.EVIDENCE))
    )
    assert state.phase is ConsentPhase.GRANTED
    assert state.periods == (Period(c.GRANTED.granted_on, c.YESTERDAY), Period(tomorrow, c.LATER))


def test_expiry_is_the_day_after() -> None:
    after = c.UNTIL + timedelta(days=1)
    given(*c.TO_GRANTED).when(ExpireConsent(), business_date=c.UNTIL).then_refused(
        r.NOT_YET_EXPIRED, expires_on=c.UNTIL, business_date=c.UNTIL
    )
    given(*c.TO_GRANTED).when(ExpireConsent(), business_date=after).then(ConsentExpired(business_date=after))
    state = given(c.REQUESTED).when(ExpireConsent(), business_date=after).then(ConsentExpired(business_date=after))
    assert state.periods == ()


def test_an_unanswered_request_that_expired_cannot_be_renewed() -> None:
    history = (c.REQUESTED, ConsentExpired(business_date=date(2027, 3, 2)))
    given(*history).when(c.RENEW).then_refused(r.CLOSED, phase=ConsentPhase.EXPIRED)


REACHED: list[tuple[RefusalKind, tuple[Event, ...], Command]] = [
    (r.UNKNOWN, (), c.GRANT),
    (r.EXISTS, (c.REQUESTED,), c.REQUEST),
    (r.CLOSED, c.HISTORIES[ConsentPhase.WITHDRAWN], c.RENEW),
    (r.NOT_REQUESTED, c.TO_GRANTED, c.GRANT),
    (r.NOT_GRANTED, (c.REQUESTED,), c.WITHDRAW),
    (r.NOT_RENEWABLE, (c.REQUESTED,), c.RENEW),
    (r.EXPIRY_PASSED, (), replace(c.REQUEST, expires_on=c.YESTERDAY)),
    (r.EXPIRY_PASSED, (c.REQUESTED,), replace(c.GRANT, expires_on=c.YESTERDAY)),
    (r.EXPIRY_PASSED, (c.REQUESTED, c.LAPSED), replace(c.RENEW, expires_on=c.YESTERDAY)),
    (r.NOT_YET_EXPIRED, c.TO_GRANTED, ExpireConsent()),
    (r.NOT_LATER, c.TO_GRANTED, replace(c.RENEW, expires_on=c.UNTIL)),
    (r.RENEWALS_FULL, (*c.TO_GRANTED, *MANY), c.RENEW),
    (r.CLAUSE_DIFFERS, (c.REQUESTED,), replace(c.GRANT, clause=c.NEWER)),
    (r.BEYOND_REQUEST, (c.REQUESTED,), replace(c.GRANT, recipients=(c.BUREAU, "bureau_z"))),
    (r.BEYOND_REQUEST, (c.REQUESTED,), replace(c.GRANT, uses=(c.USE, "marketing"))),
    (r.BEYOND_REQUEST, (c.REQUESTED,), replace(c.GRANT, expires_on=c.LATER)),
    (r.RECIPIENT_TWICE, (), replace(c.REQUEST, recipients=(c.BUREAU, c.BUREAU))),
    (r.RECIPIENT_TWICE, (c.REQUESTED,), replace(c.GRANT, uses=(c.USE, c.USE))),
    (r.USES_MISSING, (), replace(c.REQUEST, uses=())),
    (r.USES_MISSING, (c.REQUESTED,), replace(c.GRANT, uses=())),
    (r.NOT_IN_WRITING, (c.REQUESTED,), replace(c.GRANT, evidence=None)),
    (r.NOT_IN_WRITING, c.TO_GRANTED, replace(c.RENEW, evidence=None)),
]
ASKED_BY_PERMITS = {
    *(permission.PURPOSE_DIFFERS, permission.NOT_YET_GRANTED, permission.WITHDRAWN, permission.EXPIRED),
    *(permission.RECIPIENT_NOT_NAMED, permission.USE_NOT_AGREED, permission.MISSING),
}


@pytest.mark.parametrize(
    ("kind", "past", "command"), REACHED, ids=[f"{n}-{k.code}" for n, (k, _, _) in enumerate(REACHED)]
)
def test_every_rule_is_reached(kind: RefusalKind, past: tuple[Event, ...], command: Command) -> None:
    given(*past).when(command).then_refused(kind)


def test_no_rule_is_forgotten() -> None:
    mine = {kind for code, kind in REFUSALS.items() if code.startswith("consent.")}
    assert mine == {kind for kind, _, _ in REACHED} | ASKED_BY_PERMITS
    for kind in mine:
        assert kind.en
        assert re.search("[一-鿿]", kind.zh)


def test_rules_are_heard_in_order() -> None:
    """A grant that breaks every rule hears them one by one as it is mended."""
    wish = replace(c.GRANT, clause=c.NEWER, recipients=("z", "z"), uses=(), expires_on=c.YESTERDAY, evidence=None)
    for kind, mended in (
        (r.CLAUSE_DIFFERS, {"clause": c.CLAUSE}),
        (r.BEYOND_REQUEST, {"recipients": (c.BUREAU, c.BUREAU)}),
        (r.RECIPIENT_TWICE, {"recipients": (c.BUREAU,)}),
        (r.USES_MISSING, {"uses": (c.USE,)}),
        (r.EXPIRY_PASSED, {"expires_on": c.UNTIL}),
        (r.NOT_IN_WRITING, {"evidence": c.EVIDENCE}),
    ):
        given(c.REQUESTED).when(wish).then_refused(kind)
        wish = replace(wish, **mended)
    given(c.REQUESTED).when(wish).then(replace(c.GRANTED, granted_on=TODAY))


def test_nothing_personal_and_nothing_forgotten() -> None:
    """The person is an id; every event of the aggregate evolves."""
    mine = {cls for name, cls in EVENT_TYPES.items() if name.startswith("consent.")}
    assert set(CONSENT.events) == mine
    assert all(personal_fields(cls) == () for cls in mine)


def test_foreign_events_and_commands_are_errors() -> None:
    with pytest.raises(TypeError, match="expected an event of the aggregate consent"):
        CONSENT.evolve(given().state, Event())
    with pytest.raises(TypeError, match="expected a command to the aggregate consent"):
        given(c.REQUESTED).when(Command())


@pytest.mark.parametrize("phase", ConsentPhase)
def test_every_event_moves_every_state_on_by_one(phase: ConsentPhase) -> None:
    events: list[Event] = [c.REQUESTED, c.GRANTED, *MANY[:1]]
    events += [history[-1] for history in c.HISTORIES.values() if history]
    state = given(*c.HISTORIES[phase]).state
    for event in events:
        assert given(*c.HISTORIES[phase], event).state.version == state.version + 1


def test_request_is_an_event_about_its_subject() -> None:
    assert isinstance(c.REQUESTED, ConsentRequested)
    assert BIOMETRICS.subject == c.SUBJECT
