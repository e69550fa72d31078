"""Importing a history: every case's commands are decided like any others and appended as one stream's events.

    Case ─▶ commands ─▶ decide … decide ─▶ (events, refusals) ─▶ one append for each case, under the case's key
              └──── in a second process, if there is a second core ────┘

A case is the unit of idempotency: its key is made of the source, the case's name and the digest of what the case says.
An import that was killed goes on where it stopped, because every case is there wholly or not at all. A case that has
grown since is decided again from its beginning; if the ledger holds the beginning of the result, the rest is appended,
and if it holds something else, `CaseDiverged` says so and that case is left alone.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from uuid import UUID

from msgspec import Struct

from adapters.imports.bpi2012 import case_digest, commands, stream_id
from adapters.imports.drafting import DraftedCase, Job, decide_case, draft_events
from adapters.imports.second import SecondProcess, SecondProcessGone
from adapters.imports.xes import Case
from adapters.postgres.ledger import Drafted, Ledger
from adapters.postgres.reading.reader import Reader, Stored
from adapters.postgres.writing.group_commit import MAX_BATCH_EVENTS
from adapters.postgres.writing.sequencer import Append, Appended, Part
from chain.entry import DecidedEvent
from domain.kernel.event import type_of, without_personal
from domain.kernel.times import utc_text

CASES_AT_ONCE = 250
"""Cases whose keys and versions are looked up in one query."""

BATCH_EVENTS = MAX_BATCH_EVENTS // 2
"""Events that are handed to the writer at once: large enough for COPY, small enough to keep both sides busy."""

EVENTS_IN_FLIGHT = 3 * BATCH_EVENTS

SECOND_FROM_CASES = 1_000
"""Cases after which a second process is worth its start; fewer are imported before it would be up."""

JOBS_AHEAD = 2
"""Chunks of cases that the second process may have before it: one that it works on and one that waits."""

Progress = Callable[["ImportReport"], None]


class CaseDiverged(Exception):
    """The ledger holds another history of a case than the file tells; nothing of the case was appended."""

    def __init__(self, case: str, version: int, expected: str, got: str) -> None:
        super().__init__(
            f"case {case}, event {version}: expected {expected} (from the file), got {got} (in the ledger)"
        )
        self.case = case


class ImportReport(Struct, frozen=True, kw_only=True):
    """Report of an import: counts, refusals by code, seconds. `commands` counts those decided in this run."""

    cases: int = 0
    cases_skipped: int = 0
    commands: int = 0
    events: int = 0
    refusals: dict[str, int] = {}
    seconds: float = 0.0
    diverged: tuple[str, ...] = ()


class _Wanted(Struct, frozen=True):
    """A case that the ledger does not hold as it is now, and how many of its events it holds."""

    key: str
    digest: bytes
    stream: UUID
    version: int
    case: Case


class Importer:
    """Feeds cases of one source into a ledger for one tenant.

    With `two_processes` a second process decides; by default it does where there is a second core.
    """

    def __init__(
        self,
        ledger: Ledger,
        reader: Reader,
        *,
        source: str,
        tenant: UUID,
        timer: Callable[[], float],
        two_processes: bool | None = None,
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
        self._second: SecondProcess | None = None
        self._second_wanted = (os.cpu_count() or 1) > 1 if two_processes is None else two_processes
        self._elsewhere: deque[list[_Wanted]] = deque()

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
            await self._finish()
        return self.report()

    async def _finish(self) -> None:
        try:
            await self._take_back(0)
            self._send()
            await self._drain(0)
        finally:
            if self._second is not None:
                await self._second.close()

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
        wanted = await self._wanted(chunk)
        grown = [one for one in wanted if one.version]
        new = [one for one in wanted if not one.version]
        if len(chunk) == CASES_AT_ONCE and await self._has_second():
            self._hand_over(new)
            await self._take_back(JOBS_AHEAD - 1)
        else:
            await self._take_back(0)
            grown = wanted
        for one in grown:
            await self._case(one)

    async def _wanted(self, chunk: list[Case]) -> list[_Wanted]:
        """Those cases of a chunk that the ledger does not hold as they are now."""
        told = [(case, case_digest(case)) for case in chunk]
        keys = {case_key(case.id, self._source, digest): (case, digest) for case, digest in told}
        done = await self._reader.known_keys(self._tenant, list(keys))
        streams = {key: stream_id(case, self._source) for key, (case, _) in keys.items() if key not in done}
        versions = await self._reader.versions(list(streams.values()))
        self._counts["cases"] += len(chunk)
        self._counts["skipped"] += len(done)
        return [
            _Wanted(key, keys[key][1], stream, versions.get(stream, 0), keys[key][0]) for key, stream in streams.items()
        ]

    # ------------------------------------------------------------------------------------ the second process

    async def _has_second(self) -> bool:
        """Whether there is a second process; it is started when many cases have come."""
        if self._second_wanted and self._second is None and self._counts["cases"] > SECOND_FROM_CASES:
            try:
                self._second = await SecondProcess.start()
            except SecondProcessGone:
                self._second_wanted = False
        return self._second is not None

    def _hand_over(self, wanted: list[_Wanted]) -> None:
        assert self._second is not None
        self._second.send(Job(self._source, self._tenant, [(one.stream, one.case) for one in wanted]))
        self._elsewhere.append(wanted)

    async def _take_back(self, allowed: int) -> None:
        """Append what the second process has drafted until it has at most so many chunks before it."""
        while len(self._elsewhere) > allowed:
            wanted = self._elsewhere.popleft()
            drafted = await self._received(len(wanted))
            try:
                await self._append_all(wanted, drafted)
            except BaseException:
                # An import ends at the case that ended it: what was drafted ahead of that is not appended.
                self._elsewhere.clear()
                raise

    async def _append_all(self, wanted: list[_Wanted], drafted: list[DraftedCase | None]) -> None:
        for one, done in zip(wanted, drafted, strict=True):
            if done is None:
                await self._case(one)
            else:
                await self._drafted(one, done)

    async def _received(self, cases: int) -> list[DraftedCase | None]:
        """The oldest answer; "do it yourself" for every case when the second process is gone."""
        if self._second is not None:
            try:
                return await self._second.receive()
            except SecondProcessGone:
                await self._second.close()
                self._second, self._second_wanted = None, False
        return [None] * cases

    # ------------------------------------------------------------------------------------------ one case

    async def _drafted(self, wanted: _Wanted, done: DraftedCase) -> None:
        self._count(done.commands, done.refusals)
        if done.drafts:
            await self._append(wanted, Drafted(done.drafts, (), ()))

    async def _case(self, wanted: _Wanted) -> None:
        """Decide and draft a case in this process, whatever it needs: the vault, or a look at what is there already."""
        decided = decide_case(commands(wanted.case, self._source), self._tenant, wanted.stream)
        self._count(decided.commands, decided.refusals)
        events = decided.events
        if wanted.version:
            try:
                events = _beyond(wanted.case.id, self._tenant, events, await self._reader.stream(wanted.stream))
            except CaseDiverged as diverged:
                self._diverged.append(str(diverged))
                return
        if events:
            drafts = draft_events(wanted.stream, events)
            await self._append(
                wanted,
                await self._ledger.prepare(wanted.stream, events) if drafts is None else Drafted(drafts, (), ()),
            )

    def _count(self, commands: int, refusals: dict[str, int]) -> None:
        self._counts["commands"] += commands
        self._refusals.update(refusals)

    async def _append(self, wanted: _Wanted, drafted: Drafted) -> None:
        append = Append(
            tenant=self._tenant,
            key=wanted.key,
            system=True,
            digest=wanted.digest,
            parts=(Part(wanted.stream, wanted.version, drafted.drafts),),
            personal=drafted.personal,
            subject_keys=drafted.subject_keys,
        )
        self._ready.append(append)
        self._ready_events += append.events
        if self._ready_events >= BATCH_EVENTS:
            self._send()
            await self._drain(EVENTS_IN_FLIGHT)
        # The writer gets its turn before the next case.
        await asyncio.sleep(0)

    def _send(self) -> None:
        for append in self._ready:
            self._pending.append((append.events, asyncio.create_task(self._ledger.append(append))))
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


def _beyond(
    case: str, tenant: UUID, events: tuple[DecidedEvent, ...], stored: list[Stored]
) -> tuple[DecidedEvent, ...]:
    """The events the ledger does not hold yet; raises `CaseDiverged` where it holds others, or another tenant's.

    Ids are made of the source and not of the tenant, so that a log that two tenants import needs two names.
    """
    if stored and (whose := stored[0].parsed().tenant) != tenant:
        raise CaseDiverged(case, 1, f"one of the tenant {tenant}", f"one of the tenant {whose}")
    for number, (row, told) in enumerate(zip(stored, _described(events), strict=False), start=1):
        entry = row.parsed()
        held = f"{entry.type} at {entry.occurred_at} {entry.event()!r}"
        if held != told:
            raise CaseDiverged(case, number, told, held)
    if len(stored) > len(events):
        raise CaseDiverged(case, len(events) + 1, "nothing more", stored[len(events)].parsed().type)
    return events[len(stored) :]


def _described(events: tuple[DecidedEvent, ...]) -> Iterator[str]:
    for one in events:
        yield f"{type_of(one.event)} at {utc_text(one.context.now)} {without_personal(one.event)!r}"


async def import_cases(
    ledger: Ledger,
    reader: Reader,
    cases: Iterable[Case],
    *,
    source: str,
    tenant: UUID,
    on_progress: Progress | None = None,
    two_processes: bool | None = None,
) -> ImportReport:
    """Import all cases of `source` for `tenant`; see `Importer.run`."""
    importer = Importer(ledger, reader, source=source, tenant=tenant, timer=time.monotonic, two_processes=two_processes)
    return await importer.run(cases, on_progress)
