"""Importing a history: every case's commands are decided like any others and appended as one stream's events.

    Case ─▶ commands ─▶ decide … decide ─▶ (events, refusals) ─▶ one append for each case, under the case's key

A case is the unit of idempotency: its key is made of the source, the case's name and the digest of what the case says.
An import that was killed goes on where it stopped, because every case is there wholly or not at all. A case that has
grown since is decided again from its beginning; if the ledger holds the beginning of the result, the rest is appended,
and if it holds something else, `CaseDiverged` says so and that case is left alone.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from msgspec import Struct

from adapters.imports.bpi2012 import ImportedCommand, case_digest, commands, event_id, stream_id
from adapters.imports.xes import Case
from adapters.postgres.group_commit import MAX_BATCH_EVENTS
from adapters.postgres.ledger import Drafted, Ledger
from adapters.postgres.reader import Reader, Stored
from adapters.postgres.sequencer import Append, Appended
from adapters.postgres.vault import personal_values
from chain.entry import draft
from domain.application import APPLICATION
from domain.kernel import (
    Context,
    Event,
    Refusal,
    business_date,
    personal_fields,
    type_of,
    utc_text,
    without_personal,
)

CASES_AT_ONCE = 250
"""Cases whose keys and versions are looked up in one query."""

BATCH_EVENTS = MAX_BATCH_EVENTS // 2
"""Events that are handed to the writer at once: large enough for COPY, small enough to keep both sides busy."""

EVENTS_IN_FLIGHT = 3 * BATCH_EVENTS

Progress = Callable[["ImportReport"], None]


class CaseDiverged(Exception):
    """The ledger holds another history of a case than the file tells; nothing of the case was appended."""

    def __init__(self, case: str, version: int, expected: str, got: str) -> None:
        super().__init__(
            f"case {case}, event {version}: expected {expected} (from the file), got {got} (in the ledger)"
        )
        self.case = case


class ImportReport(Struct, frozen=True, kw_only=True):
    """What an import did: counts, refusals by code, seconds. `commands` counts those decided in this run."""

    cases: int = 0
    cases_skipped: int = 0
    commands: int = 0
    events: int = 0
    refusals: dict[str, int] = {}
    seconds: float = 0.0
    diverged: tuple[str, ...] = ()


Fact = tuple[Event, Context, UUID]
"""An event that was decided, with its command's context and its own id."""


class _Wanted(Struct, frozen=True):
    """A case that the ledger does not hold as it is now, and how many of its events it holds."""

    key: str
    digest: bytes
    stream: UUID
    version: int


class _Decided(Struct, frozen=True):
    """A case after its commands were decided: the facts in order, and how often each rule said no."""

    facts: tuple[Fact, ...]
    refusals: Counter[str]
    commands: int


