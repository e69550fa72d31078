"""One form for every test: given a past, when a command comes, then these events follow, or this rule says no.

    given(APPLICATION, drafted, submitted).when(StartVerification()).then(VerificationStarted())     an aggregate
    given(APPLICATION).when(SubmitApplication()).then_refused(UNKNOWN)
    given({consents_of(PERSON): (consent,)}).when(RecordIdentityVerified(…), state).then()            rules over streams
    given(APPLICATION_BOOK, (stream(1), at(0), DRAFTED)).row(stream(1))                               a read model
    (await lessor.when(LEASE, stream, command)).then("lease.created.v1")                              a ledger
    (await http.when("/v1/leases", body)).then(201, "lease.created.v1")                               the interface

Whatever an aggregate answers is also checked as the ledger would: each event fits its declaration, survives its own
encoding without its personal fields, and moves the version on by one. A rule that asks for more than it is given
fails the test, and so does a fact that no rule has asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload
from uuid import UUID

import msgspec

import domain.registry  # noqa: F401 - rules register themselves
from domain.kernel.command import Actor, Command, Context
from domain.kernel.decider import Decider, State, fold
from domain.kernel.event import Event, decode_body, type_of, validate, without_personal
from domain.kernel.needs import CROSS_RULES, Candidate, Need, Reference, missing
from domain.kernel.refusal import Refusal, RefusalKind
from domain.pricing.offer import Offer
from domain.pricing.quoting import OFFER
from projections.engine.folding import Folded, fold_batch, keyed
from projections.engine.model import Projection
from tests.projections.accounting.book_keeping import Happening, recorded

if TYPE_CHECKING:
    from api.compose import Running

S = TypeVar("S", bound=State)

TODAY = date(2026, 3, 2)
CLERK = Actor("merchant_operator", "clerk-7")
STREAM = UUID(int=0x57)
CONTEXT = Context(
    tenant=UUID(int=1),
    actor=CLERK,
    correlation=UUID(int=3),
    now=datetime(2026, 3, 2, 1, 30, tzinfo=UTC),
    business_date=TODAY,
)
NOTHING: Mapping[Need, Any] = {}
EVENTS_OF_ONE_COMMAND = 100


def context(**changes: Any) -> Context:
    """The usual context with some fields changed."""
    return msgspec.structs.replace(CONTEXT, **changes)


def check_refusal(answer: object, code: str, facts: Mapping[str, object]) -> None:
    """The answer is this refusal; facts that are given must be the refusal's facts, all of them."""
    assert isinstance(answer, Refusal), f"expected {code}, got {answer}"
    assert answer.code == code, f"expected {code}, got {answer.code}"
    if facts:
        assert dict(answer.facts) == {name: str(value) for name, value in facts.items()}


# ----------------------------------------------------------------------------------------------------- aggregates


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
        check_refusal(self.answer, kind.code, facts)


@dataclass(frozen=True)
class Given(Generic[S]):
    """The past of an aggregate."""

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
    """`given` of one aggregate."""

    def of_the_aggregate(*events: Event) -> Given[S]:
        return given(decider, *events)

    return of_the_aggregate


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


# -------------------------------------------------------------------------------------------- rules over streams


@dataclass(frozen=True)
class Verdict:
    """What the rules on a command said that its aggregate has agreed to."""

    answer: Refusal | None

    def then(self) -> None:
        """No rule says no."""
        assert self.answer is None, self.answer.sentence()

    def then_refused(self, kind: RefusalKind, **facts: object) -> None:
        """This rule says no; facts that are given must be the refusal's facts, all of them."""
        check_refusal(self.answer, kind.code, facts)


@dataclass(frozen=True)
class GivenFacts:
    """What would be read; `offer` is what every request is worked out to."""

    known: Mapping[Need, Any]
    offer: Offer | Refusal | None = None
    found: dict[Need, Any] = field(default_factory=dict)

    def when(self, command: Command, state: object, *, stream: UUID = STREAM, **changes: Any) -> Verdict:
        """Have every rule on the command judged, in order; keywords change the context."""
        candidate = Candidate(stream, command, state, context(**changes))
        for rule in CROSS_RULES[type(command)]:
            while needs := missing(rule.needs, candidate, self.found):
                self.found.update({need: self._read(need) for need in needs})
            refusal = rule.judge(candidate, self.found)
            if refusal is not None:
                return Verdict(refusal)
        assert self.known.keys() <= self.found.keys(), "facts that nobody asked for"
        return Verdict(None)

    def _read(self, need: Need) -> Any:
        if isinstance(need, Reference) and need.kind == OFFER:
            assert self.offer is not None, "an offer is worked out that was not given"
            return self.offer
        assert need in self.known, f"a fact is needed that was not given: {need}"
        return self.known[need]


