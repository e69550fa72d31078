"""Given past events, when a command comes, then these events follow, or this rule says no.

    given = scenarios(APPLICATION)
    given(drafted, submitted).when(StartVerification()).then(VerificationStarted())
    given().when(SubmitApplication()).then_refused(UNKNOWN)

Whatever follows is also checked as the ledger would: each event fits its declaration, survives its own encoding
without its personal fields, and moves the version on by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import msgspec

from domain.kernel.command import Actor, Command, Context
from domain.kernel.decider import Decider, State, fold
from domain.kernel.event import Event, decode_body, type_of, validate, without_personal
from domain.kernel.refusal import Refusal, RefusalKind

S = TypeVar("S", bound=State)

TODAY = date(2026, 3, 2)
CLERK = Actor("merchant_operator", "clerk-7")
CONTEXT = Context(
    tenant=UUID(int=1),
    actor=CLERK,
    command=UUID(int=2),
    correlation=UUID(int=3),
    now=datetime(2026, 3, 2, 1, 30, tzinfo=UTC),
    business_date=TODAY,
)


def context(**changes: Any) -> Context:
    """The usual context with some fields changed."""
    return msgspec.structs.replace(CONTEXT, **changes)


@dataclass(frozen=True)
class Outcome(Generic[S]):
    """What a decider answered, waiting to be judged."""

    decider: Decider[S]
    before: S
    answer: tuple[Event, ...] | Refusal

    def then(self, *expected: Event) -> S:
        """Exactly these events follow; gives the state after them."""
        assert self.answer == expected
        state = self.before
        for event in expected:
            check_event(event)
            version = version_of(state)
            state = self.decider.evolve(state, event)
            assert version_of(state) == version + 1
        return state

    def then_refused(self, kind: RefusalKind, **facts: object) -> None:
        """This rule says no; facts that are given must be the refusal's facts, all of them."""
        assert isinstance(self.answer, Refusal), f"expected {kind.code}, got {self.answer}"
        assert self.answer.kind is kind, f"expected {kind.code}, got {self.answer.code}"
        if facts:
            assert dict(self.answer.facts) == {name: str(value) for name, value in facts.items()}


@dataclass(frozen=True)
class Given(Generic[S]):
    """A past."""

    decider: Decider[S]
    events: tuple[Event, ...]

    @property
    def state(self) -> S:
        """The state after the past."""
        return fold(self.decider, self.events)

    def when(self, command: Command, **changes: Any) -> Outcome[S]:
        """Ask the decider; keywords change the context."""
        answer = self.decider.decide(command, self.state, context(**changes))
        return Outcome(self.decider, self.state, answer)


def scenarios(decider: Decider[S]) -> Callable[..., Given[S]]:
    """`given(*events)` of one aggregate."""

    def given(*events: Event) -> Given[S]:
        return Given(decider, events)

    return given


def version_of(state: object) -> int:
    """How many events a state has seen; every aggregate's state says so."""
    version = getattr(state, "version", None)
    assert isinstance(version, int), f"{type(state).__name__} has no version"
    return version


def body_of(event: Event) -> bytes:
    """The canonical JSON that the ledger stores for an event."""
    return msgspec.json.encode(without_personal(event), order="sorted")


def check_event(event: Event) -> None:
    """An event fits its declaration and is, without its personal fields, what its stored body decodes to."""
    validate(event)
    assert decode_body(type_of(event), body_of(event)) == without_personal(event)
