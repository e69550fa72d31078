"""A ledger is opened by its first event, for one owner, whoever starts first and whatever is set later."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from adapters.keys import KeyFileError
from adapters.postgres.connections import connect
from adapters.postgres.log import Log
from adapters.postgres.reading.opening import ledger_state
from adapters.system import now
from api.compose import Running
from api.identity.recorded import authentication
from api.roles.keys import first_operator_key, revoke_unshown
from api.roles.opening import ensure_opened, opened
from chain.entry import parse
from domain.intake.application.rules import APPLICATION
from domain.kernel.ids import uuid7
from domain.kernel.times import utc_text
from tests.adapters.postgres.story import ANONYMOUS, TENANT, draft_about, request
from tests.ledger import ORIGIN, Server, composed_on

OTHER = uuid7(1_700_000_000_000, 77)


def owner_on(url: str) -> UUID | None:
    with connect(url) as connection:
        return ledger_state(connection).owner


async def start(url: str, data: Path, tenant: UUID) -> None:
    with composed_on(url, data, tenant=tenant) as on:
        async with opened(on):
            pass


async def test_the_first_event_names_origin_and_owner(url: str, tmp_path: Path, connection: Connection[Any]) -> None:
    await start(url, tmp_path, TENANT)
    [(position, entry)] = connection.execute("SELECT position, entry FROM ledger.events").fetchall()
    parsed = parse(entry)
    assert (position, parsed.type, parsed.tenant) == (1, "ledger.opened.v1", TENANT)
    with connect(url) as reader:
        state = ledger_state(reader)
    assert (state.origin, state.owner, state.demonstration) == (ORIGIN, TENANT, False)


async def test_another_tenant_in_the_settings_is_not_the_owner(url: str, tmp_path: Path) -> None:
    await start(url, tmp_path, TENANT)
    await start(url, tmp_path, OTHER)
    assert owner_on(url) == TENANT


async def test_many_starts_at_once_open_it_once(url: str, tmp_path: Path, connection: Connection[Any]) -> None:
    await asyncio.gather(*(start(url, tmp_path, tenant) for tenant in (TENANT, OTHER, TENANT, OTHER)))
    assert connection.execute("SELECT count(*) FROM ledger.events").fetchone() == (1,)
    assert owner_on(url) in (TENANT, OTHER)


def key_of_before(connection: Connection[Any], tenant: UUID, role: str, number: int) -> str:
    """A key as a program of before made it."""
    text = f"llk_{number:043d}"
    connection.execute(
        "INSERT INTO ledger.api_keys VALUES (%s, %s, %s, 'first operator', %s)",
        (sha256(text.encode()).digest(), tenant, role, utc_text(now() + timedelta(seconds=number))),
    )
    return text


@pytest.mark.parametrize("key_of", [None, OTHER])
async def test_a_ledger_with_events_belongs_to_its_first_operator(program: Running, key_of: UUID | None) -> None:
    await program.ledger.execute(APPLICATION, request(uuid7(1, 5), ANONYMOUS))
    if key_of is not None:
        with connect(program.url) as connection:
            for number, tenant in enumerate((key_of, TENANT)):
                key_of_before(connection, tenant, "operator", number)
    await ensure_opened(program)
    assert owner_on(program.url) == (key_of or program.settings.tenant)


async def test_an_opening_that_is_not_the_first_event_is_no_demonstration(program: Running) -> None:
    await program.ledger.execute(APPLICATION, request(uuid7(1, 6), ANONYMOUS))
    await ensure_opened(program)
    with connect(program.url) as connection:
        assert ledger_state(connection).demonstration is False


async def test_another_well_formed_vault_key_is_refused(url: str, tmp_path: Path) -> None:
    """Persons sealed under two keys open under none; a new key must not look like the old one's place."""
    with composed_on(url, tmp_path, tenant=TENANT) as on:
        async with opened(on) as program:
            await program.ledger.execute(APPLICATION, request(uuid7(1, 7), draft_about(uuid7(1, 8))))
    (tmp_path / "keys" / "vault.kek").write_text("ab" * 32 + "\n")
    with pytest.raises(KeyFileError, match=r"vault\.kek: expected the key that this ledger's persons were sealed with"):
        await start(url, tmp_path, TENANT)


async def test_another_well_formed_payload_key_is_refused(url: str, tmp_path: Path) -> None:
    await start(url, tmp_path, TENANT)
    (tmp_path / "keys" / "payload-0002.key").write_text("ab" * 32 + "\n")
    with pytest.raises(KeyFileError, match=r"payload-0002\.key: expected the key that this ledger was opened with"):
        await start(url, tmp_path, TENANT)


async def test_keys_that_signed_events_open_no_empty_ledger(url: str, tmp_path: Path, server: Server) -> None:
    """An empty database beside old keys is a lost one, and never the beginning of a second history."""
    with composed_on(url, tmp_path, tenant=TENANT) as on:
        async with opened(on):
            pass
        with connect(url) as connection:
            Log(connection).publish(on.signer, now())
    said = "expected the ledger of 1 events that these keys have signed, got an empty"
    with server.ledger() as empty, pytest.raises(KeyFileError, match=said):
        await start(empty, tmp_path, TENANT)


async def test_keys_of_before_are_taken_over_once(program: Running) -> None:
    """They work as before, name the digest that their actors' ids began with, and no later row counts."""
    with connect(program.url) as connection:
        texts = [key_of_before(connection, *one) for one in ((TENANT, "operator", 1), (OTHER, "collector", 2))]
    await ensure_opened(program)
    size = await program.reader.size()
    with connect(program.url) as connection:
        late = key_of_before(connection, TENANT, "operator", 3)
    await ensure_opened(program)
    assert await program.reader.size() == size
    find = authentication(program).find
    owner, collector, nobody = [await find(text) for text in (*texts, late)]
    assert owner is not None
    assert collector is not None
    assert (owner.tenant, owner.role, owner.kind) == (TENANT, "operator", "machine")
    assert (collector.tenant, collector.role, nobody) == (OTHER, "collector", None)
    assert await first_operator_key(program) is None


async def test_no_row_of_before_counts_beside_keys_that_are_events(program: Running) -> None:
    await ensure_opened(program)
    assert await first_operator_key(program) is not None
    with connect(program.url) as connection:
        late = key_of_before(connection, program.settings.tenant, "operator", 1)
    await ensure_opened(program)
    assert await authentication(program).find(late) is None


async def test_a_first_key_that_was_not_shown_is_followed_by_another(program: Running) -> None:
    await ensure_opened(program)
    find = authentication(program).find
    first = await first_operator_key(program)
    assert first is not None
    assert first.text is not None
    await revoke_unshown(program, first)
    second = await first_operator_key(program)
    assert second is not None
    assert second.text is not None
    assert await first_operator_key(program) is None
    assert await find(first.text) is None
    found = await find(second.text)
    assert found is not None
    assert (found.role, found.kind) == ("operator", "person")
