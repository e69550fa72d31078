"""The vault: values sealed in the transaction of their event, opened with a living key, gone with it for ever."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from uuid import UUID

import pytest
import structlog
from msgspec.structs import replace
from psycopg import Connection

from adapters.keys import FileKeys, KeyFileError
from adapters.postgres.connections import connect
from adapters.postgres.fsck.whole import fsck
from adapters.postgres.ledger import Ledger
from adapters.postgres.vault import Vault, destroy_key, personal_values
from adapters.postgres.writing.group_commit import GroupCommit
from adapters.postgres.writing.sequencer import Appended, KeyReused, Part, SubjectErased
from adapters.system import new_id, now, random_bytes
from api.compose import Base, Running
from chain.b64 import b64url
from chain.entry import DecidedEvent
from chain.personal import Sealed, VaultError, disclosure, disclosure_digest
from domain.intake.application.events import ApplicationDrafted
from domain.intake.application.rules import APPLICATION
from domain.intake.application.state import ApplicationPhase
from domain.kernel.event import Event
from domain.kernel.values import AssetClass
from tests.adapters.postgres.stored import check_whole
from tests.adapters.postgres.story import (
    ADDRESS,
    NAME,
    PERSONAL,
    PHONE,
    SUBMIT,
    TENANT,
    context,
    draft_about,
    request,
    toys,
)
from tests.adapters.postgres.writing.faulty_socket import through_faulty_socket

AT = "2026-11-21T08:00:00.000000Z"


async def drafted(program: Running, subject: UUID, **changes: str) -> UUID:
    """An application about somebody; gives its stream."""
    stream = new_id()
    told = await program.ledger.execute(APPLICATION, request(stream, replace(draft_about(subject), **changes)))
    assert isinstance(told, Appended)
    return stream


def vault_rows(connection: Connection[Any]) -> list[tuple[UUID, UUID, Sealed]]:
    rows = connection.execute("SELECT eid, subject, path, digest, nonce, ciphertext FROM ledger.vault ORDER BY path")
    return [(eid, subject, Sealed(*sealed)) for eid, subject, *sealed in rows]


def wrapped_key(connection: Connection[Any], subject: UUID) -> bytes | None:
    [(wrapped,)] = connection.execute("SELECT wrapped FROM ledger.subject_keys WHERE subject = %s", (subject,))
    return None if wrapped is None else bytes(wrapped)


async def test_values_open_and_match_the_entry(program: Running, connection: Connection[Any]) -> None:
    subject = new_id()
    stream = await drafted(program, subject)
    [stored] = await program.reader.stream(stream)
    entry = stored.parsed()
    wrapped = wrapped_key(connection, subject)
    assert wrapped is not None
    opened = {}
    for eid, of, sealed in vault_rows(connection):
        assert (eid, of) == (entry.eid, subject)
        assert isinstance(entry.sd, tuple)
        assert sealed.digest in entry.sd
        value = program.vault.open(TENANT, eid, of, wrapped, sealed)
        opened[sealed.path] = value
        key = program.vault.key(TENANT, subject, wrapped)
        assert sealed.digest == disclosure_digest(disclosure(key, eid, sealed.path, value))
    assert opened == dict(zip(["name", "identity_number", "phone", "address"], PERSONAL, strict=True))
    assert isinstance(entry.sd, tuple)
    assert 4 <= len(entry.sd) <= 7


async def test_vault_rows_name_the_position_of_their_event(program: Running, connection: Connection[Any]) -> None:
    for _ in range(3):
        await asyncio.gather(*[drafted(program, new_id()) for _ in range(5)])
    wrong = connection.execute(
        "SELECT v.eid FROM ledger.vault v JOIN ledger.events e USING (shard, position) "
        "WHERE convert_from(e.entry, 'UTF8')::json ->> 'eid' <> v.eid::text"
    ).fetchall()
    assert wrong == []
    assert len(vault_rows(connection)) == 4 * 15


async def test_two_events_of_one_person_share_a_key(program: Running, connection: Connection[Any]) -> None:
    subject = new_id()
    await drafted(program, subject)
    await drafted(program, subject)
    assert connection.execute("SELECT count(*) FROM ledger.subject_keys").fetchone() == (1,)
    digests = [sealed.digest for _, _, sealed in vault_rows(connection)]
    assert len(digests) == len(set(digests)) == 8


async def test_many_first_events_of_one_person_race(program: Running, composed: Base, url: str) -> None:
    """Two processes make the same person's key at once: one wins, the others seal again under it."""
    subject = new_id()
    async with GroupCommit(url, clock=now) as other_writer:
        other = Ledger(
            other_writer, program.reader, Vault(composed.keys, random_bytes), keys=composed.keys, new_id=new_id
        )
        told = await asyncio.gather(
            *[
                which.execute(APPLICATION, request(new_id(), draft_about(subject)))
                for which in [program.ledger, other] * 10
            ]
        )
    assert {type(one) for one in told} == {Appended}
    with connect(url) as connection:
        check_whole(connection, events=20)
        assert fsck(connection, program.vault).findings == ()
        wrapped = wrapped_key(connection, subject)
        assert wrapped is not None
        names = [
            program.vault.open(TENANT, eid, of, wrapped, sealed)
            for eid, of, sealed in vault_rows(connection)
            if sealed.path == "name"
        ]
        assert names == [NAME] * 20


