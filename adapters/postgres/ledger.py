"""The write path: load the aggregate, decide, ask the gate, append; a receipt or a refusal.

Request ─▶ state (cached, else replayed) ─▶ decide ─▶ events ─▶ gate ─▶ drafts ─▶ group commit ─▶ Appended
                    ▲                          │                  │
                    └── stale: catch up ◀──────┴── Refusal ◀──────┘  after making sure that the state was not stale

A decider sees its own stream. What other streams have to say is the gate's: for each class of command at most one
guard, asked after the decider agreed, again at every attempt, whichever door the command came through. Events that are
appended without a decision here (`append`: imports take over the history of another system) were not ours to permit.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from adapters.postgres.group_commit import GroupCommit
from adapters.postgres.reader import Reader
from adapters.postgres.sequencer import (
    Append,
    Appended,
    AppendError,
    KeyReused,
    KnownCommand,
    Part,
    PersonalRow,
    SubjectKeyTaken,
    VersionConflict,
)
from adapters.postgres.vault import Vault, personal_values
from chain.entry import Draft, draft
from domain.kernel.command import Command, Context
from domain.kernel.decider import Decider, fold
from domain.kernel.event import Event, subject_of
from domain.kernel.refusal import Refusal

MAX_ATTEMPTS = 16
"""Times a command is decided again because its stream moved on, before the conflict is the caller's."""

CACHED_AGGREGATES = 50_000
LOADED_AT_ONCE = 500
"""Streams that one query reads into the cache."""


class Request(Struct, frozen=True, kw_only=True):
    """One command for one stream.

    `expected` is the version the caller saw, if it insists on one (If-Match). `new` says that the caller has just
    made the stream's id, so that there is nothing to load; should it be wrong, the append finds out and loads.
    `asked` is what the caller gave of the command, where the rest was filled in for it: only that makes a repeated
    request the same one.
    """

    stream: UUID
    key: str
    command: Command
    context: Context
    expected: int | None = None
    new: bool = False
    asked: object = None


Guard = Callable[[Request, Any], Awaitable[Refusal | None]]
"""Asks other streams whether a command may be done that its own stream, in this state, has agreed to."""


class Gate(Struct, frozen=True):
    """What a class of command passes: its guard. With `in_turn`, those of one tenant pass one after the other, so that
    what a guard saw is still true when the events are written.
    """

    guard: Guard
    in_turn: bool = False


Gates = Mapping[type[Command], Gate]
Turn = Callable[[UUID], AbstractAsyncContextManager[None]]
"""Enters a tenant's turn, when it comes."""


class StreamBusy(AppendError):
    """A stream that moved on at every attempt; nothing was written, try again."""


