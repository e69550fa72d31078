"""Opening: the ledger's first event says whose log it is, before anything else is written.

empty ledger ─▶ ledger.opened(origin, owner) ─▶ everything that follows
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from adapters.postgres.connections import check_may_read, connect
from adapters.postgres.identity import OPENING_KEY, check_all
from adapters.postgres.keys_of_before import first_operator
from adapters.postgres.ledger import Request
from adapters.postgres.reading.opening import ledger_state
from adapters.postgres.writing.sequencer import NotFirst
from adapters.system import now
from api.compose import Base, Running, running
from api.roles.keys import adopt_keys
from domain.access.ledger import LEDGER, OPEN_ALREADY, OpenLedger, ledger_stream
from domain.kernel.command import SYSTEM, Actor, Context
from domain.kernel.refusal import Refusal
from domain.kernel.times import business_date

KEY = OPENING_KEY

_ACTOR = Actor(SYSTEM, "opening")


@asynccontextmanager
async def opened(on: Base) -> AsyncIterator[Running]:
    """The ledger at work, opened unless it was; whoever writes for a tenant begins here."""
    async with running(on) as program:
        await ensure_opened(program)
        yield program


def expect_ours(on: Base) -> None:
    """Raise `KeyFileError` for keys that are not this ledger's, and for a ledger that lost what its log has signed;
    `MayNotRead` for an account that could serve no read.
    """
    with connect(on.url) as connection:
        check_may_read(connection)
        check_all(connection, on.keys)


async def ensure_opened(program: Running) -> None:
    """Open the ledger for the tenant of the settings unless it is open. Safe to race.

    Raises `KeyFileError` for keys that are not this ledger's, and for a ledger that lost what its log has signed.
    """
    await program.queries.run(check_all, program.keys)
    while not await _is_open(program):
        size = await program.reader.size()
        owner = program.settings.tenant if size == 0 else _owner_before(program)
        try:
            outcome = await program.ledger.execute(LEDGER, _request(program, owner, first=size == 0))
        except NotFirst:
            continue  # another program was first: look what it wrote
        if isinstance(outcome, Refusal):
            assert outcome.kind is OPEN_ALREADY, outcome
    opened_by = (await program.queries.run(ledger_state)).owner
    assert opened_by is not None, "it was opened"
    await adopt_keys(program, opened_by)


async def _is_open(program: Running) -> bool:
    return (await program.queries.run(ledger_state)).owner is not None


def _request(program: Running, owner: UUID, *, first: bool) -> Request:
    origin, at = program.settings.origin, now()
    stream = ledger_stream(origin)
    context = Context(
        tenant=owner,
        actor=_ACTOR,
        correlation=stream,
        now=at,
        business_date=business_date(at),
    )
    return Request(stream=stream, key=KEY, command=OpenLedger(origin=origin), context=context, first=first)


def _owner_before(program: Running) -> UUID:
    """Who ran a ledger that was never opened: whose operator's key was the first, or the tenant of the settings."""
    with connect(program.url) as connection:
        return first_operator(connection) or program.settings.tenant