async def test_values_commit_with_their_event_or_not_at_all(
    program: Running, url: str, connection: Connection[Any]
) -> None:
    async with (
        through_faulty_socket(url, "before", "before") as (faulty_url, _),
        GroupCommit(faulty_url, clock=now) as writer,
    ):
        ledger = Ledger(writer, program.reader, program.vault, keys=program.keys, new_id=new_id)
        await ledger.execute(APPLICATION, request(new_id(), draft_about(new_id())))
    assert len(vault_rows(connection)) == 4
    assert connection.execute("SELECT count(*) FROM ledger.subject_keys").fetchone() == (1,)
    assert fsck(connection, program.vault).findings == ()


async def test_losers_leave_nothing_in_the_vault(program: Running, connection: Connection[Any]) -> None:
    stream = await drafted(program, new_id())
    [event] = [entry.event() async for entry in program.reader.stream_entries(stream)]
    assert isinstance(event, ApplicationDrafted)
    named = replace(event, subject=new_id(), name=NAME)
    prepared = await program.ledger.prepare(stream, [DecidedEvent(named, context(stream), new_id(), new_id())])
    lost = replace(
        toys(stream, expected=7),
        parts=(Part(stream, 7, prepared.drafts),),
        personal=prepared.personal,
        subject_keys=prepared.subject_keys,
    )
    with pytest.raises(Exception, match="expected version 7, got 1"):
        await program.ledger.append(lost)
    assert len(vault_rows(connection)) == 4
    assert connection.execute("SELECT count(*) FROM ledger.subject_keys").fetchone() == (1,)


async def test_replay_needs_no_vault(program: Running, superuser: Connection[Any]) -> None:
    stream = await drafted(program, new_id())
    await program.ledger.execute(APPLICATION, request(stream, SUBMIT))
    superuser.execute("TRUNCATE ledger.vault, ledger.subject_keys")
    fresh = Ledger(program.writer, program.reader, program.vault, keys=program.keys, new_id=new_id)
    version, state = await fresh.load(APPLICATION, stream)
    assert (version, state.phase) == (2, ApplicationPhase.SUBMITTED)


async def test_no_personal_value_anywhere_in_the_database(program: Running, superuser: Connection[Any]) -> None:
    for _ in range(3):
        stream = await drafted(program, new_id())
        await program.ledger.execute(APPLICATION, request(stream, SUBMIT))
    dump = everything(superuser)
    assert '"type":"application.drafted.v1"' in dump  # binary columns were looked into
    assert [value for value in PERSONAL if value in dump] == []
    assert [value for value in PERSONAL if value.encode().hex() in dump] == []
    assert [value for value in PERSONAL if b64url(value.encode())[:-1] in dump] == []


def everything(superuser: Connection[Any]) -> str:
    """All tables of the program as text, binary columns also decoded."""
    tables = superuser.execute(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('ledger', 'read')"
    ).fetchall()
    assert len(tables) >= 10
    parts = []
    for (table,) in tables:
        for (row,) in superuser.execute(f"SELECT t::text FROM {table} t"):
            parts.append(row)
            parts += [bytes.fromhex(word).decode(errors="replace") for word in _hex_words(row)]
    return "\n".join(parts)


def _hex_words(row: str) -> list[str]:
    words = row.replace('"', "").replace("(", ",").replace(")", ",").split(",")
    return [word.replace("\\\\x", "").replace("\\x", "") for word in words if "\\x" in word]


