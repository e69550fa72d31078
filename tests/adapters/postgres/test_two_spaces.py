"""Callers and the program have idempotency keys apart, and two tenants have persons apart."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from psycopg import Connection

from adapters.postgres.fsck.whole import fsck
from adapters.postgres.ledger import Request
from adapters.postgres.vault import destroy_key
from adapters.postgres.writing.sequencer import Appended, SubjectErased
from adapters.system import new_id
from api.compose import Running
from domain.intake.application.rules import APPLICATION
from domain.kernel.command import Command
from tests.adapters.postgres import story
from tests.adapters.postgres.story import ANONYMOUS, SUBMIT, TENANT, draft_about

OTHER_TENANT = new_id()
AT = "2026-03-02T05:00:00.000000Z"
KEY = "calendar:2026-11-21:start"


def by_the_program(of: Request) -> Request:
    return replace(of, system=True)


def request(stream: UUID, command: Command, key: str | None = None) -> Request:
    """As a caller asks."""
    return replace(story.request(stream, command, key=key), system=False)


async def test_a_callers_key_keeps_the_program_from_nothing(program: Running) -> None:
    """A key of the program can be guessed; whoever takes it first must not have silenced what it was for."""
    taken = await program.ledger.execute(APPLICATION, request(new_id(), ANONYMOUS, key=KEY))
    own = by_the_program(request(new_id(), ANONYMOUS, key=KEY))
    done = await program.ledger.execute(APPLICATION, own)
    assert isinstance(taken, Appended)
    assert isinstance(done, Appended)
    assert (taken.replayed, done.replayed) == (False, False)
    assert await program.reader.known_keys(TENANT, [KEY]) == {KEY}
    assert (await program.ledger.execute(APPLICATION, own)) == replace(done, replayed=True, size=0, root=b"")


async def test_what_the_program_did_is_no_answer_to_a_caller(program: Running) -> None:
    await program.ledger.execute(APPLICATION, by_the_program(request(new_id(), ANONYMOUS, key=KEY)))
    assert await program.reader.command(TENANT, KEY, system=False) is None
    asked = request(new_id(), ANONYMOUS, key=KEY)
    assert await program.ledger.repeated(TENANT, KEY, type(ANONYMOUS), ANONYMOUS, asked.stream) is None
    told = await program.ledger.execute(APPLICATION, asked)
    assert isinstance(told, Appended)
    assert (told.stream, told.replayed) == (asked.stream, False)


def of_tenant(tenant: UUID, stream: UUID, command: Command) -> Request:
    wanted = request(stream, command)
    return replace(wanted, context=replace(wanted.context, tenant=tenant))


async def test_the_persons_of_two_tenants_are_two(program: Running, connection: Connection[Any]) -> None:
    """Both know the same person by the same id: erasing what one has leaves the other's readable and writable."""
    subject = new_id()
    for tenant in (TENANT, OTHER_TENANT):
        assert isinstance(
            await program.ledger.execute(APPLICATION, of_tenant(tenant, new_id(), draft_about(subject))), Appended
        )
    wrapped = connection.execute("SELECT count(DISTINCT wrapped) FROM ledger.subject_keys").fetchone()
    assert wrapped == (2,)
    assert destroy_key(connection, TENANT, subject, AT)
    with pytest.raises(SubjectErased):
        await program.ledger.execute(APPLICATION, of_tenant(TENANT, new_id(), draft_about(subject)))
    again = of_tenant(OTHER_TENANT, new_id(), draft_about(subject))
    assert isinstance(await program.ledger.execute(APPLICATION, again), Appended)
    report = fsck(connection, program.vault)
    assert (report.findings, report.personal_values, report.erased_values) == ((), 8, 4)


@pytest.mark.parametrize("column", ["tenant", "subject"])
async def test_a_value_under_another_owner_is_found(
    program: Running, connection: Connection[Any], superuser: Connection[Any], column: str
) -> None:
    await program.ledger.execute(APPLICATION, request(new_id(), draft_about(new_id())))
    superuser.execute(f"UPDATE ledger.vault SET {column} = %s WHERE path = 'phone'".encode(), (OTHER_TENANT,))
    findings = fsck(connection, program.vault).findings
    assert [(one.position, one.what) for one in findings] == [(1, "tenant and subject of vault value phone")]


async def test_submit_after(program: Running) -> None:
    """Both spaces are one stream's: what the program did is where the caller goes on."""
    stream = new_id()
    await program.ledger.execute(APPLICATION, by_the_program(request(stream, ANONYMOUS, key=KEY)))
    told = await program.ledger.execute(APPLICATION, request(stream, SUBMIT, key=KEY))
    assert isinstance(told, Appended)
    assert (told.version, told.replayed) == (2, False)
