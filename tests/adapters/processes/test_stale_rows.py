"""Read models that could not take an event of a lease: nothing is debited on what their rows said before it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest

from adapters.connectors.payments.scenarios import by_seed
from adapters.postgres.connections import connect
from api.compose import Running
from domain.kernel.event import Event
from domain.leasing.lease.events.money import PaymentPosted
from domain.payments.payment.events import PaymentInitiated
from projections.engine.model import Projection
from projections.leasing.bills import BILLS
from projections.payments.collection_positions import _POSITIONS
from projections.payments.payments import PAYMENTS
from tests.adapters.processes.test_held import BAD, GOOD, leases
from tests.adapters.processes.world import World, a_world, contents, grant

LAST = date(2005, 5, 5)
WAITING = by_seed("waiting", failures_pct=0, pending_pct=100, lost_pct=0, partial_pct=0, charged_back_pct=0)


@contextmanager
def stumbling(projection: Projection[Any], kind: type[Event], lease: Any) -> Iterator[None]:
    """The read model cannot take events of a class of the lease, or of its payments."""
    fold, fold_run, streams = projection.fold, projection.fold_run, {lease}

    def stumbles(row: Any, event: Event, recorded: Any) -> Any:
        if getattr(event, "lease", None) == lease:
            streams.add(recorded.stream)
        if isinstance(event, kind) and recorded.stream in streams:
            raise ZeroDivisionError
        return fold(row, event, recorded)

    def one_by_one(row: Any, run: Any) -> Any:
        for recorded in run:
            row = stumbles(row, recorded.event, recorded)
        return row

    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(projection.__dict__, "fold", stumbles)
        patched.setitem(projection.__dict__, "fold_run", None if fold_run is None else one_by_one)
        yield


async def debited(world: World, lease: Any) -> int:
    """How often a lease was debited."""
    payments = [events for events in (await contents(world.program)).values() if events[0][0] == "payment.initiated.v1"]
    mine = [events for events in payments if str(lease) in events[0][2]]
    return sum(kind == "payment.attempt_started.v1" for events in mine for kind, _, _ in events)


async def test_a_lease_of_stale_bills_is_not_debited_again(world: World) -> None:
    """It once was, for the same bill, every day. All others are collected, and the days close."""
    await leases(world)
    for lease in (BAD, GOOD):
        await grant(world.program, lease)
    with stumbling(BILLS, PaymentPosted, BAD):
        await world.end_of_day.catch_up(LAST)
    assert (await debited(world, BAD), await debited(world, GOOD)) == (1, 1)


async def test_a_lease_of_payments_that_are_not_known_is_not_debited_again(program: Running) -> None:
    """The provider has not answered, and that it was asked is not known: the lease is found by its payment."""
    async with a_world(program, WAITING) as world:
        await leases(world)
        await grant(world.program, BAD)
        with stumbling(PAYMENTS, PaymentInitiated, BAD):
            await world.end_of_day.catch_up(LAST)
        assert await debited(world, BAD) == 1


async def test_whose_a_dead_letter_is_costs_no_look_at_every_stream(program: Running) -> None:
    """One dead letter once made every look before collecting read the first event of each stream of the ledger."""
    async with a_world(program, WAITING) as world:
        await leases(world)
        with stumbling(PAYMENTS, PaymentInitiated, BAD):
            await grant(world.program, BAD)
            await world.end_of_day.catch_up(LAST)
    names = ("tables", "positions", "known_fen", "shard", "posted_to", "tenant", "day")
    values = dict(zip(names, ([PAYMENTS.table], [], [], 0, 0, BAD, LAST), strict=True))
    with connect(program.url) as connection:
        for kind in ("nestloop", "seqscan"):
            connection.execute(f"SET enable_{kind} = off".encode())
        rows = connection.execute(f"EXPLAIN (FORMAT TEXT) {_POSITIONS}".encode(), values).fetchall()
    told = [line.strip() for (line,) in rows]
    looks = [told[n + 1] for n, line in enumerate(told) if "Scan" in line and " on events_" in line]
    assert looks
    assert all("stream = stale" in line for line in looks), looks