async def test_no_personal_value_in_logs_and_errors(
    program: Running, url: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    subject = new_id()
    with structlog.testing.capture_logs() as logged:
        async with through_faulty_socket(url, "after") as (faulty_url, _), GroupCommit(faulty_url, clock=now) as writer:
            ledger = Ledger(writer, program.reader, program.vault, keys=program.keys, new_id=new_id)
            once = request(new_id(), draft_about(subject))
            await ledger.execute(APPLICATION, once)
            other = replace(once, command=draft_about(subject, name="李四"))
            with pytest.raises(KeyReused) as reused:
                await program.ledger.execute(APPLICATION, other)
        with connect(url) as connection:
            destroy_key(connection, TENANT, subject, AT)
        with pytest.raises(SubjectErased) as erased:
            await program.ledger.execute(APPLICATION, request(new_id(), draft_about(subject)))
    assert [entry["event"] for entry in logged] == ["ledger.connection_lost"]
    said = "".join(map(str, (logged, caplog.text, *capsys.readouterr(), reused.value, erased.value)))
    assert [value for value in (*PERSONAL, "李四") if value in said] == []


async def test_destroyed_key(program: Running, connection: Connection[Any]) -> None:
    subject, bystander = new_id(), new_id()
    stream = await drafted(program, subject)
    await drafted(program, bystander)
    wrapped = wrapped_key(connection, subject)
    assert wrapped is not None
    before = fsck(connection, program.vault)
    assert destroy_key(connection, TENANT, subject, AT) is True
    assert destroy_key(connection, TENANT, subject, AT) is False
    assert wrapped_key(connection, subject) is None
    after = fsck(connection, program.vault)
    assert (before.personal_values, before.erased_values) == (8, 0)
    assert (after.personal_values, after.erased_values, after.findings) == (4, 4, ())
    assert (after.root, after.size) == (before.root, before.size)
    assert (await program.ledger.load(APPLICATION, stream))[0] == 1


async def test_nothing_is_written_for_an_erased_person(program: Running, connection: Connection[Any]) -> None:
    subject = new_id()
    await drafted(program, subject)
    destroy_key(connection, TENANT, subject, AT)
    with pytest.raises(SubjectErased, match="expected a living key, got a destroyed one"):
        await drafted(program, subject)
    check_whole(connection, events=1)


async def test_key_destroyed_between_sealing_and_writing(program: Running, connection: Connection[Any]) -> None:
    """The head row's lock decides: what was sealed under a key that is gone is refused by the writer."""
    subject = new_id()
    stream = await drafted(program, subject)
    [event] = [entry.event() async for entry in program.reader.stream_entries(stream)]
    assert isinstance(event, ApplicationDrafted)
    other = new_id()
    prepared = await program.ledger.prepare(
        other, [DecidedEvent(replace(event, name=NAME), context(other), new_id(), new_id())]
    )
    destroy_key(connection, TENANT, subject, AT)
    late = replace(toys(other), parts=(Part(other, 0, prepared.drafts),), personal=prepared.personal)
    with pytest.raises(SubjectErased, match="expected a living key, got none"):
        await program.ledger.append(late)
    check_whole(connection, events=1)


def test_destroying_an_unknown_subject(connection: Connection[Any]) -> None:
    assert destroy_key(connection, TENANT, new_id(), AT) is False


def test_programs_may_not_bring_a_key_back_half(connection: Connection[Any], superuser: Connection[Any]) -> None:
    superuser.execute("INSERT INTO ledger.subject_keys VALUES (0, %s, %s, NULL, %s)", (TENANT, new_id(), AT))
    with pytest.raises(Exception, match="check constraint"):
        connection.execute("UPDATE ledger.subject_keys SET wrapped = 'x'")


async def test_another_installations_keys_open_nothing(
    program: Running, connection: Connection[Any], tmp_path: Any
) -> None:
    subject = new_id()
    await drafted(program, subject)
    wrapped = wrapped_key(connection, subject)
    assert wrapped is not None
    stranger = Vault(FileKeys(tmp_path / "stranger"), random_bytes)
    eid, _, sealed = vault_rows(connection)[0]
    with pytest.raises(KeyFileError, match=str(subject)):
        stranger.open(TENANT, eid, subject, wrapped, sealed)


async def test_values_do_not_move_between_places(program: Running, connection: Connection[Any]) -> None:
    subject = new_id()
    await drafted(program, subject)
    wrapped = wrapped_key(connection, subject)
    assert wrapped is not None
    (eid, _, address), (_, _, identity), *_ = vault_rows(connection)
    for moved in (replace(identity, path=address.path), replace(address, digest=identity.digest)):
        with pytest.raises(VaultError, match="expected the sealed bytes"):
            program.vault.open(TENANT, eid, subject, wrapped, moved)
    with pytest.raises(VaultError, match="expected the sealed bytes"):
        program.vault.open(TENANT, new_id(), subject, wrapped, address)


EVENT = ApplicationDrafted(
    reference="R-1", asset_class=AssetClass.VEHICLE, product="p", channel="c", amount_fen=1, currency="CNY", checklist=1
)


def test_only_given_fields_are_personal_values() -> None:
    assert personal_values(EVENT) == {}
    assert personal_values(replace(EVENT, phone=PHONE, address=ADDRESS)) == {"phone": PHONE, "address": ADDRESS}


def test_personal_values_need_a_subject(composed: Base) -> None:
    vault = Vault(composed.keys, random_bytes)
    event: Event = replace(EVENT, phone=PHONE)
    with pytest.raises(ValueError, match=r"expected a subject for the personal fields \['phone'\], got none") as caught:
        vault.prepare(TENANT, event, new_id(), personal_values(event), {})
    assert PHONE not in str(caught.value)
