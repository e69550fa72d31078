"""A mandate: granted, suspended, ended, granted again; and what it permits."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from domain.kernel.command import Command
from domain.kernel.event import Event, type_of
from domain.payments import mandate
from domain.payments.mandate import (
    MANDATE,
    ExpireMandate,
    GrantMandate,
    MandateExpired,
    MandateGranted,
    MandatePhase,
    MandateResumed,
    MandateRevoked,
    MandateState,
    MandateSuspended,
    ResumeMandate,
    RevokeMandate,
    SuspendMandate,
    mandate_stream,
    permits,
)
from domain.payments.payment.values import CollectionPolicy
from tests.given import TODAY, context, scenarios

given = scenarios(MANDATE)
LEASE = UUID(int=55)
POLICY = CollectionPolicy(channels=("bank_a", "bank_b"), minimum_fen=100)
LAST = TODAY + timedelta(days=30)
GRANT = GrantMandate(
    lease=LEASE, reference="DD-1", policy=POLICY, limit_fen=50_000, valid_until=LAST, evidence="e" * 64
)
GRANTED = MandateGranted(
    lease=LEASE, reference="DD-1", policy=POLICY, granted_on=TODAY, limit_fen=50_000, valid_until=LAST,
    evidence="e" * 64,
)  # fmt: skip
SUSPENDED = MandateSuspended(reason="disputed")
REVOKED = MandateRevoked(revoked_on=TODAY, reason="lessee")
EXPIRED = MandateExpired(business_date=LAST + timedelta(days=1))
HISTORIES: dict[MandatePhase, tuple[Event, ...]] = {
    MandatePhase.ABSENT: (),
    MandatePhase.GRANTED: (GRANTED,),
    MandatePhase.SUSPENDED: (GRANTED, SUSPENDED),
    MandatePhase.REVOKED: (GRANTED, REVOKED),
    MandatePhase.EXPIRED: (GRANTED, EXPIRED),
}
SAMPLES: dict[Command, dict[MandatePhase, str]] = {
    GRANT: {
        MandatePhase.ABSENT: "mandate.granted.v1",
        MandatePhase.GRANTED: "mandate.exists",
        MandatePhase.SUSPENDED: "mandate.exists",
        MandatePhase.REVOKED: "mandate.granted.v1",
        MandatePhase.EXPIRED: "mandate.granted.v1",
    },
    SuspendMandate(reason="disputed"): {
        MandatePhase.ABSENT: "mandate.unknown",
        MandatePhase.GRANTED: "mandate.suspended.v1",
        MandatePhase.SUSPENDED: "mandate.not_granted",
        MandatePhase.REVOKED: "mandate.closed",
        MandatePhase.EXPIRED: "mandate.closed",
    },
    ResumeMandate(): {
        MandatePhase.ABSENT: "mandate.unknown",
        MandatePhase.GRANTED: "mandate.not_suspended",
        MandatePhase.SUSPENDED: "mandate.resumed.v1",
        MandatePhase.REVOKED: "mandate.closed",
        MandatePhase.EXPIRED: "mandate.closed",
    },
    RevokeMandate(reason="lessee"): {
        MandatePhase.ABSENT: "mandate.unknown",
        MandatePhase.GRANTED: "mandate.revoked.v1",
        MandatePhase.SUSPENDED: "mandate.revoked.v1",
        MandatePhase.REVOKED: "mandate.closed",
        MandatePhase.EXPIRED: "mandate.closed",
    },
    ExpireMandate(): {
        MandatePhase.ABSENT: "mandate.unknown",
        MandatePhase.GRANTED: "mandate.not_yet_expired",
        MandatePhase.SUSPENDED: "mandate.not_yet_expired",
        MandatePhase.REVOKED: "mandate.closed",
        MandatePhase.EXPIRED: "mandate.closed",
    },
}
"""What every command leads to in every phase: the event, or the rule that says no."""


@pytest.mark.parametrize(
    ("command", "phase", "expected"),
    [(command, phase, expected) for command, row in SAMPLES.items() for phase, expected in row.items()],
)
def test_every_command_in_every_phase(command: Command, phase: MandatePhase, expected: str) -> None:
    answer = given(*HISTORIES[phase]).when(command).answer
    got = type_of(answer[0]) if isinstance(answer, tuple) else answer.code
    assert got == expected


def test_the_table_is_whole() -> None:
    assert tuple(type(command) for command in SAMPLES) == MANDATE.commands
    assert all(tuple(row) == tuple(MandatePhase) == tuple(HISTORIES) for row in SAMPLES.values())
    for phase, history in HISTORIES.items():
        assert given(*history).state.phase is phase


def test_a_grant_says_what_is_allowed() -> None:
    state = given().when(GRANT).then(GRANTED)
    assert (state.reference, state.policy, state.limit_fen, state.valid_until) == ("DD-1", POLICY, 50_000, LAST)


def test_granting_again_takes_the_new_terms() -> None:
    again = replace(GRANT, reference="DD-2", limit_fen=None, valid_until=None)
    state = (
        given(GRANTED, REVOKED).when(again).then(replace(GRANTED, reference="DD-2", limit_fen=None, valid_until=None))
    )
    assert (state.phase, state.reference, state.limit_fen) == (MandatePhase.GRANTED, "DD-2", None)


@pytest.mark.parametrize(
    ("events", "command", "kind", "facts"),
    [
        ((GRANTED, REVOKED), replace(GRANT, lease=UUID(int=9)), mandate.LEASE_DIFFERS, {}),
        ((), replace(GRANT, reference="13912345678"), mandate.REFERENCE_PERSONAL, {}),
        ((), replace(GRANT, reference="11010519491231002X"), mandate.REFERENCE_PERSONAL, {}),
        (
            (),
            replace(GRANT, policy=CollectionPolicy(channels=("a", "a"))),
            mandate.CHANNELS_REPEAT,
            {"channels": "a a"},
        ),
        ((), replace(GRANT, limit_fen=99), mandate.LIMIT_TOO_SMALL, {"limit_fen": 99, "minimum_fen": 100}),
        ((), replace(GRANT, valid_until=TODAY - timedelta(days=1)), mandate.VALIDITY_PASSED, {}),
        ((replace(GRANTED, valid_until=None),), ExpireMandate(), mandate.NOT_YET_EXPIRED, {}),
    ],
)
def test_refusals(events: tuple[Event, ...], command: Command, kind: Any, facts: dict[str, object]) -> None:
    given(*events).when(command).then_refused(kind, **facts)


def test_a_mandate_expires_the_day_after_its_last() -> None:
    given(GRANTED).when(ExpireMandate(), business_date=LAST).then_refused(
        mandate.NOT_YET_EXPIRED, valid_until=LAST, business_date=LAST
    )
    for history in ((GRANTED,), (GRANTED, SUSPENDED)):
        given(*history).when(ExpireMandate(), business_date=LAST + timedelta(days=1)).then(EXPIRED)
    given(GRANTED, SUSPENDED).when(ResumeMandate(), business_date=LAST + timedelta(days=1)).then_refused(
        mandate.VALIDITY_PASSED
    )
    given(GRANTED, SUSPENDED).when(ResumeMandate(), business_date=LAST).then(MandateResumed())


def test_what_a_mandate_permits() -> None:
    state = given(GRANTED).state
    assert permits(state, "DD-1", 50_000, LAST) is None
    refused = [
        (permits(state, "DD-1", 50_001, LAST), mandate.BEYOND_LIMIT),
        (permits(state, "DD-2", 1, LAST), mandate.REFERENCE_DIFFERS),
        (permits(state, "DD-1", 1, LAST + timedelta(days=1)), mandate.VALIDITY_PASSED),
        (permits(given(GRANTED, SUSPENDED).state, "DD-1", 1, TODAY), mandate.NOT_GRANTED),
        (permits(MandateState(), "DD-1", 1, TODAY), mandate.NOT_GRANTED),
    ]
    for got, kind in refused:
        assert got is not None
        assert got.kind is kind
    assert permits(given(replace(GRANTED, limit_fen=None, valid_until=None)).state, "DD-1", 10**9, LAST) is None


def test_a_lease_has_one_mandate_and_each_lease_its_own() -> None:
    assert mandate_stream(LEASE) == mandate_stream(UUID(int=55))
    assert mandate_stream(LEASE) != mandate_stream(UUID(int=56))


def test_foreign_commands_and_events_are_mistakes() -> None:
    class Foreign(Command, frozen=True):
        pass

    class Happened(Event, frozen=True):
        pass

    with pytest.raises(TypeError, match="expected a command to the aggregate mandate, got Foreign"):
        MANDATE.decide(Foreign(), MANDATE.initial, context())
    with pytest.raises(TypeError, match="expected an event of the aggregate mandate, got Happened"):
        MANDATE.evolve(MANDATE.initial, Happened())
