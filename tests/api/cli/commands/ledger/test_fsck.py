"""`fsck`: in order when it is, and the position of the first difference when somebody changed something."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from adapters.postgres.ledger import Request
from adapters.system import new_id, now
from api.cli.failures import REFUSED, UNUSABLE
from api.compose import base, running
from api.settings import Settings
from chain.entry import parse
from chain.merkle import Frontier, leaf_hash
from chain.tiles import TileBuilder
from domain.intake.application.commands import DraftApplication
from domain.intake.application.rules import APPLICATION
from domain.kernel.command import Actor, Context
from domain.kernel.refusal import Refusal
from domain.kernel.times import business_date
from domain.kernel.values import AssetClass
from tests.api.cli.program import Program
from tests.ledger import ORIGIN

CASES = 8
OPENING = 1
"""The stream that every ledger begins with."""
AT = 17

_SWAP = (
    "UPDATE ledger.events e SET stream = o.stream, seq = o.seq, type = o.type, entry = o.entry, leaf = o.leaf "
    f"FROM ledger.events o WHERE (e.position, o.position) IN (({AT}, {AT + 3}), ({AT + 3}, {AT}))"
)


def _flip(table: str, column: str, where: str = "true") -> str:
    return f"UPDATE {table} SET {column} = set_byte({column}, 4, get_byte({column}, 4) # 1) WHERE {where}"


HARM: dict[str, tuple[str, int | None]] = {
    "a byte of an entry": (_flip("ledger.events", "entry", f"position = {AT}"), AT),
    "a byte of the leaf beside it": (_flip("ledger.events", "leaf", f"position = {AT}"), AT),
    "a byte of the last entry": (_flip("ledger.events", "entry", "position = (SELECT size FROM ledger.head)"), None),
    "the last entry, which is none": (
        "UPDATE ledger.events SET entry = '{' WHERE position = (SELECT size FROM ledger.head)",
        None,
    ),
    "a removed row": (f"DELETE FROM ledger.events WHERE position = {AT}", AT),
    "a swapped pair": (_SWAP, AT),
    "a removed last row": ("DELETE FROM ledger.events WHERE position = (SELECT size FROM ledger.head)", None),
    "the root in the head row": (_flip("ledger.head", "root"), 0),
    "the size in the head row": ("UPDATE ledger.head SET size = size - 1", 0),
    "the head of a stream": ("UPDATE ledger.stream_heads SET seq = seq + 1 WHERE stream = {stream}", 0),
    "a row of a read model": ("UPDATE read.application_book_v2 SET state = 'odd' WHERE id = {stream}", None),
    "a removed row of a read model": ("DELETE FROM read.decision_funnel_v1 WHERE id = {stream}", None),
    "a tile": (_flip("ledger.tiles", "hashes", "level = 0 AND index = 0"), 1),
    "a published checkpoint": (
        "UPDATE ledger.checkpoints SET note = replace(note, origin, 'x') FROM ledger.head",
        None,
    ),
}
"""What an administrator could do, and the position that the first finding must name (0: about no position)."""


def first_stream(program: Program) -> str:
    """The stream of the first event behind the ledger's opening."""
    with program.superuser() as connection:
        row = connection.execute("SELECT stream FROM ledger.events WHERE position = 2").fetchone()
    assert row is not None
    return f"'{row[0]}'"


def test_a_ledger_in_order(program: Program) -> None:
    size = program.filled(CASES)
    data = program("fsck", "--json").then(0).json
    assert data["ok"] is True
    assert (data["events"], data["size"], data["streams"], data["findings"]) == (size, size, CASES + OPENING, [])
    assert data["events_per_s"] > 0
    assert data["read_models"]["application_book"] == CASES
    text = program("fsck").then(0).text
    assert text.startswith(
        f"In order: {size} events of {CASES + OPENING} streams, 1 checkpoint, 0 personal values, {CASES} rows"
    )