# ---------------------------------------------------------------------------------------------------- read models


class GivenHistory:
    """The rows that a projection makes of a history, all at once and one by one, without a database."""

    def __init__(self, projection: Projection[Any], happenings: tuple[Happening, ...]) -> None:
        events = keyed(projection, recorded(happenings))
        self.folded: Folded[Any] = fold_batch(projection, {}, events)
        rows: dict[Any, Any] = {}
        for one in events:
            rows.update(fold_batch(projection, rows, [one]).changed)
        if not self.folded.dead_letters:
            assert rows == self.folded.changed, "one batch and many small ones must agree"

    def row(self, *key: object) -> Any:
        """The row of a key; every event up to here must have been folded."""
        assert self.folded.dead_letters == []
        return self.changed(*key)

    def changed(self, *key: object) -> Any:
        """The row of a key, whatever happened to others."""
        return self.folded.changed[tuple(map(str, key))]

    def parked(self) -> list[tuple[int, str]]:
        """(position, error) of what could not be folded."""
        return [(letter.position, letter.error) for letter in self.folded.dead_letters]


# -------------------------------------------------------------------------------------------------------- ledgers


@dataclass(frozen=True)
class Written:
    """What a ledger answered to one command, and the types of the events that it holds since, in ledger order."""

    answer: object
    appended: tuple[str, ...]

    def granted(self) -> None:
        """No rule says no."""
        assert not isinstance(self.answer, Refusal), self.answer.sentence()

    def then(self, *types: str) -> None:
        """Exactly these events were appended."""
        self.granted()
        assert self.appended == types

    def then_refused(self, code: str, **facts: object) -> None:
        """This rule says no, and not one event was appended; facts are all of the refusal's facts, if any."""
        check_refusal(self.answer, code, facts)
        assert self.appended == ()


async def when(
    program: Running,
    decider: Decider[Any],
    stream: UUID,
    command: Command,
    *,
    key: str = "",
    rules: bool = True,
    by: Context = CONTEXT,
    **changes: Any,
) -> Written:
    """Ask a ledger; without rules over streams, it writes a history that would not be its to permit."""
    # Whoever tests the domain alone need not wait for the adapters.
    from adapters.postgres.ledger import Ledger, Request
    from adapters.system import new_id

    ledger = program.ledger
    if not rules:
        ledger = Ledger(program.writer, program.reader, program.vault, keys=program.keys, new_id=new_id)
    own = {"correlation": stream} if by is CONTEXT else {}
    asked = msgspec.structs.replace(by, **own | changes)
    before = await program.reader.size()
    answer = await ledger.execute(
        decider, Request(stream=stream, key=key or new_id().hex, command=command, context=asked)
    )
    return Written(answer, await appended(program, before))


async def appended(program: Running, before: int) -> tuple[str, ...]:
    """The types of the events that a ledger holds behind a position."""
    return tuple(stored.parsed().type for stored in await program.reader.after(before, EVENTS_OF_ONE_COMMAND))


# ---------------------------------------------------------------------------------------------------------- given


@overload
def given(subject: Decider[S], *past: Event) -> Given[S]: ...
@overload
def given(subject: Projection[Any], *past: Happening) -> GivenHistory: ...
@overload
def given(subject: Mapping[Need, Any] = NOTHING, *, offer: Offer | Refusal | None = None) -> GivenFacts: ...
def given(subject: Any = NOTHING, *past: Any, offer: Offer | Refusal | None = None) -> Any:
    """The past of an aggregate, a history for a read model, in ledger order, or the facts that rules may read."""
    if isinstance(subject, Decider):
        return Given(subject, past)
    if isinstance(subject, Projection):
        return GivenHistory(subject, past)
    return GivenFacts(subject, offer)
