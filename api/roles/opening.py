"""Opening: the ledger's first event says whose log it is, before anything else is written.

empty ledger ─▶ ledger.opened(origin, owner) ─▶ everything that follows
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from adapters.keys import KeyFileError
from adapters.postgres.connections import Connection, connect
from adapters.postgres.keys_of_before import first_operator
from adapters.postgres.ledger import Request, payload
from adapters.postgres.reading.opening import ledger_state
from adapters.postgres.schema import SHARD
from adapters.postgres.writing.sequencer import NotFirst
from adapters.system import now
from api.compose import Base, Running, running
from api.roles.keys import adopt_keys
from domain.access.ledger import LEDGER, OPEN_ALREADY, OpenLedger, ledger_stream
from domain.kernel.command import SYSTEM, Actor, Context
from domain.kernel.refusal import Refusal
from domain.kernel.times import business_date

KEY = "ledger:opened"
"""The idempotency key of a ledger's opening, of either kind."""

_ACTOR = Actor(SYSTEM, "opening")


@asynccontextmanager
async def opened(on: Base) -> AsyncIterator[Running]:
    """The ledger at work, opened unless it was; whoever writes for a tenant begins here."""
    async with running(on) as program:
        await ensure_opened(program)
        yield program


async def ensure_opened(program: Running) -> None:
    """Open the ledger for the tenant of the settings unless it is open. Safe to race."""
    await _check_payload_key(program)
    await program.queries.run(_check_vault_key, program)
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


async def _check_payload_key(program: Running) -> None:
    """Raise `KeyFileError` for a payload key that is not the one which the ledger was opened with.

    The opening's payload is known, and its digest is stored: under another key every repeated command would be called
    another one.
    """
    state = await program.queries.run(ledger_state)
    if state.owner is None or state.demonstration or state.origin != program.settings.origin:
        return
    known = await program.reader.command(state.owner, KEY, system=True)
    asked = payload(_request(program, state.owner, first=True))
    if known is not None and known.digest != program.keys.digest(asked, known.digest_key):
        path = program.settings.keys_directory / f"payload-{known.digest_key:04d}.key"
        raise KeyFileError(f"{path}: expected the key that this ledger was opened with, got another one; restore it")


def _check_vault_key(connection: Connection, program: Running) -> None:
    """Raise `KeyFileError` for a well-formed key of another ledger: what is sealed under two keys opens under none.

    One key of a person may be damaged, which is fsck's to say; a key that opens none of some is another one.
    """
    wrapped = connection.execute(_SUBJECT_KEYS, (SHARD,)).fetchall()
    if not wrapped or any(_opens(program, *one) for one in wrapped):
        return
    path = program.settings.keys_directory / "vault.kek"
    raise KeyFileError(f"{path}: expected the key that this ledger's persons were sealed with, got another; restore it")


def _opens(program: Running, tenant: UUID, subject: UUID, wrapped: bytes) -> bool:
    try:
        program.keys.unwrap(tenant, subject, bytes(wrapped))
    except KeyFileError:
        return False
    return True


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


_SUBJECT_KEYS = """
SELECT tenant, subject, wrapped FROM ledger.subject_keys WHERE shard = %s AND wrapped IS NOT NULL LIMIT 5"""
