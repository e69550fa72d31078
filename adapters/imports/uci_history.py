"""Import of the UCI history: leases are opened, then every day its payments are posted and the day is closed.

    open the calendar at 2005-04-01 ─▶ open every lease ─▶ for each day: payments of the day ─▶ end of day (bills)

Every command is decided like any other, under a key made of the client and what it is about, so that a second run, or
one after a kill, goes on where the ledger is: days that the calendar has closed are done.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from adapters.imports.uci import CURRENCY, DUE_AFTER, MONTHS, Client, bills, payments
from adapters.postgres.ledger import Ledger
from adapters.postgres.reading.reader import Reader
from adapters.postgres.writing.sequencer import Append, Part
from adapters.processes.dispatch import Dispatch, Dispatched, context, dispatch_all
from chain.entry import DecidedEvent, import_cause
from domain.calendar.calendar import CalendarState
from domain.kernel.command import Command, Context
from domain.kernel.ids import RANDOM_BITS, uuid7
from domain.kernel.refusal import Refusal
from domain.kernel.times import month_end
from domain.kernel.values import AssetClass, Business
from domain.leasing.lease.commands import ActivateLease, CreateLease, PostPayment, RecordDelivery
from domain.leasing.lease.rules.decider import LEASE
from domain.pricing.schedules import Instalment

SOURCE = "uci"
BY = "import"
PLAN = "uci.card"
PLAN_DIGEST = hashlib.sha256(b"leaseledger.uci/1").hexdigest()
FIRST_DAY = MONTHS[0]
LAST_DAY = month_end(MONTHS[-1])
CLIENTS_AT_ONCE = 500
_FIRST_MS = 1_112_284_800_000  # 2005-04-01 in Asia/Shanghai, in milliseconds since 1970
_EXTRA_BITS = 80 - RANDOM_BITS


class HistoryReport(Struct, frozen=True, kw_only=True):
    """Report of a run: clients read, leases opened, payments posted, timers fired, days closed, refusals by code."""

    clients: int
    leases: int
    leases_skipped: int
    payments: int
    payments_skipped: int
    fired: int
    days: int
    refusals: dict[str, int]


Progress = Callable[[date], None]


class OpeningRefused(Exception):
    """The domain refused to open a lease of the file; nothing of that lease was appended."""


def lease_stream(client: Client) -> UUID:
    """The lease of a client: a UUIDv7 of the first day and of the client's name, the same in every run."""
    return uuid7(_FIRST_MS, _bits(f"lease/{client.name}"))


def payment_id(client: Client, name: str) -> UUID:
    """The id of one payment of a client."""
    return uuid7(_FIRST_MS, _bits(f"payment/{client.name}/{name}"))


class Ended(Protocol):
    """What the end of one day did."""

    @property
    def fired(self) -> int:
        """Timers that were fired."""

    @property
    def refused(self) -> Mapping[str, int]:
        """How many were refused, by code."""


class Days(Protocol):
    """The days of one tenant, as far as they are lived here."""

    @property
    def tenant(self) -> UUID:
        """Whose days they are."""

    async def open(self, business_date: date) -> None:
        """Open the calendar at a day, if it is not open."""

    async def state(self) -> CalendarState:
        """The calendar as the ledger has it."""

    async def close(self, day: date) -> Ended:
        """Do the end of the current business date."""


def opening(client: Client) -> tuple[Command, ...]:
    """The commands that bring a client's lease to life on the first day; none for a client who was never charged."""
    schedule = tuple(
        Instalment(number=number, due_on=due_on, principal_fen=fen, interest_fen=0, fee_fen=0)
        for number, (due_on, fen) in enumerate(bills(client), start=1)
    )
    if not schedule:
        return ()
    create = CreateLease(
        plan=PLAN,
        plan_digest=PLAN_DIGEST,
        business=Business.RENTAL,
        asset_class=AssetClass.UNSPECIFIED,
        currency=CURRENCY,
        principal_fen=client.limit_fen,
        annual_rate="0",
        schedule=schedule,
        reference=f"UCI-{client.name}",
        bill_lead_days=DUE_AFTER.days,
    )
    return create, RecordDelivery(on=FIRST_DAY), ActivateLease(on=FIRST_DAY)