class Ledger:
    """Executes commands of all aggregates against one shard.

    `digest` turns a payload into the 32 bytes that idempotency compares; `new_id` makes event ids. `gates` are asked by
    the class of a command; what has none costs nothing. Gates that are passed in turn need `turn`.
    """

    def __init__(
        self,
        writer: GroupCommit,
        reader: Reader,
        vault: Vault,
        *,
        digest: Callable[[bytes], bytes],
        new_id: Callable[[], UUID],
        gates: Gates | None = None,
        turn: Turn | None = None,
    ) -> None:
        self._gates = gates or {}
        self._turn = turn
        self._writer = writer
        self._reader = reader
        self._vault = vault
        self._digest = digest
        self._new_id = new_id
        self._cache: OrderedDict[UUID, tuple[int, Any]] = OrderedDict()

    async def execute(self, decider: Decider[Any], request: Request) -> Appended | Refusal:
        """Decide one command and append its events.

        A command whose key the ledger holds gets its first outcome again; one that changes nothing is told where the
        stream stands (`events` is 0) and leaves no key. Raises `VersionConflict` when `expected`
        is not the stream's version, `StreamBusy`, `KeyReused`, `SubjectErased`, or `OutcomeUnknown` when the database
        is gone.
        """
        gate = self._gates.get(type(request.command))
        if gate is None or not gate.in_turn:
            return await self._decided(decider, request, None if gate is None else gate.guard)
        assert self._turn is not None, "gates that are passed in turn come with turns"
        async with self._turn(request.context.tenant):
            return await self._decided(decider, request, gate.guard)

    async def _decided(self, decider: Decider[Any], request: Request, guard: Guard | None) -> Appended | Refusal:
        digest = self._digest(payload(request))
        if request.new and request.stream not in self._cache:
            self._remember(request.stream, 0, decider.initial)
        for _ in range(MAX_ATTEMPTS):
            version, state = await self.load(decider, request.stream)
            outcome = await self._attempt(decider, request, guard, digest, version, state)
            if isinstance(outcome, Appended) and outcome.events:
                return outcome
            # A "no" may be the answer to a repeated command or to an old state: look before saying it.
            known = await self._reader.command(request.context.tenant, request.key)
            if known is not None:
                return _repeat(request.key, digest, known)
            if await self._catch_up(decider, request.stream) != version or isinstance(outcome, SubjectKeyTaken):
                continue
            if isinstance(outcome, AppendError):
                raise outcome
            return outcome
        raise StreamBusy(f"stream {request.stream} moved on {MAX_ATTEMPTS} times while the command was decided")

    async def repeated(
        self, tenant: UUID, key: str, kind: type[Command], asked: object, stream: UUID | None
    ) -> Appended | None:
        """The first outcome under a key, without deciding anything again; `None` for a key that is new.

        Without a stream, that of the first request is taken. Raises `KeyReused` for another payload.
        """
        known = await self._reader.command(tenant, key)
        if known is None:
            return None
        return _repeat(key, self._digest(_payload(stream or known.stream, kind, asked)), known)

    async def _attempt(
        self, decider: Decider[Any], request: Request, guard: Guard | None, digest: bytes, version: int, state: Any
    ) -> Appended | Refusal | AppendError:
        if request.expected is not None and request.expected != version:
            return VersionConflict(request.stream, request.expected, version)
        decision = decider.decide(request.command, state, request.context)
        if isinstance(decision, Refusal):
            return decision
        if not decision:
            size = await self._reader.size()
            return Appended(stream=request.stream, position=size + 1, seq=version + 1, version=version, events=0)
        if guard is not None and (refusal := await guard(request, state)) is not None:
            return refusal
        try:
            return await self._append(decider, request, digest, version, state, decision)
        except (VersionConflict, SubjectKeyTaken) as lost:
            return lost

    async def load(self, decider: Decider[Any], stream: UUID) -> tuple[int, Any]:
        """Version and state of a stream, from the cache or by replay; (0, empty state) for a new one."""
        if stream in self._cache:
            self._cache.move_to_end(stream)
            return self._cache[stream]
        await self._catch_up(decider, stream)
        return self._cache[stream]

    async def load_many(self, decider: Decider[Any], streams: Sequence[UUID]) -> None:
        """Bring streams of one aggregate into the cache, those that are not in it, by few queries."""
        cold = [stream for stream in streams if stream not in self._cache]
        for at in range(0, len(cold), LOADED_AT_ONCE):
            some = cold[at : at + LOADED_AT_ONCE]
            found = await self._reader.events_of(some)
            for stream in some:
                events = found.get(stream, [])
                if len(events) >= self._cache.get(stream, (0, None))[0]:  # a command may have been here meanwhile
                    self._remember(stream, len(events), fold(decider, events))

    async def _catch_up(self, decider: Decider[Any], stream: UUID) -> int:
        version, state = self._cache.get(stream, (0, decider.initial))
        async for event in self._reader.stream_events(stream, after=version):
            state = decider.evolve(state, event)
            version += 1
        if version >= self._cache.get(stream, (0, None))[0]:  # another command may have been here meanwhile
            self._remember(stream, version, state)
        return self._cache[stream][0]

    def _remember(self, stream: UUID, version: int, state: object) -> None:
        self._cache[stream] = (version, state)
        self._cache.move_to_end(stream)
        if len(self._cache) > CACHED_AGGREGATES:
            self._cache.popitem(last=False)

    async def _append(
        self,
        decider: Decider[Any],
        request: Request,
        digest: bytes,
        version: int,
        state: Any,
        events: Sequence[Event],
    ) -> Appended:
        drafted = await self.prepare(request.stream, [(event, request.context, self._new_id()) for event in events])
        appended = await self._writer.append(
            Append(
                tenant=request.context.tenant,
                key=request.key,
                digest=digest,
                parts=(Part(request.stream, version, drafted.drafts),),
                personal=drafted.personal,
                subject_keys=drafted.subject_keys,
            )
        )
        if not appended.replayed and self._cache.get(request.stream, (0, None))[0] == version:
            for event in events:
                state = decider.evolve(state, event)
            self._remember(request.stream, version + len(events), state)
        return appended

    async def append(self, append: Append) -> Appended:
        """Append events that were decided elsewhere (an import decides whole cases); see `GroupCommit.append`."""
        return await self._writer.append(append)

    async def prepare(self, stream: UUID, facts: Iterable[tuple[Event, Context, UUID]]) -> Drafted:
        """Turn events into drafts, personal fields sealed: what an `Append` carries."""
        drafts: list[Draft] = []
        personal: list[PersonalRow] = []
        keys: dict[UUID, bytes] = {}
        for event, context, eid in facts:
            stored = await self._subject_keys(event, keys)
            prepared = self._vault.prepare(event, eid, stored)
            keys.update(prepared.new_keys)
            personal.extend(prepared.rows)
            drafts.append(draft(event, context, stream=stream, eid=eid, digests=prepared.digests))
        return Drafted(tuple(drafts), tuple(personal), tuple(keys.items()))

    async def _subject_keys(self, event: Event, made: dict[UUID, bytes]) -> dict[UUID, bytes | None]:
        subject = subject_of(event)
        if subject is None or not personal_values(event):
            return {}
        if subject in made:
            return {subject: made[subject]}
        return await self._reader.subject_key(subject)


class Drafted(Struct, frozen=True):
    """Drafts of one append with the vault rows and new subject keys that belong to them."""

    drafts: tuple[Draft, ...]
    personal: tuple[PersonalRow, ...]
    subject_keys: tuple[tuple[UUID, bytes], ...]


def _repeat(key: str, digest: bytes, known: KnownCommand) -> Appended:
    if known.digest != digest:
        raise KeyReused(key, known.digest, digest)
    return known.replay()


_ENCODER = msgspec.json.Encoder(order="sorted")


def payload(request: Request) -> bytes:
    """The bytes that make a command the same command: its stream, its kind and its fields, as they were asked."""
    asked = request.command if request.asked is None else request.asked
    return _payload(request.stream, type(request.command), asked)


def _payload(stream: UUID, kind: type[Command], asked: object) -> bytes:
    return b"\n".join((stream.bytes, kind.__name__.encode(), _ENCODER.encode(asked)))
