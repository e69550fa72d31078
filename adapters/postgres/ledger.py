"""The write path: load the aggregate, decide, judge by what other streams say, append; a receipt or a refusal.

Request ─▶ state (held, else replayed) ─▶ decide ─▶ events ─▶ cross rules ─▶ drafts ─▶ group commit ─▶ Appended
                    ▲                        │              │  facts                        │
                    └── moved: read again ◀──┴── Refusal ◀──┘  reads, checked there ◀───────┘

A decider sees its own stream. Rules over other streams (`domain.kernel.needs`) are judged after it agreed, at every
attempt, whichever door the command came through. The append carries the version of every stream that was read: what was
judged is still true when it is written. A "no" is checked in the same way before anybody hears it. Events that are
appended without a decision here (`append`: imports take over the history of another system) were not ours to permit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from adapters.keys import KeyProvider
from adapters.postgres.reading.facts import JUDGED_AGAIN, FactLoader, LoadedFacts
from adapters.postgres.reading.reader import Reader
from adapters.postgres.reading.states import Reads, States
from adapters.postgres.vault import Vault, personal_values
from adapters.postgres.writing.group_commit import GroupCommit
from adapters.postgres.writing.sequencer import (
    Append,
    Appended,
    AppendError,
    KeyReused,
    KnownCommand,
    Part,
    PersonalRow,
    ReadMoved,
    StateMoved,
    StreamBegun,
    SubjectKeyTaken,
    TenantLockLost,
    VersionConflict,
)
from chain.entry import PAYLOAD_KEY, DecidedEvent, Draft, EntryTooLarge, command_id, draft
from domain.kernel.command import Command, Context
from domain.kernel.decider import Decider, fold
from domain.kernel.event import TOO_LARGE, Event, subject_of
from domain.kernel.needs import Candidate
from domain.kernel.refusal import Refusal
from domain.kernel.values import canonical_json

MAX_ATTEMPTS = 16
"""Times a command is decided again because its stream moved on, before the conflict is the caller's."""


class Request(Struct, frozen=True, kw_only=True, gc=False):
    """One command for one stream.

    `expected` is the version the caller saw, if it insists on one (If-Match). `new` says that the caller has just made
    the stream's id, so that there is nothing to load; should it be wrong, the append finds out and loads. `first`
    demands that its events are the ledger's first. `asked` is what the caller gave of the command, where the rest was
    filled in for it: only that makes a repeated request the same one. The case of an event is that of its stream; a new
    stream is of the case of the stream that it is `about`, or else of the context's. What callers give keys for is not
    `system`: their keys are apart from the program's own. What is `together` with it is refused with it.
    """

    stream: UUID
    key: str
    command: Command
    context: Context
    expected: int | None = None
    new: bool = False
    first: bool = False
    asked: object = None
    about: UUID | None = None
    system: bool = True
    together: Companion | None = None


class Companion(Struct, frozen=True, kw_only=True):
    """A command to another stream that happens together with a request's own, or not at all; only at a version, where
    one is `expected`.
    """

    decider: Decider[Any]
    stream: UUID
    command: Command
    expected: int | None = None


class StreamBusy(AppendError):
    """A stream that moved on at every attempt; nothing was written, try again."""


class Decided(Struct, frozen=True, gc=False):
    """What an aggregate answered: the stream at the version and in the state that it saw, the events to append."""

    decider: Decider[Any]
    stream: UUID
    version: int
    state: Any
    events: Sequence[Event]