def test_an_empty_ledger_is_in_order(program: Program) -> None:
    data = program("fsck", "--json").then(0).json
    assert (data["ok"], data["events"], data["events_per_s"], data["read_models"]) == (True, 0, 0, {})


@pytest.mark.parametrize("what", sorted(HARM))
def test_harm_behind_the_back_is_found(program: Program, what: str) -> None:
    program.filled(CASES)
    statement, position = HARM[what]
    program.behind_the_back(statement.replace("{stream}", first_stream(program)))
    done = program("fsck", "--json").then(REFUSED).json
    assert done["ok"] is False
    first = done["findings"][0]
    assert first["expected"] != first["got"]
    if position is not None:
        assert first["position"] == position
    text = program("fsck").then(REFUSED).text
    assert first["sentence"] in text
    assert "NOT in order" in text


def test_many_findings_are_cut_for_people_and_whole_for_programs(program: Program) -> None:
    program.filled(CASES)
    program.behind_the_back("UPDATE ledger.events SET leaf = set_byte(leaf, 0, get_byte(leaf, 0) # 1)")
    found = program("fsck", "--json").then(REFUSED).json["findings"]
    lines = program("fsck").then(REFUSED).text.splitlines()
    assert len(found) > len(lines)
    assert lines[-2].endswith("more; --json has them")


async def submit_person(program: Program) -> str:
    """One application with personal data, through the whole write path; the person's id."""
    subject, at = new_id(), now()
    values: dict[str, Any] = {"database_url": program.url, "data": program.data, "origin": ORIGIN}
    draft = DraftApplication(
        reference="R-1", asset_class=AssetClass.PHONE, product="phone", channel="shop", amount_fen=1, currency="CNY",
        subject=subject, name="王小明", phone="13800000000",
    )  # fmt: skip
    with base(Settings(**values)) as on:
        context = Context(
            tenant=on.settings.tenant, actor=Actor("merchant_operator", "7"), correlation=new_id(),
            now=at, business_date=business_date(at),
        )  # fmt: skip
        request = Request(stream=new_id(), key="k", command=draft, context=context, new=True)
        async with running(on) as ledger:
            assert not isinstance(await ledger.ledger.execute(APPLICATION, request), Refusal)
    return str(subject)


def test_a_changed_vault_value_is_found(program: Program) -> None:
    asyncio.run(submit_person(program))
    assert program("fsck", "--json").then(0).json["personal_values"] == 2
    program.behind_the_back(
        "UPDATE ledger.vault SET ciphertext = set_byte(ciphertext, 0, get_byte(ciphertext, 0) # 1) WHERE path = "
        "(SELECT min(path) FROM ledger.vault)"
    )
    found = program("fsck", "--json").then(REFUSED).json["findings"]
    assert found[0]["position"] == 1


def test_destroying_a_key_leaves_fsck_clean_and_no_value_readable(program: Program) -> None:
    subject = asyncio.run(submit_person(program))
    refused = program("subject", "destroy-key", subject).then(UNUSABLE)
    assert "expected --yes" in refused.err
    assert program("subject", "destroy-key", subject, "--yes", "--json").then(0).json == {
        "subject": subject,
        "destroyed": True,
    }
    data = program("fsck", "--json").then(0).json
    assert (data["personal_values"], data["erased_values"]) == (0, 2)
    as_listed = f"subject_{UUID(subject).hex}"
    again = program("subject", "destroy-key", as_listed, "--yes").then(REFUSED)
    assert again.text == f"{as_listed}: there was no living key of this subject\n"
    other = program("subject", "destroy-key", as_listed.replace("subject_", "lease_"), "--yes").then(UNUSABLE)
    assert "expected subject_ and 32 lower-case hex digits" in other.err


