"""Row 7: a book of leases lived through day by day, its read models, and the check of all of it; there is no peer.

    generated clients ─▶ leases opened ─▶ 183 days: payments, bills issued at their ends ─▶ every read model from
    nothing ─▶ fsck: every hash of the ledger, every row of the read models

Clients are like those of the card data set (`adapters.imports.uci`): six months, most pay, some pay late or not at all.
"""

from __future__ import annotations

import random
import time
from statistics import median

import uvloop
from msgspec import Struct

from adapters.imports.uci import MONTHS, Client
from adapters.imports.uci_history import History, HistoryReport
from adapters.postgres.connections import connect
from adapters.postgres.fsck.whole import fsck
from adapters.postgres.log import Log
from adapters.postgres.vault import Vault
from adapters.system import now, random_bytes
from api.compose import Base, running
from api.roles.days import end_of_day
from projections.engine.comparing import Compared, compare_all
from projections.engine.runner import Runner
from projections.registry import PROJECTIONS
from tests.bench.catching_up import empty_read_models
from tests.bench.model import Bar, Broken, Result, check, result
from tests.bench.place import SEED, Place, scalar

BAR = Bar("leases", "events/s", 1_667.0)
"""A book of a hundred thousand events in a minute, everything included."""

LIMITS_FEN = (2_000_000, 5_000_000, 20_000_000)


class Taken(Struct, frozen=True):
    """One round: events, and the seconds of its three parts."""

    events: int
    living_s: float
    catching_up_s: float
    checking_s: float

    @property
    def events_per_s(self) -> float:
        """Events in a second of everything."""
        return self.events / (self.living_s + self.catching_up_s + self.checking_s)


def run(place: Place) -> list[Result]:
    """Events per second from the first client to the last checked row, each round in a new database."""
    count = place.sizes.leases
    rounds = [_round(place, nth, generated(count)) for nth in range(place.sizes.rounds)]
    living, catching_up, checking = (
        median(one.events / seconds for one in rounds for seconds in [getattr(one, name)])
        for name in ("living_s", "catching_up_s", "checking_s")
    )
    share = median(one.checking_s * one.events_per_s / one.events for one in rounds)
    return [
        result(
            BAR,
            [one.events_per_s for one in rounds],
            measured=f"{count} clients, {rounds[0].events} events",
            note=f"import and ends of day {living:,.0f} events/s, all {len(PROJECTIONS)} read models from nothing "
            f"{catching_up:,.0f}, fsck with read models {checking:,.0f} ({share:.0%} of the time)",
        )
    ]


def generated(count: int) -> list[Client]:
    """Clients as the file has them, the same in every run."""
    chance = random.Random(SEED)
    return [_client(number, chance) for number in range(1, count + 1)]


def _client(number: int, chance: random.Random) -> Client:
    limit_fen = chance.choice(LIMITS_FEN)
    charged = tuple(chance.randrange(limit_fen // 10) if chance.random() < 0.9 else 0 for _ in MONTHS)
    before = (0, *charged)
    paid = tuple(_paid(before[at], chance) for at in range(len(MONTHS)))
    return Client(str(number), limit_fen, charged, paid)


def _paid(owed_fen: int, chance: random.Random) -> int:
    """What a client pays of the bill of the month before: all of it, some, or nothing."""
    kind = chance.random()
    if kind < 0.6:
        return owed_fen
    return chance.randrange(owed_fen + 1) if kind < 0.85 else 0


def _round(place: Place, nth: int, clients: list[Client]) -> Taken:
    with place.ledger(f"leases_{nth}") as on:
        place.checkpoint()
        began = time.perf_counter()
        report, events = uvloop.run(_live(on, clients))
        living_s = time.perf_counter() - began
        if report.refusals:
            raise Broken("refusals", "none", report.refusals)
        catching_up_s = _catch_up(on, events, report.leases)
        return Taken(events, living_s, catching_up_s, _check(on, events))


async def _live(on: Base, clients: list[Client]) -> tuple[HistoryReport, int]:
    async with running(on) as ledger, end_of_day(ledger, on.settings.tenant) as ending:
        report = await History(ledger.ledger, ledger.reader, ending).run(clients)
        return report, await ledger.reader.size()


def _catch_up(on: Base, events: int, leases: int) -> float:
    """Seconds until every read model that there is has everything. Raises `Broken` when rows are missing."""
    # Ends of days keep the timers up to date; here all read models begin with nothing.
    empty_read_models(on)
    with connect(on.url) as connection:
        runner = Runner(connection, PROJECTIONS)
        runner.prepare()
        began = time.perf_counter()
        check("events folded", events, runner.catch_up())
        seconds = time.perf_counter() - began
        check("rows of the lease book", leases, scalar(connection, "SELECT count(*) FROM read.lease_book_v1"))
    return seconds


def _check(on: Base, events: int) -> float:
    """Seconds of fsck, read models included. Raises `Broken` when it checked fewer events or found anything."""
    with connect(on.url) as connection:
        vkeys = [vkey for _, vkey in Log(connection).vkeys()]
        Log(connection).publish(on.signer, now())
        began = time.perf_counter()
        report = fsck(connection, Vault(on.keys, random_bytes), vkeys=vkeys)
        compared = compare_all(connection, PROJECTIONS)
        seconds = time.perf_counter() - began
    check("events that fsck saw", events, report.events)
    wrong = [one for one in compared if not isinstance(one, Compared) or one.first is not None]
    if wrong or not report.ok:
        raise Broken("differences", "none", wrong or report.findings[0].sentence())
    return seconds
