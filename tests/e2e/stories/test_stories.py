"""Two cases lived through a real ledger, word for word as they were agreed; the transcripts are beside this file.

`LEASELEDGER_REWRITE_STORIES=1` writes them anew; whoever does that reads the difference before it is agreed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from psycopg import Connection

from adapters.postgres.connections import connect
from adapters.postgres.fsck.whole import fsck
from adapters.postgres.vault import Vault
from adapters.system import random_bytes
from api.compose import Base, base
from api.settings import Settings
from chain.entry import parse
from domain.accounting.posting import post, trial_balance
from domain.kernel.decider import fold
from domain.leasing.lease.decider import LEASE
from domain.leasing.lease.refusals import CLOSED
from domain.leasing.lease.state import Phase
from projections.engine.comparing import compare
from projections.engine.model import Projection
from tests import servers
from tests.e2e.stories import auto, rental, scene

HERE = Path(__file__).parent
REWRITE = "LEASELEDGER_REWRITE_STORIES"
STORIES: dict[str, ModuleType] = {"rental": rental, "auto": auto}


@dataclass(frozen=True)
class Lived:
    """A story that was lived, and the ledger that it left behind."""

    name: str
    on: Base
    transcript: str
    personal: tuple[str, ...]


@pytest.fixture(scope="module")
def server() -> Iterator[servers.Server]:
    """One server for both stories."""
    with servers.Server() as started:
        yield started


@pytest.fixture(scope="module", params=list(STORIES))
def lived(
    request: pytest.FixtureRequest, server: servers.Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Lived]:
    """Each story, lived once."""
    module = STORIES[request.param]
    data = tmp_path_factory.mktemp(request.param)
    with server.database() as url:
        values: dict[str, Any] = {"database_url": url, "data": data, "origin": servers.ORIGIN}
        with base(Settings(**values)) as on:
            transcript = scene.run(on, module.FIRST, module.tell, data / "signing")
            yield Lived(request.param, on, transcript, module.PERSONAL)


@pytest.fixture
def connection(lived: Lived) -> Iterator[Connection[Any]]:
    """A connection as programs have it."""
    with connect(lived.on.url) as opened:
        yield opened


def entries(connection: Connection[Any]) -> list[bytes]:
    """Every entry in ledger order."""
    return [entry for (entry,) in connection.execute("SELECT entry FROM ledger.events ORDER BY position")]


def test_transcript(lived: Lived) -> None:
    path = HERE / f"{lived.name}.txt"
    if os.environ.get(REWRITE):
        path.write_text(lived.transcript, "utf-8")
    assert lived.transcript == path.read_text("utf-8"), f"set {REWRITE}=1 to write {path.name} anew"


def test_books_balance_after_every_event(lived: Lived, connection: Connection[Any]) -> None:
    """Posted again from the stored entries alone, each by itself and all of them so far."""
    lines = 0
    totals: dict[str, int] = {}
    for entry in entries(connection):
        for line in post(parse(entry).event()):
            totals[line.account] = totals.get(line.account, 0) + line.debit_fen - line.credit_fen
            lines += 1
        assert sum(totals.values()) == 0
    everything = [line for entry in entries(connection) for line in post(parse(entry).event())]
    assert lines == len(everything) > 40
    assert trial_balance(everything) == dict(sorted(totals.items()))


def test_ledger_is_sound(lived: Lived, connection: Connection[Any]) -> None:
    report = fsck(connection, Vault(lived.on.keys, random_bytes))
    assert report.ok, report.findings
    assert report.events == len(entries(connection)) > 200
    assert report.personal_values >= 4


@pytest.mark.parametrize("projection", scene.READ_MODELS, ids=lambda projection: projection.table)
def test_read_models_are_what_the_events_say(
    lived: Lived, connection: Connection[Any], projection: Projection[Any]
) -> None:
    compared = compare(connection, projection)
    assert compared.first is None, f"expected what a replay gives: {compared.first}"
    assert (compared.position, compared.parked) == (len(entries(connection)), 0)


def test_nothing_about_the_person_is_in_the_ledger(lived: Lived, connection: Connection[Any]) -> None:
    written = b"\n".join(entries(connection)).decode()
    assert len(lived.personal) >= 4
    assert all(lived.personal)
    assert [value for value in lived.personal if value in written or value in lived.transcript] == []
    assert str(lived.on.settings.tenant) in written, "the search looks at the right text"


def test_lease_is_closed_and_stays_so(lived: Lived, connection: Connection[Any]) -> None:
    parsed = [parse(entry) for entry in entries(connection)]
    closed = [entry.stream for entry in parsed if entry.type == "lease.closed.v1"]
    assert len(closed) == 1
    state = fold(LEASE, [entry.event() for entry in parsed if entry.stream == closed[0]])
    assert (state.phase, state.balances.open_fen, state.balances.credit_fen) == (Phase.SETTLED, 0, 0)
    assert CLOSED.code in lived.transcript
