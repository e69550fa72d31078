"""Every measurement at a tiny size on a real server, and red when what it measures is broken."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Sequence
from subprocess import CompletedProcess
from typing import Any
from uuid import UUID, uuid4

import pytest
import umadb
from eventsourcing.postgres import PostgresApplicationRecorder
from msgspec.structs import replace

from adapters.imports.importer import ImportReport, import_cases
from adapters.imports.xes import Case
from adapters.postgres.connections import connect
from adapters.postgres.ledger import Ledger
from adapters.postgres.log import Log
from adapters.postgres.writing.sequencer import Appended
from adapters.system import now
from api.compose import Base
from chain.errors import ProofMismatch
from projections.engine.runner import Runner
from tests.bench import (
    catching_up,
    checking,
    clients,
    commands,
    growth,
    importing,
    leasing,
    orders,
    proofs,
    serving,
    stock,
    synthetic,
    uma,
)
from tests.bench.model import Broken, Result
from tests.bench.place import Place


def check_row(row: Result, name: str, *, with_peer: bool = True) -> None:
    """Both sides measured something, and the row adds up."""
    assert row.name == name
    assert row.ours_min > 0
    assert row.ours_min <= row.ours <= row.ours_max
    assert (row.peer is not None) is with_peer
    if row.peer is not None:
        assert row.peer > 0
        assert row.ratio == pytest.approx(row.ours / row.peer, rel=0.02, abs=0.01)
    assert row.measured
    assert row.note


# ---------------------------------------------------------------------------------------- row 1, commands


def test_commands(place: Place) -> None:
    row, slow = commands.run(place)
    check_row(slow, "commands, slow disk")
    check_row(row, "commands")
    assert row.rounds == place.sizes.rounds


def test_commands_that_are_not_written_are_noticed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def pretend(*_: object) -> Appended:
        await asyncio.sleep(0.01)
        return Appended(stream=uuid4(), position=1, seq=1, version=1, events=1, size=1, root=bytes(32))

    monkeypatch.setattr(Ledger, "execute", pretend)
    with place.ledger("pretended") as on, pytest.raises(Broken, match="events in the ledger"):
        clients.throughput(on, 0.05, 2)


def test_a_tree_without_a_checkpoint_is_noticed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "sign_checkpoint", lambda tree, signers: b"not a note")
    with place.ledger("unsigned") as on, pytest.raises(ValueError, match="note"):
        clients.throughput(on, 0.1, 2)


def test_saves_of_the_library_that_are_not_there_are_noticed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PostgresApplicationRecorder, "insert_events", lambda self, events: [1])
    with (
        place.database("skipped") as url,
        stock.recorder(url) as store,
        pytest.raises(Broken, match="events in the library's table"),
    ):
        stock.throughput(store, 0.05, threads=1)


# ------------------------------------------------------------------------------------------- row 2, UmaDB


@pytest.mark.network
def test_umadb(place: Place) -> None:
    (row,) = uma.run(place)
    check_row(row, "umadb")


@pytest.mark.network
def test_appends_that_umadb_does_not_hold_are_noticed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uma, "_client", lambda url, until: 1)
    with uma.server(place.work / "uma_broken") as url, pytest.raises(Broken, match="events in UmaDB"):
        uma.throughput(url, 0.0, threads=2)


@pytest.mark.network
def test_umadb_refuses_a_second_append_of_the_same_tag(place: Place) -> None:
    """The condition that the measurement sends is one that can fail."""
    with uma.server(place.work / "uma_twice") as url:
        client = umadb.Client(url)
        new = umadb.AppendCondition(umadb.Query([umadb.QueryItem(tags=["application:1"])]))
        client.append([umadb.Event(stock.TOPIC, stock.STATE, ["application:1"], uuid4())], new)
        with pytest.raises(umadb.IntegrityError):
            client.append([umadb.Event(stock.TOPIC, stock.STATE, ["application:1"], uuid4())], new)


# ------------------------------------------------------------------------------------------ row 3, import


def test_import(place: Place) -> None:
    (row,) = importing.run(place)
    check_row(row, "import")
    assert "20 cases" in row.measured


def test_a_case_that_is_not_imported_is_noticed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def all_but_one(ledger: Any, reader: Any, cases: Sequence[Case], **words: Any) -> ImportReport:
        return await import_cases(ledger, reader, cases[:-1], **words)

    monkeypatch.setattr(importing, "import_cases", all_but_one)
    with place.ledger("one_missing") as on, pytest.raises(Broken, match="imported cases"):
        importing.import_all(on, place.cases())


def test_an_easier_table_is_noticed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "LIKE", "INCLUDING CONSTRAINTS")
    with (
        place.ledger("easier") as on,
        connect(on.url, role=None) as admin,
        pytest.raises(Broken, match="indexes of the equal table"),
    ):
        importing.equal_table(admin)


def test_rows_that_are_not_copied_are_noticed(place: Place) -> None:
    with place.ledger("short_copy") as on, connect(on.url, role=None) as admin:
        _, events = importing.import_all(on, place.cases()[:2])
        block = importing.rows(admin)
        importing.equal_table(admin)
        with pytest.raises(Broken, match="rows copied"):
            importing.copy(admin, block, events + 1)


# ------------------------------------------------------------------------------------- row 4, projections


def test_projections(place: Place) -> None:
    (row,) = catching_up.run(place)
    check_row(row, "projections")


def test_a_runner_that_skips_events_is_noticed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with place.ledger("skipping") as on:
        _, events = importing.import_all(on, place.cases()[:3])
        monkeypatch.setattr(Runner, "catch_up", lambda self: events)
        with pytest.raises(Broken, match="rows of the application book"):
            catching_up.catch_up(on, events)


def test_a_library_runner_that_writes_nothing_is_noticed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catching_up.BookView, "record", lambda self, row, tracking: None)
    with place.database("writes_nothing") as url:
        last = catching_up.fill(url, 20)
        with pytest.raises(Broken, match="rows of the library's book"):
            catching_up.library_catch_up(url, 20, last)


# -------------------------------------------------------------------------------------------- row 5, fsck


def test_fsck(place: Place) -> None:
    (row,) = checking.run(place)
    check_row(row, "fsck", with_peer=False)
    assert "by the clock" in row.note


def test_a_damaged_ledger_is_no_fast_fsck(place: Place) -> None:
    with place.ledger("damaged") as on:
        _, events = importing.import_all(on, place.cases()[:2])
        with connect(on.url, role=None) as admin:
            admin.execute("UPDATE ledger.stream_heads SET seq = seq + 1")
        with pytest.raises(Broken, match="differences found by fsck"):
            checking.check_all(on, events, [])


# ------------------------------------------------------------------------------------------ row 6, proofs


def test_proofs(place: Place) -> None:
    table, memory = proofs.run(place)
    check_row(table, "proofs", with_peer=False)
    check_row(memory, "proofs in memory", with_peer=False)


def test_proofs_of_the_wrong_entry_are_noticed(place: Place) -> None:
    leaves = place.sizes.leaves
    with place.ledger("wrong_proofs") as on, connect(on.url) as connection:
        proofs.store(on, connection, proofs.build(leaves), leaves)
        log, chance = Log(connection), random.Random(1)
        assert proofs.rate(on, lambda position: log.proof_in_tiles(position)[1], leaves, 5, chance) > 0
        with pytest.raises(ProofMismatch):
            proofs.rate(on, lambda position: log.proof_in_tiles(position % leaves + 1)[1], leaves, 5, chance)


# ------------------------------------------------------------------------------------------ row 7, leases


def test_leases(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "sizes", replace(place.sizes, rounds=1))
    (row,) = leasing.run(place)
    check_row(row, "leases", with_peer=False)
    assert row.measured.startswith("10 clients, ")
    assert "ends of day" in row.note


def test_generated_clients_are_the_same_in_every_run() -> None:
    """Most are charged every month; some pay everything, some less than they owe."""
    some = leasing.generated(200)
    assert some == leasing.generated(300)[:200]
    assert len({client.name for client in some}) == 200
    owed = [(sum(client.charged_fen[:-1]), sum(client.paid_fen)) for client in some]
    assert {paid == 0 or paid < charged for charged, paid in owed} == {True, False}
    assert all(0 <= paid <= charged for charged, paid in owed)


def test_a_book_with_a_wrong_row_is_no_fast_book(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    real = leasing._catch_up

    def spoilt(on: Base, events: int, leases: int) -> float:
        seconds = real(on, events, leases)
        with connect(on.url) as connection:
            connection.execute("UPDATE read.bills_v1 SET issued = issued + 1 WHERE issued = 6")
        return seconds

    monkeypatch.setattr(leasing, "_catch_up", spoilt)
    with pytest.raises(Broken, match="differences"):
        leasing.run(place)


# ------------------------------------------------------------------------------------------ row 8, growth


def test_growth(place: Place) -> None:
    (row,) = growth.run(place)
    check_row(row, "growth")
    assert "3000 events stored" in row.measured


def test_a_made_up_ledger_is_a_ledger_like_any_other(place: Place) -> None:
    """fsck agrees with every row, and commands go on from its head."""
    with place.ledger("made_up") as on:
        synthetic.load(on, 2_345)
        clients.throughput(on, 0.1, 4)
        with connect(on.url) as connection:
            size = Log(connection).publish(on.signer, now()).size
        assert size > 2_345
        assert checking.check_all(on, size, []) > 0


def test_a_full_disk_is_refused_before_it_is_full(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "EVENT_BYTES_MAX", 10**15)
    with pytest.raises(growth.NoRoom, match="GB free for 3000 events"):
        growth.run(place)


def test_streams_of_a_made_up_ledger_differ(place: Place) -> None:
    with place.ledger("streams") as on:
        synthetic.load(on, 2_000)
        with connect(on.url) as connection:
            streams = connection.execute("SELECT DISTINCT stream FROM ledger.events").fetchall()
    assert len(streams) == 1_000
    assert all(isinstance(stream, UUID) for (stream,) in streams)


# ------------------------------------------------------------------------------------------ row 9, http


@pytest.mark.network
def test_http(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "MANY", 8)
    alone, many = serving.run(place)
    check_row(alone, "http, one client", with_peer=False)
    check_row(many, "http, many clients", with_peer=False)


@pytest.mark.network
def test_answers_that_the_ledger_does_not_hold_are_noticed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = iter([0, 0])
    monkeypatch.setattr(serving, "scalar", lambda *_: next(sizes))
    with (
        place.ledger("http_lost") as on,
        serving.served(on) as (url, key),
        pytest.raises(Broken, match="events in the ledger"),
    ):
        serving.throughput(on, url, key, 1, 0.2)


# ------------------------------------------------------------------------------------------ row 10, orders


@pytest.mark.network
def test_orders(place: Place) -> None:
    (row,) = orders.run(place)
    check_row(row, "orders over HTTP, read back", with_peer=False)


@pytest.mark.network
@pytest.mark.parametrize("lost", ["posted", "listed", "as_posted"])
def test_an_order_that_is_not_read_back_is_noticed(place: Place, monkeypatch: pytest.MonkeyPatch, lost: str) -> None:
    told = {"posted": 3, "listed": 3, "as_posted": 3, "seconds": 1.0} | {lost: 2}
    monkeypatch.setattr("subprocess.run", lambda *_, **__: CompletedProcess([], 0, json.dumps(told), ""))
    with place.ledger("orders_lost") as on, pytest.raises(Broken, match="expected 3, got 2"):
        orders.ordered(on, "http://127.0.0.1:1", "", 3)
