"""Users: who may make whom, in which role; a machine is no person, and nobody rises by himself."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.access import user as u
from domain.access.user import (
    USER,
    GrantRole,
    RegisterUser,
    ReinstateUser,
    SuspendUser,
    UserKind,
    UserRegistered,
    UserReinstated,
    UserRoleGranted,
    UserRoleWithdrawn,
    UserSuspended,
    WithdrawRole,
)
from domain.access.values import GIVEN_BY, UserRole, is_machine, is_person, user_of
from domain.kernel.command import SYSTEM, Actor
from domain.kernel.decider import Answer
from domain.kernel.event import Event
from domain.kernel.refusal import Refusal
from tests.given import given

ADMIN = Actor("merchant_admin", "person_" + "a" * 32)
ROBOT = Actor("merchant_admin", "machine_" + "b" * 32)
CLERK = RegisterUser(kind=UserKind.PERSON, label="E017", roles=(UserRole.COLLECTOR, UserRole.MERCHANT_OPERATOR))
REGISTERED = UserRegistered(
    kind=UserKind.PERSON,
    label="E017",
    roles=(UserRole.COLLECTOR, UserRole.MERCHANT_OPERATOR),
    by=ADMIN.id,
    vouched=False,
)


def events_of(answer: Answer) -> tuple[Event, ...]:
    assert not isinstance(answer, Refusal), answer
    return answer


def test_a_person_is_registered_with_sorted_roles_by_another() -> None:
    twice = RegisterUser(kind=UserKind.PERSON, label="E017", roles=(UserRole.MERCHANT_OPERATOR, *CLERK.roles))
    state = given(USER).when(twice, actor=ADMIN).then(REGISTERED)
    assert (state.roles, state.enrolled_by) == (("collector", "merchant_operator"), (ADMIN.id,))


def test_a_machine_looks_after_nobody() -> None:
    """It could make itself persons, and be its own second one."""
    given(USER).when(CLERK, actor=ROBOT).then_refused(u.PERSON_NEEDED)
    given(USER, REGISTERED).when(GrantRole(role=UserRole.RISK_OFFICER), actor=ROBOT).then_refused(u.PERSON_NEEDED)


@pytest.mark.parametrize("label", ["zhang.wei", "wang", "E", "13800138000", "110105194912310"])
def test_a_name_or_number_of_a_person_is_no_label_of_one(label: str) -> None:
    answer = given(USER).when(RegisterUser(kind=UserKind.PERSON, label=label, roles=CLERK.roles), actor=ADMIN).answer
    assert answer in (u.NO_STAFF_NUMBER(), u.LABEL_PERSONAL())


def test_machines_have_names() -> None:
    till = RegisterUser(kind=UserKind.MACHINE, label="till-3", roles=(UserRole.MERCHANT_OPERATOR,))
    given(USER).when(till, actor=ADMIN).then(
        UserRegistered(
            kind=UserKind.MACHINE, label="till-3", roles=(UserRole.MERCHANT_OPERATOR,), by=ADMIN.id, vouched=False
        )
    )


@pytest.mark.parametrize(
    "role", [UserRole.OPERATOR, UserRole.AUDITOR, UserRole.COURT, UserRole.REGULATOR, UserRole.LESSEE]
)
def test_an_administrator_gives_no_role_from_outside(role: UserRole) -> None:
    made = RegisterUser(kind=UserKind.PERSON, label="E1", roles=(role,))
    given(USER).when(made, actor=ADMIN).then_refused(u.ROLE_NOT_YOURS, by="merchant_admin", role=role.value)
    given(USER, REGISTERED).when(GrantRole(role=role), actor=ADMIN).then_refused(u.ROLE_NOT_YOURS)


@pytest.mark.parametrize("role", sorted(set(UserRole) - set(GIVEN_BY)))
def test_other_roles_give_none(role: str) -> None:
    given(USER).when(CLERK, actor=Actor(role, ADMIN.id)).then_refused(u.ROLE_NOT_YOURS)


def test_nobody_is_made_a_lessee_or_a_gateway_yet() -> None:
    """Their roles would read a whole tenant; they come with the case that they are kept to."""
    assert not {UserRole.LESSEE, UserRole.DEVICE_GATEWAY} & GIVEN_BY[SYSTEM]


def test_roles_come_and_go_and_one_stays() -> None:
    granted = UserRoleGranted(role=UserRole.RISK_OFFICER, by=ADMIN.id, vouched=False)
    given(USER, REGISTERED).when(GrantRole(role=UserRole.RISK_OFFICER), actor=ADMIN).then(granted)
    given(USER, REGISTERED).when(GrantRole(role=UserRole.COLLECTOR), actor=ADMIN).then_refused(u.HAS_ROLE)
    given(USER, REGISTERED).when(WithdrawRole(role=UserRole.RISK_OFFICER), actor=ADMIN).then_refused(u.LACKS_ROLE)
    less = UserRoleWithdrawn(role=UserRole.COLLECTOR)
    assert given(USER, REGISTERED).when(WithdrawRole(role=UserRole.COLLECTOR), actor=ADMIN).then(less).roles == (
        "merchant_operator",
    )
    last = WithdrawRole(role=UserRole.MERCHANT_OPERATOR)
    given(USER, REGISTERED, less).when(last, actor=ADMIN).then_refused(u.LAST_ROLE)


def test_a_suspended_user_is_reinstated_by_whoever_could_have_made_it() -> None:
    suspended = UserSuspended(reason="left")
    given(USER, REGISTERED).when(SuspendUser(reason="left"), actor=ADMIN).then(suspended)
    given(USER, REGISTERED, suspended).when(ReinstateUser(), actor=ADMIN).then(UserReinstated())
    given(USER, REGISTERED, suspended).when(GrantRole(role=UserRole.COLLECTOR), actor=ADMIN).then_refused(u.OTHER_STATE)
    operator = UserRegistered(kind=UserKind.PERSON, label="1", roles=(UserRole.OPERATOR,), by=ADMIN.id, vouched=False)
    given(USER, operator).when(SuspendUser(reason="left"), actor=ADMIN).then_refused(u.ROLE_NOT_YOURS)


def test_nobody_decides_about_himself() -> None:
    mine = UUID(hex="a" * 32)
    state = given(USER, REGISTERED).state
    for command in (
        GrantRole(role=UserRole.RISK_OFFICER),
        WithdrawRole(role=UserRole.COLLECTOR),
        SuspendUser(reason="x"),
    ):
        given({}).when(command, state, stream=mine, actor=ADMIN).then_refused(u.ITSELF)
    suspended = given(USER, REGISTERED, UserSuspended(reason="x")).state
    given({}).when(ReinstateUser(), suspended, stream=mine, actor=ADMIN).then_refused(u.ITSELF)


def test_who_gave_a_role_is_known_as_is_who_registered() -> None:
    """Each of them can be one of two with nobody whom he made what he is."""
    granted = UserRoleGranted(role=UserRole.RISK_OFFICER, by="person_" + "e" * 32, vouched=False)
    assert given(USER, REGISTERED, granted).state.enrolled_by == tuple(sorted((ADMIN.id, granted.by)))


@pytest.mark.parametrize(
    ("actor", "person", "machine"),
    [
        (ADMIN.id, True, False),
        (ROBOT.id, False, True),
        ("person_x", False, False),
        ("person_" + "A" * 32, False, False),
        ("person_" + "a" * 33, False, False),
        ("process:posting", False, False),
        ("key_" + "0" * 16, False, False),
    ],
)
def test_who_is_a_person(actor: str, person: bool, machine: bool) -> None:
    assert (is_person(actor), is_machine(actor)) == (person, machine)
    assert user_of(actor) == (UUID(hex=actor[-32:]) if person or machine else None)


def test_whoever_runs_the_ledger_vouches_and_an_administrator_does_not() -> None:
    """An administrator could register himself twice; two persons together, or the operator, are believed."""
    operator = Actor("operator", "person_" + "e" * 32)
    for actor, proposed_by, vouched in (
        (operator, "", True), (Actor(SYSTEM, "command-line"), "", True), (ADMIN, "", False), (ADMIN, operator.id, True),
    ):  # fmt: skip
        [registered] = events_of(given(USER).when(CLERK, actor=actor, proposed_by=proposed_by).answer)
        assert isinstance(registered, UserRegistered)
        assert registered.vouched is vouched
        state = given(USER, registered).state
        assert state.vouched == (("collector", "merchant_operator") if vouched else ())
        grant = GrantRole(role=UserRole.RISK_OFFICER)
        [granted] = events_of(given(USER, registered).when(grant, actor=actor, proposed_by=proposed_by).answer)
        assert ("risk_officer" in given(USER, registered, granted).state.vouched) is vouched
        assert actor.id in given(USER, registered, granted).state.enrolled_by


def test_a_role_that_was_taken_and_given_again_is_vouched_for_anew() -> None:
    registered = UserRegistered(
        kind=UserKind.PERSON,
        label="1",
        roles=(UserRole.COLLECTOR, UserRole.RISK_OFFICER),
        by="command-line",
        vouched=True,
    )
    again = (
        UserRoleWithdrawn(role=UserRole.COLLECTOR),
        UserRoleGranted(role=UserRole.COLLECTOR, by=ADMIN.id, vouched=False),
    )
    assert given(USER, registered, *again).state.vouched == ("risk_officer",)


def test_an_administrator_takes_and_gives_back_nothing_of_an_operator() -> None:
    operator = UserRegistered(
        kind=UserKind.PERSON, label="1", roles=(UserRole.COLLECTOR, UserRole.OPERATOR), by="command-line", vouched=True
    )
    given(USER, operator).when(WithdrawRole(role=UserRole.OPERATOR), actor=ADMIN).then_refused(u.ROLE_NOT_YOURS)
    suspended = UserSuspended(reason="left")
    given(USER, operator, suspended).when(ReinstateUser(), actor=ADMIN).then_refused(u.ROLE_NOT_YOURS)
