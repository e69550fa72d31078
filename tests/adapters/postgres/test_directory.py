"""The directory of clauses: never behind the ledger, each tenant its own."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from adapters.postgres.directory import Directory
from adapters.postgres.ledger import Request
from adapters.postgres.sequencer import KeyReused
from adapters.system import new_id
from api.compose import Running
from domain.contracts.clause import CLAUSE, DraftClause
from domain.intake.application.commands import DraftApplication
from domain.intake.application.rules import APPLICATION
from domain.kernel.command import Command
from domain.kernel.decider import Decider
from domain.pricing.parts import Form
from tests.adapters.postgres.story import ANONYMOUS, TENANT, context

STRANGER = UUID(int=9)
CLAUSE_DRAFT = DraftClause(
    clause="rent", title="租金", gloss="Rent", forms=(Form.OPERATING,), mandatory=True, text="租金。"
)


async def written(program: Running, decider: Decider[Any], command: Command, stream: UUID | None = None) -> UUID:
    """A command's events on a stream; gives the stream."""
    place = stream or new_id()
    request = Request(stream=place, key=new_id().hex, command=command, context=context(place))
    await program.ledger.execute(decider, request)
    return place


async def test_clauses_of_a_tenant(program: Running, connection: Connection[Any]) -> None:
    directory = Directory()
    stream = await written(program, CLAUSE, CLAUSE_DRAFT)
    again = DraftClause(
        clause="rent", title="租金", gloss="Rent", forms=(Form.OPERATING,), mandatory=True, text="租金按月支付。"
    )
    assert directory.clauses(connection, TENANT) == (stream,)
    await written(program, CLAUSE, again, stream)
    assert directory.clauses(connection, TENANT) == (stream,)
    assert directory.clauses(connection, STRANGER) == ()


async def test_first_outcome_under_a_key(program: Running) -> None:
    stream = new_id()
    assert await program.ledger.repeated(TENANT, "key", DraftApplication, ANONYMOUS, None) is None
    asked = {"what": "was given"}
    request = Request(stream=stream, key="key", command=ANONYMOUS, context=context(stream), asked=asked)
    first = await program.ledger.execute(APPLICATION, request)
    again = await program.ledger.repeated(TENANT, "key", DraftApplication, asked, None)
    assert again is not None
    assert again.replayed
    assert (again.stream, again.position) == (stream, getattr(first, "position", None))
    with pytest.raises(KeyReused):
        await program.ledger.repeated(TENANT, "key", DraftApplication, ANONYMOUS, None)
    with pytest.raises(KeyReused):
        await program.ledger.repeated(TENANT, "key", DraftApplication, asked, new_id())