def test_a_rolled_back_ledger_is_caught_by_a_checkpoint_kept_elsewhere(program: Program, tmp_path: Path) -> None:
    program.filled(CASES)
    kept = tmp_path / "kept"
    kept.write_bytes(program("checkpoint").then(0).out)
    program("fsck", "--since", kept).then(0)
    program("import", "xes", program.log(CASES + 4)).then(0)
    program("fsck", "--since", kept).then(0)
    newer = tmp_path / "newer"
    newer.write_bytes(program("checkpoint").then(0).out)
    earlier = snapshot_of(program, kept)
    program.behind_the_back(*earlier)
    assert "checkpoint signed last here" in program("fsck", "--json").then(REFUSED).json["findings"][0]["what"]
    (program.data / "keys" / "log.signed").unlink()
    program("fsck").then(0)
    done = program("fsck", "--since", newer, "--json").then(REFUSED).json
    assert "checkpoint kept elsewhere" in done["findings"][0]["what"]


def snapshot_of(program: Program, kept: Path) -> list[str]:
    """Statements that put the whole ledger back to what it was at the kept checkpoint."""
    size = int(kept.read_text().splitlines()[1])
    with program.superuser() as connection:
        query = "SELECT entry FROM ledger.events WHERE position <= %s ORDER BY position"
        entries = [bytes(row[0]) for row in connection.execute(query, (size,))]
    leaves = [leaf_hash(entry) for entry in entries]
    frontier = Frontier.empty().extend(leaves)
    _, tiles = TileBuilder.empty().extend(leaves)
    rows = ", ".join(f"(0, {level}, {index}, '\\x{hashes.hex()}')" for level, index, hashes in tiles)
    streams = (
        "UPDATE ledger.stream_heads h SET (seq, leaf) = (SELECT e.seq, e.leaf FROM ledger.events e "
        "WHERE e.stream = h.stream ORDER BY e.seq DESC LIMIT 1)"
    )
    told = "SELECT convert_from(e.entry, 'UTF8')::json->>'correlation' AS told, e.leaf, e.position FROM ledger.events e"
    cases = (
        f"UPDATE ledger.case_heads h SET (seq, leaf) = (SELECT count(*) OVER (), c.leaf FROM ({told}) c "
        "WHERE c.told = h.correlation::text ORDER BY c.position DESC LIMIT 1)"
    )
    head = (
        f"UPDATE ledger.head SET size = {size}, root = '\\x{frontier.root().hex()}', "
        f"frontier = '\\x{frontier.to_bytes().hex()}', recorded_at = '{parse(entries[-1]).recorded_at}'"
    )
    return [
        f"DELETE FROM ledger.events WHERE position > {size}",
        f"DELETE FROM ledger.commands WHERE position > {size}",
        f"DELETE FROM ledger.checkpoints WHERE size > {size}",
        "DELETE FROM ledger.stream_heads h WHERE NOT EXISTS (SELECT FROM ledger.events e WHERE e.stream = h.stream)",
        streams,
        f"DELETE FROM ledger.case_heads h WHERE h.correlation::text NOT IN (SELECT c.told FROM ({told}) c)",
        cases,
        head,
        "TRUNCATE ledger.tiles",
        f"INSERT INTO ledger.tiles (shard, level, index, hashes) VALUES {rows}",
        _NO_READ_MODELS,
    ]


_NO_READ_MODELS = """
DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'read'
    LOOP EXECUTE format('DROP TABLE read.%I CASCADE', one.name); END LOOP;
END $$"""


def test_a_checkpoint_of_another_log_is_no_measure(program: Program, tmp_path: Path) -> None:
    program.filled(1)
    kept = tmp_path / "kept"
    kept.write_bytes(program("checkpoint").then(0).out.replace(ORIGIN.encode(), b"other.example/log"))
    done = program("fsck", "--since", kept)
    assert done.code in (REFUSED, UNUSABLE)
    assert "leaseledger: " in done.err


def test_a_checkpoint_file_that_is_none(program: Program, tmp_path: Path) -> None:
    assert "got nothing there" in program("fsck", "--since", tmp_path / "none").then(UNUSABLE).err
    odd = tmp_path / "odd"
    odd.write_bytes(b"hello\n")
    assert "expected" in program("fsck", "--since", odd).then(UNUSABLE).err
