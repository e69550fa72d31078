"""A ledger that holds something of everything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from eventsourcing.persistence import StoredEvent
from msgspec.structs import replace
from psycopg import Connection

from adapters.postgres.log import Log
from adapters.postgres.vault import destroy_key
from adapters.postgres.writing.sequencer import Append, Part
from adapters.system import new_id
from api.compose import Running
from chain.entry import DecidedEvent
from domain.intake.application.commands import StartVerification
from domain.intake.application.rules import APPLICATION
from tests.adapters.eventsourcing.library_recorders import recorder_on
from tests.adapters.postgres.story import ANONYMOUS, START, SUBMIT, TENANT, context, draft_about, request


async def imported(program: Running, key: str, digest: bytes) -> Append:
    """A history of three events, each with a cause of its own."""
    stream, state = new_id(), APPLICATION.initial
    events: list[DecidedEvent] = []
    for command in (ANONYMOUS, SUBMIT, StartVerification()):
        at, cause = context(stream), new_id()
        decided = APPLICATION.decide(command, state, at)
        assert isinstance(decided, tuple)
        for event in decided:
            state = APPLICATION.evolve(state, event)
            events.append(DecidedEvent(event, at, cause, new_id()))
    drafted = await program.ledger.prepare(stream, events)
    return Append(tenant=TENANT, key=key, system=True, digest=digest, parts=(Part(stream, 0, drafted.drafts),))


@pytest.fixture
async def everything(program: Running, connection: Connection[Any]) -> Running:
    """Commands of callers and of the program, an import, a call of the library, persons of whom one is erased, API keys
    of which one is revoked, and two checkpoints, by two keys.
    """
    persons = [new_id(), new_id()]
    for person in persons:
        stream = new_id()
        for command in (draft_about(person), SUBMIT):
            await program.ledger.execute(APPLICATION, replace(request(stream, command), system=False))
    await program.ledger.execute(APPLICATION, request(new_id(), ANONYMOUS, key="own"))
    Log(connection).publish(program.signer, START)
    program.keys.rotate_log_key()
    digest = bytes(range(32))
    for key in (f"import:xes/7@{digest.hex()[:32]}", "import:8"):
        await program.ledger.append(await imported(program, key, digest))
    with recorder_on(program.url) as library:
        stream = new_id()
        events = [StoredEvent(stream, number, "shop:Dog.Registered", b"state") for number in (1, 2)]
        library.insert_events(events, context=context(stream))
    Log(connection).publish(program.signer, START + timedelta(hours=1))
    destroy_key(connection, TENANT, persons[0], "2026-03-02T05:00:00.000000Z")
    for number, revoked in ((1, None), (2, "2026-03-02T05:00:00.000000Z")):
        connection.execute(
            "INSERT INTO ledger.api_keys VALUES (%s, %s, 'auditor', 'till', '2026-03-02T04:00:00.000000Z', %s)",
            (bytes([number]) * 32, TENANT, revoked),
        )
    return program