class Importer:
    """Feeds cases of one source into a ledger for one tenant."""

    def __init__(
        self, ledger: Ledger, reader: Reader, *, source: str, tenant: UUID, timer: Callable[[], float]
    ) -> None:
        self._ledger = ledger
        self._reader = reader
        self._source = source
        self._tenant = tenant
        self._timer = timer
        self._started = timer()
        self._counts: Counter[str] = Counter()
        self._refusals: Counter[str] = Counter()
        self._diverged: list[str] = []
        self._pending: deque[tuple[int, asyncio.Task[Appended]]] = deque()
        self._in_flight = 0
        self._ready: list[Append] = []
        self._ready_events = 0

    async def run(self, cases: Iterable[Case], on_progress: Progress | None = None) -> ImportReport:
        """Import all cases. What was appended before an error (of the reader, say) stays; run again to go on.

        Raises whatever `cases` raises, after everything decided so far is on disk.
        """
        source = iter(cases)
        try:
            while chunk := list(islice(source, CASES_AT_ONCE)):
                await self._chunk(chunk)
                if on_progress is not None:
                    on_progress(self.report())
        finally:
            self._send()
            await self._drain(0)
        return self.report()

    def report(self) -> ImportReport:
        """The counts so far."""
        return ImportReport(
            cases=self._counts["cases"],
            cases_skipped=self._counts["skipped"],
            commands=self._counts["commands"],
            events=self._counts["events"],
            refusals=dict(sorted(self._refusals.items())),
            seconds=round(self._timer() - self._started, 3),
            diverged=tuple(self._diverged),
        )

    async def _chunk(self, chunk: list[Case]) -> None:
        told = [(case, case_digest(case)) for case in chunk]
        keys = {case_key(case.id, self._source, digest): (case, digest) for case, digest in told}
        done = await self._reader.known_keys(self._tenant, list(keys))
        streams = {key: stream_id(case, self._source) for key, (case, _) in keys.items() if key not in done}
        versions = await self._reader.versions(list(streams.values()))
        self._counts["cases"] += len(chunk)
        self._counts["skipped"] += len(done)
        for key, stream in streams.items():
            case, digest = keys[key]
            await self._case(_Wanted(key, digest, stream, versions.get(stream, 0)), case)

    async def _case(self, wanted: _Wanted, case: Case) -> None:
        decided = decide_case(commands(case, self._source), self._tenant, wanted.stream)
        self._counts["commands"] += decided.commands
        self._refusals.update(decided.refusals)
        facts = decided.facts
        if wanted.version:
            try:
                facts = _beyond(case.id, facts, await self._reader.stream(wanted.stream))
            except CaseDiverged as diverged:
                self._diverged.append(str(diverged))
                return
        if facts:
            await self._append(wanted, facts)

    async def _append(self, wanted: _Wanted, facts: tuple[Fact, ...]) -> None:
        drafted = await self._draft(wanted.stream, facts)
        append = Append(
            tenant=self._tenant,
            key=wanted.key,
            digest=wanted.digest,
            stream=wanted.stream,
            expected=wanted.version,
            drafts=drafted.drafts,
            personal=drafted.personal,
            subject_keys=drafted.subject_keys,
        )
        self._ready.append(append)
        self._ready_events += len(facts)
        if self._ready_events >= BATCH_EVENTS:
            self._send()
            await self._drain(EVENTS_IN_FLIGHT)
        # The writer gets its turn while the next case is decided: one core works for each side.
        await asyncio.sleep(0)

    async def _draft(self, stream: UUID, facts: tuple[Fact, ...]) -> Drafted:
        if any(personal_fields(type(event)) and personal_values(event) for event, _, _ in facts):
            return await self._ledger.prepare(stream, facts)
        # Nothing for the vault, as in every bank's log: no need to look for keys.
        drafts = tuple([draft(event, context, stream=stream, eid=eid) for event, context, eid in facts])
        return Drafted(drafts, (), ())

    def _send(self) -> None:
        for append in self._ready:
            self._pending.append((len(append.drafts), asyncio.create_task(self._ledger.append(append))))
        self._in_flight += self._ready_events
        self._ready, self._ready_events = [], 0

    async def _drain(self, allowed: int) -> None:
        while self._pending and self._in_flight > allowed:
            events, task = self._pending.popleft()
            self._in_flight -= events
            await task
            self._counts["events"] += events


def case_key(case: str, source: str, digest: bytes) -> str:
    """The idempotency key of a case as it is now: a changed case has another digest and so another key."""
    return f"import:{source}/{case}@{digest.hex()[:32]}"


def decide_case(imported: Iterable[ImportedCommand], tenant: UUID, stream: UUID) -> _Decided:
    """Put a case's commands through the aggregate, one after the other, from its empty state."""
    state, facts, refusals, count = APPLICATION.initial, [], Counter[str](), 0
    for command in imported:
        count += 1
        context = Context(
            tenant=tenant,
            actor=command.actor,
            command=command.command_id,
            correlation=stream,
            now=command.at,
            business_date=business_date(command.at),
        )
        decision = APPLICATION.decide(command.command, state, context)
        if isinstance(decision, Refusal):
            refusals[decision.code] += 1
            continue
        for nth, event in enumerate(decision):
            state = APPLICATION.evolve(state, event)
            facts.append((event, context, event_id(command, nth)))
    return _Decided(tuple(facts), refusals, count)


def _beyond(case: str, facts: tuple[Any, ...], stored: list[Stored]) -> tuple[Any, ...]:
    """The facts the ledger does not hold yet; raises `CaseDiverged` where it holds others."""
    for number, (row, told) in enumerate(zip(stored, _described(facts), strict=False), start=1):
        entry = row.parsed()
        held = f"{entry.type} at {entry.occurred_at} {entry.event()!r}"
        if held != told:
            raise CaseDiverged(case, number, told, held)
    if len(stored) > len(facts):
        raise CaseDiverged(case, len(facts) + 1, "nothing more", stored[len(facts)].parsed().type)
    return facts[len(stored) :]


def _described(facts: tuple[Any, ...]) -> Iterator[str]:
    for event, context, _ in facts:
        yield f"{type_of(event)} at {utc_text(context.now)} {without_personal(event)!r}"


async def import_cases(
    ledger: Ledger,
    reader: Reader,
    cases: Iterable[Case],
    *,
    source: str,
    tenant: UUID,
    on_progress: Progress | None = None,
) -> ImportReport:
    """Import all cases of `source` for `tenant`; see `Importer.run`."""
    importer = Importer(ledger, reader, source=source, tenant=tenant, timer=time.monotonic)
    return await importer.run(cases, on_progress)