class Ledger:
    """Executes commands of all aggregates against one shard.

    `keys` digest the payloads that idempotency compares; `new_id` makes event ids. Without `facts` no
    rule over other streams is judged.
    """

    def __init__(
        self,
        writer: GroupCommit,
        reader: Reader,
        vault: Vault,
        *,
        keys: KeyProvider,
        new_id: Callable[[], UUID],
        facts: FactLoader | None = None,
    ) -> None:
        self.states = States(reader) if facts is None else facts.states
        self._facts = facts
        self._writer = writer
        self._reader = reader
        self._vault = vault
        self._keys = keys
        self._new_id = new_id

    async def execute(self, decider: Decider[Any], request: Request) -> Appended | Refusal:
        """Decide one command and append its events.

        A command whose key the ledger holds gets its first outcome again; one that changes nothing is told where the
        stream stands (`events` is 0) and leaves no key. Raises `VersionConflict` when `expected`
        is not the stream's version, `StreamBusy`, `StateMoved`, `KeyReused`, `SubjectErased`, or `OutcomeUnknown` when
        the database is gone.
        """
        asked = payload(request)
        digest = self._keys.digest(asked)
        judged_again = 0
        if request.new:
            self.states.expect_new(decider, request.stream)
        for _ in range(MAX_ATTEMPTS):
            version, state = await self.states.load(decider, request.stream)
            reads = Reads()
            outcome = await self._tried(decider, request, digest, (version, state), reads)
            if isinstance(outcome, Appended) and outcome.events:
                return outcome
            # A "no" may be the answer to a repeated command or to an old state: look before saying it.
            known = await self._reader.command(request.context.tenant, request.key, system=request.system)
            if known is not None:
                return await self._repeat(request.key, asked, known)
            if await self.states.catch_up(decider, request.stream) != version or isinstance(outcome, SubjectKeyTaken):
                continue
            if isinstance(outcome, TenantLockLost) or await self.states.moved(reads, request.context.tenant):
                judged_again += 1
                if judged_again > JUDGED_AGAIN:
                    raise StateMoved(f"state.moved: what {request.stream} is judged by moved on {judged_again} times")
                continue
            return _told(outcome)
        raise StreamBusy(f"stream {request.stream} moved on {MAX_ATTEMPTS} times while the command was decided")

    async def repeated(
        self, tenant: UUID, key: str, kind: type[Command], asked: object, stream: UUID | None
    ) -> Appended | None:
        """The first outcome under a caller's key, without deciding anything again; `None` for a key that is new.

        Without a stream, that of the first request is taken. Raises `KeyReused` for another payload.
        """
        known = await self._reader.command(tenant, key, system=False)
        if known is None:
            return None
        return await self._repeat(key, payload_of(stream or known.stream, kind, asked), known)

    async def _repeat(self, key: str, asked: bytes, known: KnownCommand) -> Appended:
        """The first outcome, as safe as it was promised: that it can be read here says nothing of a standby."""
        digest = self._keys.digest(asked, known.digest_key)
        if known.digest != digest:
            raise KeyReused(key, known.digest, digest)
        await self._writer.settled()
        return known.replay()

    async def _tried(
        self, decider: Decider[Any], request: Request, digest: bytes, seen: tuple[int, Any], reads: Reads
    ) -> Appended | Refusal | AppendError:
        """One attempt; what may be tried again is given instead of raised, and what no event holds is refused."""
        try:
            return await self._attempt(decider, request, digest, seen, reads)
        except (VersionConflict, ReadMoved, StreamBegun, TenantLockLost, SubjectKeyTaken, KeyReused) as lost:
            return lost
        except EntryTooLarge:
            return TOO_LARGE()

    async def _attempt(
        self, decider: Decider[Any], request: Request, digest: bytes, seen: tuple[int, Any], reads: Reads
    ) -> Appended | Refusal:
        version, state = seen
        if request.expected is not None and request.expected != version:
            raise VersionConflict(request.stream, request.expected, version)
        decision = decider.decide(request.command, state, request.context)
        if isinstance(decision, Refusal):
            return decision
        if not decision:
            size = await self._reader.size()
            return Appended(stream=request.stream, position=size + 1, seq=version + 1, version=version, events=0)
        decided = [Decided(decider, request.stream, version, state, decision)]
        if request.together is not None:
            also = await self._together(request, request.together)
            if isinstance(also, Refusal):
                return also
            reads.versions[also.stream] = also.version
            decided.append(also)
        if self._facts is None or not self._has_rules(request):
            return await self._append(request, digest, decided, reads)
        async with LoadedFacts(reads) as found:
            refusal = await self._judged(request, decided, found)
            return refusal or await self._append(request, digest, decided, reads)

    async def _together(self, request: Request, also: Companion) -> Decided | Refusal:
        """What the companion's aggregate says. Its events are another stream's: it must not be the request's own."""
        if also.stream == request.stream:
            raise ValueError(f"together with a command to {request.stream}: expected another stream, got the same")
        await self.states.catch_up(also.decider, also.stream)
        version, state = await self.states.load(also.decider, also.stream)
        if also.expected is not None and also.expected != version:
            raise VersionConflict(also.stream, also.expected, version)
        decision = also.decider.decide(also.command, state, request.context)
        return (
            decision if isinstance(decision, Refusal) else Decided(also.decider, also.stream, version, state, decision)
        )

    def _has_rules(self, request: Request) -> bool:
        return any(self._facts is not None and self._facts.has_rules(command) for command in _commands(request))

    async def _judged(self, request: Request, decided: Sequence[Decided], found: LoadedFacts) -> Refusal | None:
        assert self._facts is not None
        for command, one in zip(_commands(request), decided, strict=True):
            refusal = await self._facts.judge(Candidate(one.stream, command, one.state, request.context), found)
            if refusal is not None:
                return refusal
        return None

    async def load(self, decider: Decider[Any], stream: UUID) -> tuple[int, Any]:
        """Version and state of a stream as the ledger has it now; (0, empty state) for a new one.

        Whoever acts on a state without appending under its version needs this: what is held may be older, for another
        process writes, too.
        """
        await self.states.catch_up(decider, stream)
        return await self.states.load(decider, stream)

    async def _append(self, request: Request, digest: bytes, decided: Sequence[Decided], reads: Reads) -> Appended:
        cause = command_id(request.context.tenant, request.key, digest, system=request.system)
        contexts, drafted, parts = list[Context](), list[Drafted](), list[Part]()
        for one in decided:
            context = await self._of_case(request, one)
            events = [DecidedEvent(event, context, cause, self._new_id()) for event in one.events]
            what = await self.prepare(one.stream, events)
            contexts.append(context)
            drafted.append(what)
            if one.events:
                parts.append(Part(one.stream, one.version, what.drafts))
        appended = await self._writer.append(
            Append(
                tenant=request.context.tenant,
                key=request.key,
                system=request.system,
                digest=digest,
                digest_key=PAYLOAD_KEY,
                parts=tuple(parts),
                reads=tuple(reads.versions.items()),
                beginnings=tuple(reads.beginnings.items()),
                fence=reads.fence,
                personal=tuple(chain.from_iterable(what.personal for what in drafted)),
                subject_keys=tuple(chain.from_iterable(what.subject_keys for what in drafted)),
                first=request.first,
            )
        )
        if not appended.replayed:
            for one, context in zip(decided, contexts, strict=True):
                state = fold(one.decider, one.events, one.state)
                after = (one.version + len(one.events), state)
                self.states.advance(one.decider, one.stream, context, one.version, after)
        return appended

    async def _of_case(self, request: Request, one: Decided) -> Context:
        """The context with the case that the stream has, or that a new one gets: a case is known by its first event."""
        of = one.stream if one.version else request.about
        case = None if of is None else await self.states.case_of(of)
        if case is None or case == request.context.correlation:
            return request.context
        return replace(request.context, correlation=case)

    async def append(self, append: Append) -> Appended:
        """Append events that were decided elsewhere (an import decides whole cases); see `GroupCommit.append`."""
        return await self._writer.append(append)

    async def prepare(self, stream: UUID, decided: Iterable[DecidedEvent]) -> Drafted:
        """Turn events into drafts, personal fields sealed: what an `Append` carries."""
        drafts: list[Draft] = []
        personal: list[PersonalRow] = []
        keys: dict[UUID, bytes] = {}
        for one in decided:
            event, context, eid = one.event, one.context, one.eid
            digests: tuple[str, ...] = ()
            if values := personal_values(event):
                stored = await self._subject_keys(context.tenant, event, keys)
                prepared = self._vault.prepare(context.tenant, event, eid, values, stored)
                keys.update(prepared.new_keys)
                personal.extend(prepared.rows)
                digests = prepared.digests
            drafts.append(draft(event, context, stream=stream, eid=eid, cause=one.cause, digests=digests))
        return Drafted(tuple(drafts), tuple(personal), tuple(keys.items()))

    async def _subject_keys(self, tenant: UUID, event: Event, made: dict[UUID, bytes]) -> dict[UUID, bytes | None]:
        subject = subject_of(event)
        if subject is None:
            return {}
        if subject in made:
            return {subject: made[subject]}
        return await self._reader.subject_key(tenant, subject)


class Drafted(Struct, frozen=True, gc=False):
    """Drafts of one append with the vault rows and new subject keys that belong to them."""

    drafts: tuple[Draft, ...]
    personal: tuple[PersonalRow, ...]
    subject_keys: tuple[tuple[UUID, bytes], ...]


def _told(outcome: Appended | Refusal | AppendError) -> Appended | Refusal:
    """The final outcome for the caller."""
    if isinstance(outcome, AppendError):
        raise outcome
    return outcome


def _commands(request: Request) -> list[Command]:
    return [request.command, *([] if request.together is None else [request.together.command])]


def payload(request: Request) -> bytes:
    """The bytes that make a command the same command: its stream, its kind and its fields, as they were asked."""
    asked = request.command if request.asked is None else request.asked
    return payload_of(request.stream, type(request.command), asked)


def payload_of(stream: UUID, kind: type[Command], asked: object) -> bytes:
    """The bytes of a command of a kind to a stream."""
    return b"\n".join((stream.bytes, kind.__name__.encode(), canonical_json(asked)))