class History:
    """Feeds the clients of one file into a ledger, for the tenant whose days `end_of_day` ends."""

    def __init__(self, ledger: Ledger, reader: Reader, end_of_day: Days) -> None:
        self._ledger = ledger
        self._reader = reader
        self._end_of_day = end_of_day
        self._tenant = end_of_day.tenant
        self._counts: Counter[str] = Counter()
        self._refusals: Counter[str] = Counter()

    async def run(self, rows: Iterable[Client], on_progress: Progress | None = None) -> HistoryReport:
        """Live through the whole history, from wherever the calendar stands.

        Raises `LogError` for a wrong file before anything is done, `EndOfDayRefused` when the tenant's calendar stands
        before the history or was never at its first day.
        """
        known = list(rows)
        self._counts["clients"] = len(known)
        if await self._today() is None:
            await self._end_of_day.open(FIRST_DAY)
        await self._open_all(known)
        due: dict[date, list[Dispatch]] = defaultdict(list)
        for dispatch in self._payments(known):
            due[dispatch.context.business_date].append(dispatch)
        today = await self._today()
        while today is not None and today <= LAST_DAY:
            await self._live(today, due.get(today, []))
            if on_progress is not None:
                on_progress(today)
            today = await self._today()
        self._counts["payments_skipped"] += sum(map(len, due.values())) - self._counts["payments"]
        return self._report()

    async def _live(self, day: date, due: Sequence[Dispatch]) -> None:
        self._count("payments", await dispatch_all(self._ledger, self._reader, due))
        closed = await self._end_of_day.close(day)
        self._counts["fired"] += closed.fired
        self._counts["days"] += 1
        self._refusals.update(closed.refused)

    def _count(self, what: str, dispatched: Dispatched) -> None:
        self._counts[what] += dispatched.accepted
        self._refusals.update(dispatched.refused)

    async def _today(self) -> date | None:
        state: CalendarState = await self._end_of_day.state()
        return state.business_date

    async def _open_all(self, known: Sequence[Client]) -> None:
        source = iter(known)
        while chunk := list(islice(source, CLIENTS_AT_ONCE)):
            keys = {opening_key(client): client for client in chunk if bills(client)}
            done = await self._reader.known_keys(self._tenant, list(keys))
            self._counts["leases_skipped"] += len(done)
            new = {key: client for key, client in keys.items() if key not in done}
            await self._not_there(new.values())
            appends = [await self._opened(key, client) for key, client in new.items()]
            await asyncio.gather(*(self._ledger.append(append) for append in appends))
            self._counts["leases"] += len(appends)

    async def _not_there(self, clients: Iterable[Client]) -> None:
        """Look before the first of them is opened. Raises `OpeningRefused` for a lease that the ledger has already."""
        streams = {lease_stream(client): client for client in clients}
        if there := await self._reader.versions(list(streams)):
            name = streams[next(iter(there))].name
            raise OpeningRefused(
                f"client {name}: expected no lease, got one of another tenant's import, or of a row that said otherwise"
            )

    async def _opened(self, key: str, client: Client) -> Append:
        stream = lease_stream(client)
        by = context(self._tenant, FIRST_DAY, BY, stream)
        decided = decide_opening(client, by, import_cause(self._tenant, key))
        drafted = await self._ledger.prepare(stream, decided)
        return Append(
            tenant=self._tenant,
            key=key,
            system=True,
            digest=client.digest(),
            parts=(Part(stream, 0, drafted.drafts),),
        )

    def _payments(self, known: Iterable[Client]) -> Iterator[Dispatch]:
        for client in known:
            if not bills(client):
                continue
            stream = lease_stream(client)
            for day, name, amount_fen in payments(client):
                key = f"import:{SOURCE}/{client.name}/{name}"
                yield Dispatch(
                    decider=LEASE,
                    stream=stream,
                    key=key,
                    command=PostPayment(payment=payment_id(client, name), amount_fen=amount_fen, value_date=day),
                    context=context(self._tenant, day, BY, stream),
                )

    def _report(self) -> HistoryReport:
        counts = self._counts
        return HistoryReport(
            clients=counts["clients"],
            leases=counts["leases"],
            leases_skipped=counts["leases_skipped"],
            payments=counts["payments"],
            payments_skipped=counts["payments_skipped"],
            fired=counts["fired"],
            days=counts["days"],
            refusals=dict(sorted(self._refusals.items())),
        )


def opening_key(client: Client) -> str:
    """The idempotency key of a client's opening: a changed row has another one."""
    return f"import:{SOURCE}/{client.name}@{client.digest().hex()[:32]}"


def decide_opening(client: Client, at: Context, cause: UUID) -> list[DecidedEvent]:
    """Decide the opening commands one after the other. Raises `OpeningRefused`."""
    state, events = LEASE.initial, list[DecidedEvent]()
    for command in opening(client):
        decision = LEASE.decide(command, state, at)
        if isinstance(decision, Refusal):
            raise OpeningRefused(f"client {client.name}: {decision.sentence()}")
        for event in decision:
            state = LEASE.evolve(state, event)
            eid = uuid7(_FIRST_MS, _bits(f"event/{client.name}/{len(events)}"))
            events.append(DecidedEvent(event, at, cause, eid))
    return events


def _bits(name: str) -> int:
    digest = hashlib.sha256(f"leaseledger.uci/1/{name}".encode()).digest()
    return int.from_bytes(digest[:10], "big") >> _EXTRA_BITS
